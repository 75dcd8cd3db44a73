"""Where the pods go: to Linux nodes, and if possible over all of them, away from the target's pods, not to be moved."""

from typing import Final

import msgspec

from loadtest_model.spec.pod import Pod
from loadtest_operator.facts.destinations import Destination
from loadtest_operator.manifests.common import Json, without_nulls
from loadtest_operator.manifests.injection import PodMetadata

_NODE: Final = "kubernetes.io/hostname"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
_AWAY_FROM_TARGET: Final = 100

_LINUX: Final = {"kubernetes.io/os": "linux"}
"""The image is for Linux alone; a Windows node without a taint would take the pods and fail to run them."""

NOT_TO_BE_MOVED: Final = PodMetadata(
    annotations={
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
    }
)


def node_selector(options: Pod) -> dict[str, str]:
    """The nodes that the spec selects, of which only those with Linux can run the image."""
    return {**(options.node_selector or {}), **_LINUX}


def spread_constraints(run: dict[str, str]) -> list[Json]:
    """The pods with the labels of a run, spread over the nodes as far as there are any."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": _NODE,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": run},
        }
    ]


def affinity(options: Pod, target: Destination | None) -> Json:
    """What the spec says, and with it a preference for nodes without pods of the target, where these are known."""
    rules: Json = without_nulls(msgspec.to_builtins(options.affinity)) if options.affinity else {}
    if target is None or not target.labels:
        return rules
    away = {
        "weight": _AWAY_FROM_TARGET,
        "podAffinityTerm": {
            "labelSelector": {"matchLabels": dict(target.labels)},
            "namespaces": [target.namespace],
            "topologyKey": _NODE,
        },
    }
    others = rules.get("podAntiAffinity", {})
    return {**rules, "podAntiAffinity": {**others, _PREFERRED: [*others.get(_PREFERRED, []), away]}}
