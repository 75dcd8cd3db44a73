"""What people see of a local run."""
