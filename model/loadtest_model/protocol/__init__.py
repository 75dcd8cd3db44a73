"""What operator and pods tell each other: commands, exit codes, the last word."""
