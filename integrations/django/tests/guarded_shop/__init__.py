"""A project whose views misbehave, each in its own way, for the tests of the guard."""
