"""A pod of the fleet: what it is told, what it says, how it ends."""
