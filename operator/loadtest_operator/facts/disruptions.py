"""Pods that somebody takes away as planned: evictions, as Kubernetes writes them into the pods."""

from dataclasses import dataclass
from typing import Any, Final

from loadtest_operator.facts.pods import condition_of

Json = dict[str, Any]

_BY_THE_NODE: Final = "TerminationByKubelet"
"""A node that runs out of memory or disk ends pods by itself: nobody planned that."""


@dataclass(frozen=True, order=True)
class Eviction:
    """A pod that is being taken away since `at` (RFC 3339), and why, in the words of Kubernetes."""

    at: str
    pod: str
    reason: str
    message: str

    @property
    def is_planned(self) -> bool:
        return self.reason != _BY_THE_NODE

    def __str__(self) -> str:
        return f"{self.pod} ({self.reason})"

    @property
    def explanation(self) -> str:
        return f"{self.reason}: {self.message}" if self.message else self.reason


def eviction_of(pod: Json) -> Eviction | None:
    """The eviction that a pod's condition DisruptionTarget tells of."""
    condition = condition_of(pod, "DisruptionTarget")
    if condition.get("status") != "True":
        return None
    at, reason = condition.get("lastTransitionTime") or "", condition.get("reason") or ""
    return Eviction(at, pod["metadata"]["name"], reason, " ".join((condition.get("message") or "").split()))


def evictions_of(pods: list[Json]) -> tuple[Eviction, ...]:
    """The planned evictions among pods, the oldest first."""
    candidates = (eviction_of(pod) for pod in pods)
    return tuple(sorted(each for each in candidates if each is not None and each.is_planned))
