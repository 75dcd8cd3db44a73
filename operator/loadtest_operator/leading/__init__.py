"""Which of several operators is at work."""
