"""The objects that the operator makes in a test's namespace, as Kubernetes JSON."""

from loadtest_operator.manifests.common import owner_reference
from loadtest_operator.manifests.job import active_deadline_seconds, job
from loadtest_operator.manifests.pod import PodDefaults
from loadtest_operator.manifests.results import results

__all__ = [
    "PodDefaults",
    "active_deadline_seconds",
    "job",
    "owner_reference",
    "results",
]
