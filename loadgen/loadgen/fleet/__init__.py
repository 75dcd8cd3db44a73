"""A pod of the fleet: its commands, its answers and its end."""
