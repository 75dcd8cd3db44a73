"""A real Kubernetes control plane on this machine, whose pods are local processes."""
