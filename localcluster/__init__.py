"""A real Kubernetes control plane on this machine, and a node: a process of ours, or one with real containers.

Real in both: the API server with its admission, RBAC, schemas and watches, and the controllers. README.md says what
each node does and what it cannot do. Faults are asked for by annotations (node/faults.py) or by methods of
cluster.LocalCluster.
"""
