"""The program: settings, watches, the work queue, metrics and probes."""
