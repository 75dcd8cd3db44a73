"""What the installation allows (targets, networks, tests at once), and how long it waits after failures. Pure."""
