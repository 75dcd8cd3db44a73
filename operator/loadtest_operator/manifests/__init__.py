"""The objects that the operator makes in a test's namespace, as Kubernetes JSON."""

from loadtest_operator.manifests.common import chosen_labels, owner_reference
from loadtest_operator.manifests.job import active_deadline_seconds, job
from loadtest_operator.manifests.network_policy import NetworkPolicyDefaults, network_policy
from loadtest_operator.manifests.pod import PodDefaults
from loadtest_operator.manifests.results import results

__all__ = [
    "NetworkPolicyDefaults",
    "PodDefaults",
    "active_deadline_seconds",
    "chosen_labels",
    "job",
    "network_policy",
    "owner_reference",
    "results",
]
