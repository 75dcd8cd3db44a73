"""Values that the chart is rendered with in tests: each setting in a form that changes what comes out."""

from typing import Any

RESOURCES = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": 1, "memory": "1Gi"}}
PEERS = [
    {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},
    {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
]
TOLERATIONS = [{"key": "dedicated", "operator": "Equal", "value": "load", "effect": "NoSchedule"}]

# What needs the definitions of the prometheus-operator in the cluster.
MONITORED: dict[str, dict[str, Any]] = {
    "scraped through the Service": {
        "metrics.serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "1m30s"},
        "metrics.prometheusRule": {"enabled": True, "labels": {"role": "alerts", "release": "1"}},
    },
    "scraped by its pods, from other namespaces": {
        "operator.replicas": 2,
        "metrics.podMonitor": {"enabled": True, "interval": "", "namespace": "shop"},
        "metrics.prometheusRule": {"enabled": True, "namespace": "other"},
    },
}

VARIANTS: dict[str, dict[str, Any]] = {
    **MONITORED,
    "as it is": {},
    "an image of one's own": {
        "image.repository": "registry.example:5000/team/loadtest-operator",
        "image.tag": "0.1.0",
        "image.pullPolicy": "Always",
        "imagePullSecrets": [{"name": "registry"}],
    },
    "in some namespaces": {"watch.namespaces": ["shop", "other"]},
    "in some namespaces, with targets elsewhere": {"watch.namespaces": ["team"], "watch.targetNamespaces": ["shop"]},
    "the cluster's parts": {"parts": "cluster"},
    "the cluster's parts for some namespaces": {"parts": "cluster", "watch.namespaces": ["shop"]},
    "without the cluster's parts": {"parts": "namespaced", "watch.namespaces": ["shop"]},
    "without the cluster's parts, but watching all of it": {"parts": "namespaced"},
    "two replicas": {"operator.replicas": 2},
    "two replicas in one namespace": {"operator.replicas": 2, "watch.namespaces": ["shop"], "parts": "namespaced"},
    "without a CRD": {"crds.install": False},
    "without what may be left out": {
        "users.aggregate": False,
        "admission": {"secretAccess": False, "targets": False},
        "operator.networkPolicy.enabled": False,
    },
    "networks": {
        "policy": {"allowed": ["10.0.0.0/8", "fd00::/8"], "denied": ["10.96.0.1"], "allowLoopback": True},
        "operator.networkPolicy": {
            "metricsFrom": PEERS,
            "apiServer": {"ports": [6443], "networks": ["172.16.0.0/12", "fd00::/8"]},
        },
        "metrics.port": 9090,
        "clusterDomain": "cluster.example",
    },
    "messages": {
        "messages.secret": "webhooks",
        "messages.reportUrl": "https://reports.example.com/{namespace}/{name}",
    },
    "messages within some networks": {
        "messages": {"secret": "webhooks", "egress": {"ports": [443, 8443], "networks": ["10.0.0.0/8", "fd00::/8"]}},
    },
    "an archive on a volume": {"archive.persistentVolumeClaim": "runs"},
    "an archive in a bucket": {
        "archive.s3": {
            "url": "https://s3.example.com/runs/load-tests",
            "region": "eu-central-1",
            "secret": "bucket",
            "egress": {"ports": [9000], "networks": ["10.0.0.0/8"]},
        },
    },
    "metrics for nobody": {"operator.networkPolicy.metricsFrom": []},
    "a place on the nodes": {
        "operator.nodeSelector": {"disktype": "ssd"},
        "operator.tolerations": TOLERATIONS,
        "operator.priorityClassName": "system-cluster-critical",
        "operator.resources": RESOURCES,
        "operator.logLevel": "DEBUG",
        "loadgen.resources": RESOURCES,
    },
    "policies of somebody else's": {"admission": {"secretAccess": "installed-by-admin", "targets": True}},
    "a dashboard": {"metrics.grafanaDashboard.enabled": True},
    "a dashboard elsewhere": {
        "metrics.grafanaDashboard": {
            "enabled": True,
            "namespace": "shop",
            "labels": {"grafana_dashboard": None, "dashboards": "team"},
            "annotations": {"grafana_folder": "Load tests: all"},
        },
    },
    "live pages for who may forward ports": {"ui": {"enabled": True}},
    "live pages behind an ingress": {
        "ui": {"enabled": True, "port": 9082, "exposed": True, "hosts": ["tests.example.com"], "from": PEERS},
        "operator.networkPolicy.metricsFrom": [],
    },
    "deadlines": {"deadlines": {"waiting": 5, "starting": 60, "linger": 1.5}},
}
