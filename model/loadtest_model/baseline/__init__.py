"""Whether a run is worse than earlier ones."""
