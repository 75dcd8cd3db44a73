"""What the installation allows: targets, networks, tests at once. Pure."""
