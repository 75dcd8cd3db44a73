"""The generator: proves a target, loads it with its share of a plan, and says what it measured."""
