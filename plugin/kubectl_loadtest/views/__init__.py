"""What people see of a LoadTest in a terminal: pure functions from the JSON of resources to lines."""
