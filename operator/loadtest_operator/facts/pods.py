"""What every pod's JSON tells, whoever's pod it is."""

from typing import Any, Final

Json = dict[str, Any]

OUT_OF_MEMORY: Final = "OOMKilled"
"""The reason of a container's end that was killed for its memory."""

_END_PHASES: Final = ("Succeeded", "Failed")


def has_ended(pod: Json) -> bool:
    """Whether its containers have ended for good."""
    return (pod.get("status") or {}).get("phase") in _END_PHASES


def is_ready(pod: Json) -> bool:
    return condition_of(pod, "Ready").get("status") == "True"


def condition_of(pod: Json, kind: str) -> Json:
    """The condition of a kind; empty if there is none."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return next((condition for condition in conditions if condition["type"] == kind), {})
