"""One upload, from its records to its judgement, to an address that was proven."""
