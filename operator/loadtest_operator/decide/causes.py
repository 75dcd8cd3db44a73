"""Why a run must stop before its natural end. Each cause is found by a small check of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from loadtest_model.judgement.abort import watch
from loadtest_model.measurement.generator import throttling_text
from loadtest_model.measurement.snapshot import HaltReason, PodState
from loadtest_model.protocol.exits import PodExit
from loadtest_model.reasons import AnyReason, Reason, reason_named
from loadtest_model.report.status import ConditionType
from loadtest_operator.decide.decision import Policy
from loadtest_operator.decide.fleet import Fleet, listed
from loadtest_operator.decide.losses import RAISE_CPU, how_it_ended, starved, what_to_do
from loadtest_operator.decide.waits import wait_of, waits
from loadtest_operator.decide.watching import to_watch
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import instant

_NO_CAUSE: Final = frozenset({Reason.Started, Reason.NotStarted, Reason.Finished})
_FINDINGS: Final = (Reason.Violation, Reason.VerificationRefused, Reason.Aborted)
"""These causes are no gaps: they are judged by what they are, the gravest first."""
_URGENT: Final = frozenset({Reason.Violation, Reason.VerificationRefused})
"""The fleet is halted for these causes before they are on record: the target's data goes first, and the pods' own last
words have them."""

_BEGUN: Final = frozenset({PodState.RUNNING, PodState.LOADED, PodState.CONCLUDING, PodState.DONE})
_START_GRACE_SECONDS: Final = 5.0
_VERIFICATION_GRACE_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Cause:
    """A reason to stop, a sentence about it, and how: `drain` lets uploads in flight finish.

    A `gap` keeps the run from being judged in full; a violation or a refusal is no gap but a finding of its own.
    """

    reason: AnyReason
    message: str
    drain: bool = False
    gap: bool = True

    @property
    def is_urgent(self) -> bool:
        """Whether the fleet is halted before the cause is on record."""
        return self.reason in _URGENT


Check = Callable[[Observation, Fleet, Policy], Cause | None]


def causes(observation: Observation, fleet: Fleet, policy: Policy) -> tuple[Cause, ...]:
    """All causes that hold; empty while the run may go on. The first one says how to stop, and is written down.

    A cause on record stays one, since what it was found from may look different once the fleet has been stopped. Only a
    finding comes before it, so that no gap takes the place of what decides the verdict.
    """
    found = [cause for check in CHECKS if (cause := check(observation, fleet, policy)) is not None]
    recorded = recorded_cause(observation)
    if recorded is not None:
        same = next((cause for cause in found if cause.reason == recorded.reason), recorded)
        found = [same, *(cause for cause in found if cause is not same)]
    if not found:
        found = [cause for check in CONSEQUENCES if (cause := check(observation, fleet, policy)) is not None]
    return tuple(sorted(found, key=_rank))


def _rank(cause: Cause) -> int:
    """Findings come first, the gravest of them before the others."""
    return _FINDINGS.index(cause.reason) if cause.reason in _FINDINGS else len(_FINDINGS)


def is_on_record(observation: Observation, cause: Cause) -> bool:
    """Whether the status says already why the run must stop."""
    recorded = recorded_cause(observation)
    return recorded is not None and recorded.reason == cause.reason


def recorded_cause(observation: Observation) -> Cause | None:
    """The cause that an earlier decision wrote into the condition `Running`."""
    running = observation.test.recorded.condition(ConditionType.RUNNING)
    if running is None or running.is_true:
        return None
    reason = reason_named(running.reason)
    if reason in _NO_CAUSE:
        return None
    return Cause(reason, running.message, drain=reason is Reason.Stopped, gap=reason not in _FINDINGS)


def violation(_observation: Observation, fleet: Fleet, _policy: Policy) -> Cause | None:
    violations = fleet.aggregate.violations
    return Cause(Reason.Violation, violations[0].message, gap=False) if violations else None


def refused(_observation: Observation, fleet: Fleet, _policy: Policy) -> Cause | None:
    report = fleet.refusal
    return None if report is None else Cause(Reason.VerificationRefused, report.message, gap=False)


def defect(_observation: Observation, fleet: Fleet, _policy: Policy) -> Cause | None:
    for pod in fleet.pods:
        halted_by_defect = pod.snapshot is not None and pod.snapshot.halt_reason is HaltReason.DEFECT
        if halted_by_defect or (pod.terminated is not None and pod.terminated.exit_code == PodExit.DEFECT):
            said = f": {pod.snapshot.message}" if pod.snapshot and pod.snapshot.message else ""
            return Cause(Reason.GeneratorDefect, f"pod {pod.name} ended with a defect of the generator{said}")
    return None


def crashed(observation: Observation, fleet: Fleet, _policy: Policy) -> Cause | None:
    """A container that ended before it could say anything: nothing was loaded by it."""
    if observation.test.recorded.start is not None:
        return None
    for pod in fleet.pods:
        if pod.over and pod.snapshot is None:
            text = f"pod {pod.name} ended before it could verify: {how_it_ended(pod)}"
            return Cause(Reason.PodCrashed, f"{what_to_do((pod,))}, then run again; {text}")
    return None


def lost(observation: Observation, fleet: Fleet, _policy: Policy) -> Cause | None:
    """Under load the fleet counts on every pod: without one it can only come to Inconclusive."""
    begun = observation.test.recorded.start is not None
    counted = [pod for pod in fleet.pods if fleet.is_lost(pod) and (begun or pod.snapshot is not None)]
    names = [f"{pod.name} ({how_it_ended(pod)})" for pod in counted]
    if begun:
        names += [f"pod of index {index} (no trace of it)" for index in fleet.absent]
        names += [f"{pod.name} ({pod.waits_for})" for pod in fleet.pods if not (pod.running or pod.over)]
    if not names:
        return None
    return Cause(Reason.PodLost, f"{what_to_do(counted)}, then run again; lost {listed(names)}")


def control_blocked(_observation: Observation, fleet: Fleet, policy: Policy) -> Cause | None:
    blocked = [
        pod
        for pod in fleet.pods
        if pod.running and pod.snapshot is None and pod.silent_seconds >= policy.control_seconds
    ]
    if not blocked:
        return None
    seen = (
        f"the operator got no answer from {listed([pod.name for pod in blocked])} within {policy.control_seconds:g} s"
        " although the container runs"
    )
    allow = "allow the operator's namespace to reach port 8089 of the pods (NetworkPolicy, mesh)"
    limited = next((text for pod in blocked if (text := starved(pod))), "")
    if limited:
        return Cause(Reason.ControlBlocked, f"{RAISE_CPU}; {seen}: {limited}. Only if it stays silent then, {allow}")
    return Cause(Reason.ControlBlocked, f"{seen}; {allow}")


def start_missed(observation: Observation, fleet: Fleet, _policy: Policy) -> Cause | None:
    """Some pods load and others were never started: a restarted operator may find this."""
    start = observation.test.recorded.start
    if start is None or not started(fleet):
        return None
    idle = [pod.name for pod in fleet.in_state(PodState.WAITING, PodState.VERIFYING, PodState.VERIFIED, PodState.ARMED)]
    overdue = observation.seconds_since(instant(start.at)) > _START_GRACE_SECONDS
    if not idle or not overdue:
        return None
    return Cause(Reason.StartMissed, f"{listed(idle)} did not start with the others")


def barrier_missed(observation: Observation, fleet: Fleet, _policy: Policy) -> Cause | None:
    late = [
        pod.name for pod in fleet.pods if pod.snapshot is not None and pod.snapshot.halt_reason is HaltReason.BARRIER
    ]
    if not late:
        return None
    if observation.test.recorded.start is not None:
        return Cause(Reason.StartMissed, f"{listed(late)} got no start command in time")
    spec = observation.test.spec
    if fleet.all_verified and spec is not None and spec.target.workload is not None:
        look = to_watch(spec.target.workload, observation.workload)
        if look.problem:
            return Cause(look.problem, f"{look.message}; the verified pods waited for it in vain")
    return _timed_out(f"{listed(late)} waited too long for the others to be verified", fleet)


def job_gone(observation: Observation, _fleet: Fleet, _policy: Policy) -> Cause | None:
    job = observation.job
    if job is not None and not job.deleting:
        return None
    return Cause(Reason.JobGone, "the run's Job was removed while the test ran; it is not made a second time")


def job_overdue(observation: Observation, _fleet: Fleet, _policy: Policy) -> Cause | None:
    job = observation.job
    if job is None or job.failure != "DeadlineExceeded":
        return None
    return Cause(Reason.JobDeadlineExceeded, "the run took longer than all its parts together may; its Job was ended")


def pods_not_started(observation: Observation, fleet: Fleet, policy: Policy) -> Cause | None:
    job = observation.job
    waiting = waits(fleet)
    if job is None or observation.test.recorded.start is not None or not waiting:
        return None
    known = wait_of(observation, fleet)
    if known is not None and known.certain:
        return Cause(known.reason, known.message)
    if observation.seconds_since(job.created) < policy.starting_seconds:
        return None
    said = f"not all pods ran within {policy.starting_seconds:g} s"
    return (
        Cause(known.reason, f"{known.message}; {said}") if known else Cause(Reason.PodsNotStarted, f"{said}: {waiting}")
    )


def verification_overdue(observation: Observation, fleet: Fleet, policy: Policy) -> Cause | None:
    """The pods keep this deadline themselves; this one is for a pod that does not."""
    job = observation.job
    if job is None or observation.test.recorded.start is not None or fleet.all_verified:
        return None
    bound = policy.starting_seconds + 2 * fleet.plan.deadlines.verification_seconds + _VERIFICATION_GRACE_SECONDS
    if observation.seconds_since(job.created) < bound:
        return None
    return _timed_out(f"the pods were not verified within {bound:g} s", fleet)


def _timed_out(seen: str, fleet: Fleet) -> Cause:
    throttled = throttling_text(fleet.aggregate.generator)
    return Cause(Reason.VerificationTimedOut, f"{RAISE_CPU}; {seen}, and {throttled}" if throttled else seen)


def bound_breached(observation: Observation, fleet: Fleet, _policy: Policy) -> Cause | None:
    """A bound of `spec.abort`: the breach is a finding, and what is cut with it is no gap.

    A run that stops already is not aborted: how its uploads fare meanwhile says nothing about the load.
    """
    if recorded_cause(observation) is not None:
        return None
    breach = watch(fleet.plan, fleet.aggregate, observation.watch).breach
    return Cause(Reason.Aborted, f"aborted: {breach}", gap=False) if breach else None


def stopped_by_user(observation: Observation, fleet: Fleet, _policy: Policy) -> Cause | None:
    spec = observation.test.spec
    if spec is None or not spec.stop:
        return None
    if fleet.has_finished:
        return None
    begun = observation.test.recorded.start is not None
    return Cause(Reason.Stopped, "the test was stopped by spec.stop", drain=begun)


def ended_early(_observation: Observation, fleet: Fleet, _policy: Policy) -> Cause | None:
    """Pods that were halted or terminated, where nothing else says why."""
    for pod in fleet.pods:
        if pod.state is PodState.HALTED and pod.snapshot is not None:
            if pod.snapshot.halt_reason is HaltReason.SIGNAL:
                how = f"evicted ({pod.evicted})" if pod.evicted else "terminated from outside (drain or deletion)"
                return Cause(
                    Reason.PodLost, f"pod {pod.name} was {how}, so less was loaded than was asked for; run it again"
                )
            said = f": {pod.snapshot.message}" if pod.snapshot.message else ""
            return Cause(Reason.Halted, f"pod {pod.name} was halted{said}")
    return None


def job_failed(observation: Observation, _fleet: Fleet, _policy: Policy) -> Cause | None:
    """A failed Job whose pods left no trace that explains it."""
    job = observation.job
    if job is None or not job.failure:
        return None
    return Cause(Reason.JobFailed, f"the run's Job failed: {job.failure}: {job.failure_message}")


CHECKS: Final[tuple[Check, ...]] = (
    violation,
    refused,
    defect,
    crashed,
    control_blocked,
    lost,
    job_gone,
    job_overdue,
    start_missed,
    barrier_missed,
    pods_not_started,
    verification_overdue,
    bound_breached,
    stopped_by_user,
)
CONSEQUENCES: Final[tuple[Check, ...]] = (ended_early, job_failed)


def started(fleet: Fleet) -> bool:
    """Whether some pod has begun its load."""
    return any(pod.snapshot is not None and pod.state in _BEGUN for pod in fleet.pods)
