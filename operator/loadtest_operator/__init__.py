"""The operator: it turns LoadTest resources into runs, and what the runs measured into verdicts."""
