"""What every benchmark of uploads stands on: the sink, pinned processes and their CPU time, rows and tables."""
