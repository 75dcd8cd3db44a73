"""A pod's status as a kubelet reports it, from what its containers do. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

# The kubelet's: what all termination messages of a pod may have together, divided among its containers.
_ALL_MESSAGES_BYTES = 12_288

FINAL_PHASES = frozenset({"Succeeded", "Failed"})
"""The phases after which nothing of a pod runs any more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not running, and not ended for good."""

    reason: str
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"waiting": _without_empty({"reason": self.reason, "message": self.message})}


@dataclass(frozen=True, slots=True)
class Running:
    """The process lives."""

    started_at: datetime

    def to_json(self) -> dict[str, Any]:
        return {"running": {"startedAt": timestamp(self.started_at)}}


@dataclass(frozen=True, slots=True)
class Terminated:
    """The process has ended; exit_code is 128 + n after signal n."""

    exit_code: int
    reason: str
    message: str
    started_at: datetime
    finished_at: datetime
    container_id: str = ""

    def to_json(self) -> dict[str, Any]:
        fields = {
            "reason": self.reason,
            "message": self.message,
            "startedAt": timestamp(self.started_at),
            "finishedAt": timestamp(self.finished_at),
            "containerID": self.container_id,
        }
        return {"terminated": {"exitCode": self.exit_code, **_without_empty(fields)}}


State = Waiting | Running | Terminated


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """One container of a pod, init containers included."""

    name: str
    image: str
    state: State = Waiting("ContainerCreating")
    last_state: Terminated | None = None
    ready: bool = False
    started: bool = False
    restart_count: int = 0
    container_id: str = ""

    def with_message_limit(self, limit_bytes: int) -> "ContainerStatus":
        """Return the same with its messages cut to limit_bytes."""

        def cut(state: Terminated) -> Terminated:
            message = state.message.encode()[:limit_bytes].decode(errors="ignore")
            return replace(state, message=message)

        state = cut(self.state) if isinstance(self.state, Terminated) else self.state
        return replace(self, state=state, last_state=cut(self.last_state) if self.last_state else None)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image,
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restart_count,
            "state": self.state.to_json(),
            "lastState": self.last_state.to_json() if self.last_state else {},
            **_without_empty({"containerID": self.container_id}),
        }


@dataclass(frozen=True, slots=True)
class PodView:
    """What the node knows of a pod. is_ending: no container will be started again (deleted, or past its deadline)."""

    containers: Sequence[ContainerStatus]
    init_containers: Sequence[ContainerStatus] = ()
    sidecars: frozenset[str] = frozenset()
    restart_policy: str = "Always"
    is_ending: bool = False
    failure: tuple[str, str] | None = None
    """Reason and message of a pod that the node itself has failed."""
    conditions: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """The conditions last reported, for the times of their transitions."""
    is_over: bool = True
    """Whether the node is done with the pod: until then a final phase is not reported."""
    previous_phase: str = ""
    """The phase last reported, empty at first."""


def timestamp(moment: datetime) -> str:
    """Return the moment as Kubernetes writes it, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_initialized(view: PodView) -> bool:
    """Return whether every init container has done its part: ended with 0, or, as a sidecar, started."""
    return all(
        status.started
        if status.name in view.sidecars
        else isinstance(status.state, Terminated) and status.state.exit_code == 0
        for status in view.init_containers
    )


def phase(view: PodView) -> str:
    """Return the pod's phase: Pending, Running, Succeeded or Failed."""
    states = [status.state for status in view.containers]
    inits = [status.state for status in view.init_containers if status.name not in view.sidecars]
    ends = [state for state in states if isinstance(state, Terminated)]
    has_failed_init = any(isinstance(state, Terminated) and state.exit_code != 0 for state in inits)
    has_no_work_left = len(ends) == len(states) or view.is_ending
    is_alive = any(isinstance(status.state, Running) for status in [*view.containers, *view.init_containers])
    if view.is_ending and not is_alive:
        has_failed = view.failure or has_failed_init or any(state.exit_code != 0 for state in ends)
        return "Failed" if has_failed or len(ends) < len(states) else "Succeeded"
    if has_failed_init and view.restart_policy == "Never":
        return "Failed"
    if not is_initialized(view) and not ends:
        return "Pending"
    if has_no_work_left and not is_alive and view.restart_policy != "Always":
        if all(state.exit_code == 0 for state in ends):
            return "Succeeded"
        return "Failed" if view.restart_policy == "Never" else "Running"
    was_restarted = any(status.restart_count or status.last_state for status in view.containers)
    has_begun = was_restarted or any(not isinstance(state, Waiting) for state in states)
    return "Running" if has_begun else "Pending"


def pod_status(view: PodView, pod_ip: str, host_ip: str, start_time: datetime, now: datetime) -> dict[str, Any]:
    """Return the status to be written. Conditions of other authors are not in it."""
    all_count = len(view.containers) + len(view.init_containers)
    limit = _ALL_MESSAGES_BYTES // max(1, all_count)
    current_phase = phase(view)
    is_delayed = current_phase in FINAL_PHASES and not view.is_over
    status: dict[str, Any] = {
        "phase": (view.previous_phase or "Pending") if is_delayed else current_phase,
        "conditions": _conditions(view, current_phase, now),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "podIP": pod_ip,
        "podIPs": [{"ip": pod_ip}],
        "startTime": timestamp(start_time),
        "containerStatuses": [container.with_message_limit(limit).to_json() for container in view.containers],
    }
    if view.init_containers:
        status["initContainerStatuses"] = [
            container.with_message_limit(limit).to_json() for container in view.init_containers
        ]
    if view.failure and not is_delayed:
        status["reason"], status["message"] = view.failure
    return status


def _conditions(view: PodView, current_phase: str, now: datetime) -> list[dict[str, Any]]:
    unready_names = [status.name for status in view.containers if not status.ready]
    if current_phase in FINAL_PHASES:
        ready_reason = "PodCompleted" if current_phase == "Succeeded" else "PodFailed"
    else:
        ready_reason = "ContainersNotReady"
    message = f"containers with unready status: [{' '.join(unready_names)}]" if unready_names else ""
    has_initialized = is_initialized(view)
    condition_states = [
        ("Initialized", has_initialized, "ContainersNotInitialized", ""),
        ("ContainersReady", not unready_names, ready_reason, message),
        ("Ready", not unready_names, ready_reason, message),
    ]
    previous = {item["type"]: item for item in view.conditions}
    conditions = []
    for name, is_true, reason, text in condition_states:
        value = "True" if is_true else "False"
        previous_condition = previous.get(name)
        changed_at = (
            previous_condition["lastTransitionTime"]
            if previous_condition and previous_condition["status"] == value
            else timestamp(now)
        )
        condition: dict[str, Any] = {
            "type": name,
            "status": value,
            # An explicit null takes an earlier reason back out of the merged list.
            "reason": None if is_true else reason,
            "message": None if is_true else text or None,
            "lastTransitionTime": changed_at,
        }
        conditions.append(condition)
    return conditions


def _without_empty(fields: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in fields.items() if value}
