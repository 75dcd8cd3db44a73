"""A whole Kubernetes with one node that runs real containers: kubelet, containerd, runc, kube-proxy, CoreDNS.

It lives in mount, network and PID namespaces of its own. So it needs root, touches nothing of the machine's
network or folders, and is gone to the last container when its first process ends.
"""
