"""What `loadgen run` and `loadgen verify` are made of, beside what they share with a pod."""
