"""What the API server checks of a LoadTest: its schema and the rules in it."""
