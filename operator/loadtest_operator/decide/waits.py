"""What pods that do not run wait for: the words of the scheduler, the kubelet and the Job controller, explained."""

import re
from dataclasses import dataclass
from typing import Final

from loadtest_model.reasons import Reason
from loadtest_operator.decide.fleet import Fleet, join_names
from loadtest_operator.facts.observation import Complaint, Observation, ObservedPod
from loadtest_operator.facts.quantities import quantity
from loadtest_operator.facts.resources import UNEXPLAINED_WAIT

_MOST_LISTED: Final = 3

# Said of a container that is just being made: an Event of its pod tells more.
_VAGUE: Final = ("", "ContainerCreating", "PodInitializing", UNEXPLAINED_WAIT)

_OF_PODS: Final = (
    (Reason.ImageMissing, r"^(ErrImage\w*|ImagePullBackOff|InvalidImageName|ImageInspectError|RegistryUnavailable)"),
    (Reason.Unschedulable, r"^(Unschedulable|SchedulingGated|SchedulerError)"),
    (Reason.SecretKeyMissing, r"non-existent secret key|couldn't find key \S+ in Secret"),
    (Reason.SecretMissing, r'secret "[^"]*" not found'),
    (Reason.ConfigMapKeyMissing, r"non-existent config key|couldn't find key \S+ in ConfigMap"),
    (Reason.ConfigMapMissing, r'configmap "[^"]*" not found'),
    (Reason.VolumeNotMounted, r"^Failed(Mount|AttachVolume|MapVolume)"),
    (Reason.ContainerNotCreated, r"^(CreateContainer\w*|RunContainerError|PreCreateHookError|PreStartHookError)"),
)
_OF_JOBS: Final = (
    (Reason.PodSecurityRefused, r"violates PodSecurity"),
    (Reason.QuotaNeedsResources, r"failed quota: .*must specify"),
    (Reason.QuotaExceeded, r"exceeded quota"),
    (
        Reason.LimitRangeRefused,
        # The last is what comes of a LimitRange's default limit: a request above a limit of its own a Job cannot have.
        r"(maximum|minimum) \S+ usage per|max limit to request ratio per|must be less than or equal to \S+ limit",
    ),
)
# What waiting cannot mend: whoever changes the namespace meanwhile can run the test again.
_CERTAIN: Final = frozenset({Reason.PodSecurityRefused, Reason.QuotaNeedsResources, Reason.LimitRangeRefused})


@dataclass(frozen=True)
class FleetWait:
    """A reason, a sentence with what to do, and whether waiting is certain to be in vain."""

    reason: Reason
    message: str
    is_certain: bool = False


def find_wait(observation: Observation, fleet: Fleet) -> FleetWait | None:
    """What keeps the fleet from running, where anybody has said so; of several things one that is certain."""
    complaints_by_uid = {complaint.uid: complaint for complaint in observation.complaints}
    waits = [wait for pod in fleet.pods if (wait := _of_pod(pod, complaints_by_uid.get(pod.uid))) is not None]
    job = observation.job
    if job is not None and fleet.absent_indexes and job.uid in complaints_by_uid:
        waits.insert(0, _of_job(complaints_by_uid[job.uid], fleet))
    return min(waits, key=lambda wait: not wait.is_certain, default=None)


def waits_text(fleet: Fleet) -> str:
    """What the pods that do not run yet wait for; empty if all run or have run."""
    texts = [
        f"pod {pod.index} waits for {pod.waits_for}" for pod in fleet.pods if not (pod.is_running or pod.has_ended)
    ]
    texts += [f"pod {index} has not been made" for index in fleet.absent_indexes]
    return join_names(texts, _MOST_LISTED)


def _of_pod(pod: ObservedPod, complaint: Complaint | None) -> FleetWait | None:
    if pod.is_running or pod.has_ended:
        return None
    text = pod.waits_for
    reason = None if text in _VAGUE else _reason_in(text, _OF_PODS)
    if reason is None and complaint is not None:
        text = f"{complaint.reason}: {complaint.message}"
        reason = _reason_in(text, _OF_PODS)
    if text in _VAGUE:
        return None
    reason = reason or Reason.PodNotStarting
    return FleetWait(reason, reason.with_advice(f"pod {pod.index} ({pod.name}) waits for {text}"))


def _of_job(complaint: Complaint, fleet: Fleet) -> FleetWait:
    text = complaint.message.removeprefix("Error creating: ")
    reason = _reason_in(text, _OF_JOBS) or Reason.PodsRefused
    certain = reason in _CERTAIN or (reason is Reason.QuotaExceeded and _never_enough(text, fleet.plan.parallelism))
    # Each refused pod has a name of its own, which nobody ever sees.
    text = re.sub(r'^(pods "[^"]*" is forbidden|Pod "[^"]*" is invalid): ', "", text)
    return FleetWait(reason, reason.with_advice(f"pods are refused: {text}"), certain)


def _reason_in(text: str, forms: tuple[tuple[Reason, str], ...]) -> Reason | None:
    return next((reason for reason, form in forms if re.search(form, text)), None)


def _never_enough(text: str, pods: int) -> bool:
    """Whether a quota could not hold all pods at once even if nothing else were in the namespace."""
    parts = re.search(r"requested: (.*), used: .*, limited: (.*)$", text)
    if parts is None:
        return False
    limited = dict(_pairs(parts[2]))
    return any(name in limited and amount * pods > limited[name] for name, amount in _pairs(parts[1]))


def _pairs(text: str) -> list[tuple[str, float]]:
    assignments = (part.partition("=") for part in text.split(","))
    return [(name.strip(), number) for name, _, value in assignments if (number := quantity(value)) is not None]
