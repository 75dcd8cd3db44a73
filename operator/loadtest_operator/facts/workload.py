"""Reading Kubernetes' JSON of a workload, its pods and their use into what one look at the target shows. Pure."""

from dataclasses import dataclass
from typing import Any, Final

from loadtest_model.reasons import Reason
from loadtest_model.spec.target import Workload, WorkloadKind
from loadtest_operator.facts.disruptions import Eviction, evictions_of
from loadtest_operator.facts.pods import OUT_OF_MEMORY, has_ended, is_ready
from loadtest_operator.facts.quantities import quantity

Json = dict[str, Any]

_REVISION_LABELS: Final = ("pod-template-hash", "controller-revision-hash")
_UID_LENGTH: Final = 8


@dataclass(frozen=True)
class ContainerLook:
    """`key` names the container in its pod; it has ended `ends` times, the last time as `last_end` says."""

    key: str
    ends: int
    last_end: str = ""
    ran_out_of_memory: bool = False


@dataclass(frozen=True)
class PodLook:
    """A pod of the workload that is there to stay. `created_at` is in RFC 3339, `images` are digests."""

    name: str
    created_at: str
    is_ready: bool
    revision: str
    images: tuple[str, ...]
    containers: tuple[ContainerLook, ...]


@dataclass(frozen=True)
class ResourceUsage:
    """What the pods used together at the time `at`, by the metrics API. `problem` says why that is not known."""

    at: str = ""
    memory_bytes: int = 0
    cpu_cores: float = 0.0
    pods: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class WorkloadLook:
    """One look at a workload. If there is a `problem`, a `message` tells of it.

    `usage` is None if it was not asked for.
    """

    desired_pods: int = 0
    pods: tuple[PodLook, ...] = ()
    usage: ResourceUsage | None = None
    evictions: tuple[Eviction, ...] = ()
    problem: Reason | None = None
    message: str = ""

    @property
    def newest_pod_created_at(self) -> str:
        """When the newest pod was made."""
        return max((pod.created_at for pod in self.pods), default="")


def look_at_workload(workload: Workload, resource: Json, pods: list[Json]) -> WorkloadLook:
    """What a workload and the pods that its selector selects show."""
    mine = [pod for pod in pods if _belongs(pod, workload, resource)]
    there = tuple(_pod_look(pod) for pod in mine if _is_present(pod))
    return WorkloadLook(desired_pods=_desired(resource), pods=there, evictions=evictions_of(mine))


def workload_selector(resource: Json) -> str:
    """A workload's selector in the form that a list takes."""
    selector = resource["spec"].get("selector") or {}
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for expression in selector.get("matchExpressions") or []:
        key, values = expression["key"], ",".join(expression.get("values") or [])
        match expression["operator"]:
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case "DoesNotExist":
                parts.append(f"!{key}")
    return ",".join(parts)


def usage_of(metrics_list: list[Json], pods: tuple[PodLook, ...]) -> ResourceUsage:
    """What these pods used together, from a list of the metrics API (metrics.k8s.io/v1beta1, PodMetrics)."""
    names = {pod.name for pod in pods}
    mine = [pod_metrics for pod_metrics in metrics_list if pod_metrics["metadata"]["name"] in names]
    if not mine:
        return ResourceUsage(problem="the metrics API knows none of its pods yet")
    usages = [container["usage"] for pod_metrics in mine for container in pod_metrics.get("containers") or []]
    return ResourceUsage(
        at=max(pod_metrics["timestamp"] for pod_metrics in mine),
        memory_bytes=round(_sum(usages, "memory")),
        cpu_cores=_sum(usages, "cpu"),
        pods=tuple(sorted(pod_metrics["metadata"]["name"] for pod_metrics in mine)),
    )


def _sum(usages: list[Json], resource: str) -> float:
    """What containers used together of a resource.

    Raises ValueError.
    """
    total = 0.0
    for each in usages:
        text = each.get(resource, "0")
        amount = quantity(text)
        if amount is None:
            raise ValueError(f"{text!r} is not a quantity")
        total += amount
    return total


def _desired(resource: Json) -> int:
    if resource["kind"] == WorkloadKind.DAEMON_SET:
        return int((resource.get("status") or {}).get("desiredNumberScheduled", 0))
    return int(resource["spec"].get("replicas", 1))


def _belongs(pod: Json, workload: Workload, resource: Json) -> bool:
    """Whether the workload made the pod; its selector alone may also select a stranger."""
    owner = next((each for each in pod["metadata"].get("ownerReferences") or [] if each.get("controller")), None)
    if owner is None:
        return False
    if workload.kind == WorkloadKind.DEPLOYMENT:
        revision = (pod["metadata"].get("labels") or {}).get("pod-template-hash", "")
        return bool(owner["kind"] == WorkloadKind.REPLICA_SET and owner["name"] == f"{workload.name}-{revision}")
    return bool(owner["uid"] == resource["metadata"]["uid"])


def _is_present(pod: Json) -> bool:
    """Neither on its way out nor ended: how such a pod's containers end says nothing of the target."""
    return "deletionTimestamp" not in pod["metadata"] and not has_ended(pod)


def _pod_look(pod: Json) -> PodLook:
    metadata, status = pod["metadata"], pod.get("status") or {}
    statuses = status.get("containerStatuses") or []
    labels = metadata.get("labels") or {}
    return PodLook(
        name=metadata["name"],
        created_at=metadata["creationTimestamp"],
        is_ready=is_ready(pod),
        revision=next((labels[name] for name in _REVISION_LABELS if name in labels), ""),
        images=tuple(container_status["imageID"] for container_status in statuses if container_status.get("imageID")),
        containers=tuple(_container_look(metadata, container_status) for container_status in statuses),
    )


def _container_look(metadata: Json, container_status: Json) -> ContainerLook:
    """How often a container has ended: its restarts, and the end after which it was not started again yet."""
    state, last = container_status.get("state") or {}, container_status.get("lastState") or {}
    termination: Json | None = state.get("terminated") or last.get("terminated")
    awaits_restart = "terminated" in state or ("waiting" in state and "terminated" in last)
    description, out_of_memory = "", False
    if termination is not None:
        reason = termination.get("reason", "")
        out_of_memory = reason == OUT_OF_MEMORY
        description = f"{container_status['name']} in {metadata['name']}, exit code {termination.get('exitCode', -1)}"
        description += f", {reason}" if reason and reason != "Error" else ""
    return ContainerLook(
        key=f"{metadata['uid'][:_UID_LENGTH]}/{container_status['name']}"[:40],
        ends=container_status.get("restartCount", 0) + awaits_restart,
        last_end=description,
        ran_out_of_memory=out_of_memory,
    )
