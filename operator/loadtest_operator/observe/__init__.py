"""Looking: everything that a decision is made from, read afresh."""
