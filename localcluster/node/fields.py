"""What a pod can be told about itself: fieldRef and resourceFieldRef. Pure."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ENTRY = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_QUANTITY = re.compile(r"([0-9.]+)([A-Za-z]*)")
_SUFFIXES = {
    "": 1.0,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the pod is: its own address and its node's."""

    pod_ip: str
    host_ip: str


def quantity(text: str) -> float:
    """Return the value of a Kubernetes quantity such as 250m or 64Mi; raise ValueError for anything else."""
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _SUFFIXES:
        raise ValueError(f"{text!r} is not a quantity")
    return float(match[1]) * _SUFFIXES[match[2]]


def field_value(pod: Mapping[str, Any], path: str, addresses: Addresses) -> str:
    """Return what a fieldRef's path says of the pod; raise ValueError for a path that has no value."""
    metadata, spec = pod["metadata"], pod["spec"]
    entry_match = _ENTRY.fullmatch(path)
    if entry_match is not None:
        return str(metadata.get(entry_match[1], {}).get(entry_match[2], ""))
    if path in {"metadata.labels", "metadata.annotations"}:
        entries = metadata.get(path.removeprefix("metadata."), {})
        return "\n".join(f"{key}={_quote(value)}" for key, value in sorted(entries.items()))
    values = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": addresses.host_ip,
        "status.hostIPs": addresses.host_ip,
        "status.podIP": addresses.pod_ip,
        "status.podIPs": addresses.pod_ip,
    }
    if path not in values:
        raise ValueError(f"unsupported fieldPath: {path}")
    return str(values[path])


def resource_value(container: Mapping[str, Any], reference: Mapping[str, Any], capacity: Mapping[str, str]) -> str:
    """Return a container's request or limit in whole divisors, rounded up; without a limit, the node's."""
    kind, _, name = str(reference["resource"]).partition(".")
    resources = container.get("resources", {})
    amount = resources.get(kind, {}).get(name)
    if amount is None:
        amount = capacity.get(name, "0") if kind == "limits" else "0"
    divisor = quantity(str(reference.get("divisor", "1"))) or 1.0
    return str(math.ceil(quantity(amount) / divisor))


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
