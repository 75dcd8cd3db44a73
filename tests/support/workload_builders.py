"""A Deployment and its pods as Kubernetes' JSON, in short forms for tests."""

from typing import Any

from loadtest_model.spec.target import Workload, WorkloadKind
from loadtest_operator.facts.workload import WorkloadLook, look_at_workload

Json = dict[str, Any]

CLIENTS = Workload(kind=WorkloadKind.DEPLOYMENT, name="clients")
IMAGE = "registry.example/clients@sha256:1"


def a_deployment(replicas: int = 1) -> Json:
    selector = {"matchLabels": {"app": "clients"}}
    return {
        "kind": "Deployment",
        "metadata": {"name": "clients", "uid": "deployment"},
        "spec": {"replicas": replicas, "selector": selector},
    }


def a_container(
    *, restarts: int = 0, last_end: Json | None = None, is_down: bool = False, image: str = IMAGE, name: str = "django"
) -> Json:
    """A container's status; `last_end` is how it ended last, after which it is down or runs again."""
    state = {"waiting": {"reason": "CrashLoopBackOff"}} if is_down else {"running": {}}
    return {
        "name": name,
        "imageID": image,
        "restartCount": restarts,
        "state": state,
        "lastState": {"terminated": last_end} if last_end else {},
    }


def a_workload_pod(
    uid: str = "aaaaaaaa-1", *containers: Json, created: str = "10:00:00", revision: str = "r1", ready: bool = True
) -> Json:
    return {
        "metadata": {
            "name": f"clients-{uid}",
            "uid": uid,
            "creationTimestamp": f"2026-03-01T{created}Z",
            "labels": {"app": "clients", "pod-template-hash": revision},
            "ownerReferences": [{"kind": "ReplicaSet", "name": f"clients-{revision}", "uid": "rs", "controller": True}],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": list(containers or (a_container(),)),
        },
    }


def a_look(*pods: Json, desired: int = 1) -> WorkloadLook:
    return look_at_workload(CLIENTS, a_deployment(desired), list(pods))
