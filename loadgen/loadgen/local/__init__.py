"""A run from one's own machine: plan, session, files."""
