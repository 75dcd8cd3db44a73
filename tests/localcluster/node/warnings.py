"""Warnings about pods, as Events: what a kubelet or a scheduler tells there and nowhere else."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from localcluster.node.api import Api, ApiError
from localcluster.node.status import timestamp


async def warn(api: Api, pod: Mapping[str, Any], reason: str, message: str, component: str = "kubelet") -> None:
    """Say something about a pod, the same thing only once."""
    metadata = pod["metadata"]
    now = timestamp(datetime.now(UTC))
    said = hashlib.sha256(f"{metadata['uid']}/{reason}/{message}".encode()).hexdigest()[:16]
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name'][:200]}.{said}", "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
        "type": "Warning",
        "reason": reason,
        "message": message,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "source": {"component": component},
    }
    try:
        await api.call("POST", f"/api/v1/namespaces/{metadata['namespace']}/events", body)
    except ApiError:
        # It was said before, or the namespace is being removed.
        return
