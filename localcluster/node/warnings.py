"""Warnings about pods, as Events: what a kubelet or a scheduler tells there and nowhere else."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from localcluster.node.api import Api, ApiError
from localcluster.node.status import timestamp


async def warn(api: Api, pod: Mapping[str, Any], reason: str, message: str, component: str = "kubelet") -> None:
    """Say something about a pod; the same thing said again is the same Event, at a later time."""
    metadata = pod["metadata"]
    now = timestamp(datetime.now(UTC))
    digest = hashlib.sha256(f"{metadata['uid']}/{reason}/{message}".encode()).hexdigest()[:16]
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name'][:200]}.{digest}", "namespace": metadata["namespace"]},
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
    events = f"/api/v1/namespaces/{metadata['namespace']}/events"
    # The namespace may be being removed, and nothing can be said in it.
    with suppress(ApiError):
        try:
            await api.call("POST", events, body)
        except ApiError as error:
            if error.status != 409:
                raise
            name = body["metadata"]["name"]
            changes = {"lastTimestamp": now}
            await api.call("PATCH", f"{events}/{name}", changes, content_type="application/merge-patch+json")
