"""A LoadTest as it changes, until it has ended."""
