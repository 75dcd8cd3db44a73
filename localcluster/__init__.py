"""A real Kubernetes control plane on this machine, whose pods are local processes.

Real: the API server with its admission, RBAC, schemas and watches, and the controllers for Jobs, Deployments,
ReplicaSets, garbage collection, namespaces, service accounts and finished Jobs. Ours: the node, which also
schedules. It does as a kubelet does, with these differences:

- An image is an entry of a table that says where its programs lie on this machine; see node/images.py. Pods
  see the machine's file system, read-only, with a /tmp, /run and /dev/shm and the pod's volumes of their own.
- A pod has an address of its own in 127.0.0.0/8, but shares the machine's ports: a program that listens on
  0.0.0.0 listens for every pod. Programs must bind to status.podIP.
- A Service's name resolves to its ready pods, as a headless one's would: its port must be the target port, and
  its cluster IP leads nowhere. The API server refuses loopback addresses in EndpointSlices, so there are none.
  Other names do not resolve at all.
- Resource limits, security contexts and affinity have no effect; volumes are emptyDir, configMap, secret,
  downwardAPI and projected ones.

Faults are asked for by annotations (node/faults.py) or by methods of cluster.LocalCluster.
"""
