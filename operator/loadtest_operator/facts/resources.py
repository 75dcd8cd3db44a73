"""Reading Kubernetes' JSON into the values that decisions are made from."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from loadtest_model.plan import DEFAULT_RUN_ID, Plan
from loadtest_model.plan.variable import PLAN_VARIABLE, decode_plan
from loadtest_model.protocol.exits import PodExit
from loadtest_model.report.labels import FINISHED_RUN_ANNOTATION, RUN_LABEL, UID_LABEL, VERDICT_LABEL
from loadtest_model.report.references import resolve_all
from loadtest_model.spec import Identity, Spec
from loadtest_operator.facts.disruptions import eviction_of
from loadtest_operator.facts.last_lines import last_lines
from loadtest_operator.facts.names import ARCHIVED_ANNOTATION, CONTAINER, INDEX_ANNOTATION, RESULTS_SUFFIX
from loadtest_operator.facts.newer_fields import split_newer_fields
from loadtest_operator.facts.observation import (
    ContainerEnd,
    ObservedJob,
    ObservedPod,
    ObservedResults,
    ObservedTest,
    RecordedStatus,
)
from loadtest_operator.facts.pods import condition_of, has_ended
from loadtest_operator.facts.quantities import quantity

Json = dict[str, Any]

UNEXPLAINED_WAIT = "the pod's container to be created"
_LEFT_BEHIND_SECONDS: Final = 60.0
_ON_ITS_WAY: Final = ("ContainerCreating", "PodInitializing")


def instant(text: str) -> datetime:
    """An RFC 3339 time as Kubernetes writes it."""
    return datetime.fromisoformat(text)


def rfc3339(moment: datetime) -> str:
    """A time in whole seconds, the form of a condition's transition time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def observed_test(resource: Json) -> ObservedTest:
    metadata = resource["metadata"]
    spec, error = None, ""
    known_spec, newer = split_newer_fields(resource.get("spec", {}))
    try:
        spec = msgspec.convert(known_spec, Spec)
    except msgspec.ValidationError as invalid:
        error = str(invalid)
    return ObservedTest(
        identity=Identity(namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"]),
        generation=metadata.get("generation", 0),
        resource_version=metadata["resourceVersion"],
        spec=spec,
        spec_error=error,
        newer_fields=newer,
        record=recorded_status(resource.get("status") or {}),
        finished_run=(metadata.get("annotations") or {}).get(FINISHED_RUN_ANNOTATION),
        status=resource.get("status") or {},
        is_deleting="deletionTimestamp" in metadata,
        created_at=instant(metadata["creationTimestamp"]),
    )


def run_id_of(test: ObservedTest) -> str:
    """The run that the spec asks for."""
    return (test.spec.run_id if test.spec else None) or DEFAULT_RUN_ID


def observed_job(job: Json, uid: str) -> ObservedJob:
    """A Job as the test with this UID sees it."""
    metadata = job["metadata"]
    conditions = {condition["type"]: condition for condition in (job.get("status") or {}).get("conditions") or []}
    failed = conditions.get("Failed", {})
    has_failed = failed.get("status") == "True"
    return ObservedJob(
        name=metadata["name"],
        uid=metadata["uid"],
        run_id=(metadata.get("labels") or {}).get(RUN_LABEL, ""),
        is_owned=any(
            owner["uid"] == uid and owner.get("controller") for owner in metadata.get("ownerReferences") or []
        ),
        created_at=instant(metadata["creationTimestamp"]),
        plan=_plan_of(job),
        is_deleting="deletionTimestamp" in metadata,
        failure=(failed.get("reason") or "JobFailed") if has_failed else "",
        failure_message=failed.get("message", "") if has_failed else "",
        is_complete=conditions.get("Complete", {}).get("status") == "True",
    )


def observed_results(config_map: Json, uid: str) -> ObservedResults | None:
    """A ConfigMap as the results of the test with this UID; None if it is something else that only bears its label."""
    metadata = config_map["metadata"]
    is_owned = any(owner["uid"] == uid and owner.get("controller") for owner in metadata.get("ownerReferences") or [])
    if not is_owned or not metadata["name"].endswith(RESULTS_SUFFIX):
        return None
    return ObservedResults(
        name=metadata["name"],
        uid=metadata["uid"],
        created_at=instant(metadata["creationTimestamp"]),
        run_id=(metadata.get("labels") or {}).get(RUN_LABEL, ""),
        verdict=(metadata.get("labels") or {}).get(VERDICT_LABEL, ""),
        archived_under=(metadata.get("annotations") or {}).get(ARCHIVED_ANNOTATION, ""),
    )


def pod_index(pod: Json) -> int:
    """The completion index of a pod of an Indexed Job; -1 where it has none."""
    metadata = pod["metadata"]
    text = (metadata.get("annotations") or {}).get(INDEX_ANNOTATION)
    return int(text if text is not None else (metadata.get("labels") or {}).get(INDEX_ANNOTATION, -1))


def observed_pod(pod: Json) -> ObservedPod:
    """A pod without its snapshot, which is not in the API."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    container: Json = next(
        (
            container_status
            for container_status in status.get("containerStatuses") or []
            if container_status["name"] == CONTAINER
        ),
        {"state": {}},
    )
    state = container.get("state") or {}
    phase = status.get("phase", "Pending")
    termination = state.get("terminated")
    limits = _generator_limits(pod.get("spec") or {})
    return ObservedPod(
        index=pod_index(pod),
        name=metadata["name"],
        uid=metadata["uid"],
        ip=status.get("podIP") or None,
        run_id=(metadata.get("labels") or {}).get(RUN_LABEL, ""),
        is_running="running" in state,
        is_deleting="deletionTimestamp" in metadata,
        waits_for="" if "running" in state or termination else _wait_description(pod, state),
        has_crashed=_has_crashed(termination, phase),
        other_containers=_other_containers(pod.get("spec") or {}),
        has_lingering_sidecar=termination is not None and _has_running_container(status),
        cpu_limit_cores=quantity(str(limits.get("cpu", ""))),
        memory_limit=str(limits.get("memory", "")),
        container_end=_container_end(termination, pod),
        eviction_reason=eviction.explanation if (eviction := eviction_of(pod)) else "",
    )


def termination_message(pod: Json) -> str:
    """What the loadgen container left behind when it ended."""
    for container_status in (pod.get("status") or {}).get("containerStatuses") or []:
        if container_status["name"] == CONTAINER:
            return ((container_status.get("state") or {}).get("terminated") or {}).get("message") or ""
    return ""


@dataclass(frozen=True)
class PodReading:
    """A pod as the API server has it, with its container's last words; `deleted_at` is when it was to be gone."""

    pod: ObservedPod
    termination_message: str = ""
    deleted_at: str | None = None

    def at(self, now: datetime) -> "PodReading":
        """The same with what depends on the time."""
        return replace(self, pod=replace(self.pod, is_left_behind=is_left_behind(self.deleted_at, now)))


def pod_reading(pod: Json) -> PodReading:
    return PodReading(observed_pod(pod), termination_message(pod), pod["metadata"].get("deletionTimestamp"))


def is_left_behind(deleted_at: str | None, now: datetime) -> bool:
    """Whether a pod is long past its end: its node is gone, and nobody removes it."""
    return deleted_at is not None and (now - instant(deleted_at)).total_seconds() > _LEFT_BEHIND_SECONDS


def owner_uid(resource: Json) -> str:
    return str((resource["metadata"].get("labels") or {}).get(UID_LABEL, ""))


def recorded_status(status: Json) -> RecordedStatus:
    """What decisions need of a status; where a condition refers to the message, it has the message."""
    try:
        return msgspec.convert(resolve_all(status), RecordedStatus)
    except msgspec.ValidationError:
        # A status that another writer spoiled is as good as none: what matters is read from the children.
        return RecordedStatus()


def _plan_of(job: Json) -> Plan | None:
    for container in job["spec"]["template"]["spec"].get("containers", []):
        for variable in container.get("env") or []:
            if variable["name"] == PLAN_VARIABLE:
                try:
                    return decode_plan(variable.get("value", ""))
                except msgspec.DecodeError:
                    return None
    return None


def _container_end(termination: Json | None, pod: Json) -> ContainerEnd | None:
    if termination is not None:
        return ContainerEnd(
            exit_code=termination.get("exitCode", -1),
            reason=termination.get("reason", ""),
            message=termination.get("message", ""),
        )
    if has_ended(pod):
        # Evicted pods, and those of a node that went away, end without a word of their container.
        status = pod["status"]
        message = status.get("message") or _init_container_obstacle(status)
        return ContainerEnd(exit_code=-1, reason=status.get("reason", status["phase"]), message=message)
    return None


def _has_crashed(termination: Json | None, phase: str) -> bool:
    if termination is None:
        return phase == "Failed"
    return termination.get("exitCode") not in tuple(PodExit)


def _generator_limits(spec: Json) -> Json:
    """The generator's limits as the API server has them, which a LimitRange may have set."""
    own: Json = next((container for container in spec.get("containers") or () if container["name"] == CONTAINER), {})
    limits: Json = (own.get("resources") or {}).get("limits") or {}
    return limits


def _other_containers(spec: Json) -> tuple[str, ...]:
    """The containers that run with the generator: a pod as we make it has none."""
    sidecars = [
        container for container in spec.get("initContainers") or [] if container.get("restartPolicy") == "Always"
    ]
    return tuple(
        container["name"]
        for container in (*(spec.get("containers") or ()), *sidecars)
        if container["name"] != CONTAINER
    )


def _has_running_container(status: Json) -> bool:
    """Whether any container runs; those that were declared as sidecars are not asked, since the kubelet ends them."""
    return any(
        "running" in (container_status.get("state") or {}) for container_status in status.get("containerStatuses") or []
    )


def _wait_description(pod: Json, state: Json) -> str:
    """Why a pod's container does not run, in the words of the kubelet or the scheduler."""
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason and reason not in _ON_ITS_WAY:
        return f"{reason}: {message}" if message else reason
    scheduled = condition_of(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', 'Unschedulable')}: {scheduled.get('message', 'no node fits')}"
    return _init_container_obstacle(pod.get("status") or {}) or reason or UNEXPLAINED_WAIT


def _init_container_obstacle(status: Json) -> str:
    """Which container, of those that an injector put before the generator, keeps it from starting, and why."""
    for container_status in status.get("initContainerStatuses") or []:
        state = container_status.get("state") or {}
        waiting, termination = state.get("waiting") or {}, state.get("terminated") or {}
        detail = waiting.get("message") or last_lines(termination.get("message") or "")
        if termination.get("exitCode"):
            why = f"ended with exit code {termination['exitCode']}"
        elif waiting.get("reason", "PodInitializing") not in _ON_ITS_WAY:
            why = f"waits: {waiting['reason']}"
        else:
            continue
        text = f"container {container_status['name']}, which comes before it, {why}"
        return f"{text}: {detail}" if detail else text
    return ""
