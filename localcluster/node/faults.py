"""Faults that a test asks of the node by annotation on a pod, or on its namespace for all pods in it. Pure.

The value says for which pods: `*` for all, or a comma-separated list of job completion indexes.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

_PREFIX = "node.localcluster/"
_INDEX = "batch.kubernetes.io/job-completion-index"


class Fault(StrEnum):
    """The part of an annotation after `node.localcluster/`."""

    UNSCHEDULED = "unscheduled"
    """No node takes the pod while the annotation is there."""
    IMAGE_MISSING = "image-missing"
    """The images of the pod's containers cannot be pulled while the annotation is there."""
    MESSAGE_LOST = "message-lost"
    """The termination messages of the pod's containers do not arrive."""
    MESSAGE_TORN = "message-torn"
    """Only the first half of each termination message arrives."""


def has_fault(fault: Fault, pod: Mapping[str, Any], namespace: Mapping[str, Any] | None) -> bool:
    """Return whether the fault is asked for this pod; its own annotation comes before its namespace's."""
    annotations = pod["metadata"].get("annotations", {})
    namespace_annotations = (namespace or {}).get("metadata", {}).get("annotations", {})
    selection = annotations.get(_PREFIX + fault, namespace_annotations.get(_PREFIX + fault))
    if selection is None:
        return False
    return selection == "*" or annotations.get(_INDEX) in [index.strip() for index in selection.split(",")]


def damaged_message(message: str, *, lost: bool, torn: bool) -> str:
    """Return what is left of a termination message."""
    if lost:
        return ""
    return message[: len(message) // 2] if torn else message
