"""Small requests to the control servers of pods, as the operator makes them and pods that halt their peers."""
