"""Small requests to the control servers of pods, made by the operator, and by a pod that halts its peers."""
