"""The settings of the node's programs, as text. Pure."""

import json

from localcluster.realnode.node_network import NodeNetwork

SANDBOX_IMAGE = "localcluster/pause:1"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
POD_NETWORKS = "/run/cni"
POD_LOGS = "/var/log/pods"
CLUSTER_DOMAIN = "cluster.local"


def containerd_config(plugin_folder: str) -> str:
    """containerd with runc and the CNI plugins in a folder.

    If the machine lacks CAP_SYS_RESOURCE a container may not lower its OOM score, and its sandbox dies of trying.
    """
    return f"""version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]

[grpc]
  address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{SANDBOX_IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{plugin_folder}"
  conf_dir = "{POD_NETWORKS}"
"""


def pod_network(network: NodeNetwork) -> str:
    """Each pod on a link of its own to the node, which routes: so kube-proxy's rules see all that pods send."""
    ranges = [[{"subnet": network.pods}]]
    addresses = {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]}
    plugins = [{"type": "ptp", "ipam": addresses}, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": plugins})


def kubelet_config(network: NodeNetwork, cgroup_root: str, resolv_conf: str) -> str:
    """The kubelet; it is asked by this cluster's API server alone, which nothing else can reach.

    It never evicts for want of disk, nor removes an image: nobody could pull it again.
    """
    return f"""apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: {network.node}
authentication:
  anonymous:
    enabled: true
  webhook:
    enabled: false
authorization:
  mode: AlwaysAllow
cgroupDriver: cgroupfs
cgroupRoot: {cgroup_root}
clusterDNS:
- {network.node}
clusterDomain: {CLUSTER_DOMAIN}
containerLogMaxSize: 1Gi
containerRuntimeEndpoint: unix://{CONTAINERD_SOCKET}
enforceNodeAllocatable: []
evictionHard:
  memory.available: 50Mi
  nodefs.available: 0%
  imagefs.available: 0%
failCgroupV1: false
failSwapOn: false
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
podLogsDir: {POD_LOGS}
resolvConf: {resolv_conf}
"""


def proxy_config(network: NodeNetwork, kubeconfig: str, node_name: str) -> str:
    """kube-proxy; it leaves the machine's limits of tracked connections alone."""
    return f"""apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: {network.node}
clientConnection:
  kubeconfig: {kubeconfig}
clusterCIDR: {network.pods}
conntrack:
  maxPerCore: 0
  min: 0
hostnameOverride: {node_name}
mode: iptables
"""


def names_config(network: NodeNetwork, kubeconfig: str) -> str:
    """CoreDNS, which answers for the cluster's own names and refuses all others."""
    return f""".:53 {{
  bind {network.node}
  errors
  kubernetes {CLUSTER_DOMAIN} {{
    kubeconfig {kubeconfig}
  }}
}}
"""
