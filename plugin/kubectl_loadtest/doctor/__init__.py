"""What keeps load tests from running: the findings of `doctor`, each with its remedy."""
