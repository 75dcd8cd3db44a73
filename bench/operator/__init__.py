"""The operator under large fleets and many tests."""
