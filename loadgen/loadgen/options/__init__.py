"""What the user asked for: options, environment and manifest as one spec."""
