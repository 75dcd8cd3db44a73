"""Messages about the ends of runs, to the webhooks that an installation configures."""
