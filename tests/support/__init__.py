"""What tests share: builders of values, runs and pods to look at, other programs."""
