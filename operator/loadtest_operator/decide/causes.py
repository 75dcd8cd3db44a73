"""Why a run must stop before its natural end. Each cause is found by a small check of its own."""

from collections.abc import Callable
from typing import Final

from loadtest_model.judgement.abort import watch_for_abort
from loadtest_model.judgement.capacity import climb_end
from loadtest_model.judgement.judging import run_health
from loadtest_model.measurement.generator import throttling_text
from loadtest_model.measurement.snapshot import HaltReason, PodState
from loadtest_model.protocol.exits import PodExit
from loadtest_model.reasons import Reason
from loadtest_operator.decide.decision import Policy
from loadtest_operator.decide.fleet import Fleet, join_names
from loadtest_operator.decide.late_start import late_start_seconds
from loadtest_operator.decide.losses import RAISE_CPU, end_description, is_out_of_memory, loss_advice, starvation_text
from loadtest_operator.decide.proofs import find_proof_gap
from loadtest_operator.decide.stop_cause import StopCause, recorded_cause
from loadtest_operator.decide.waits import find_wait, waits_text
from loadtest_operator.decide.watching import watchable_look
from loadtest_operator.facts.observation import Observation, ObservedPod

_LOAD_STATES: Final = frozenset({PodState.RUNNING, PodState.LOADED, PodState.CONCLUDING, PodState.DONE})
_VERIFICATION_GRACE_SECONDS: Final = 30.0


Check = Callable[[Observation, Fleet, Policy], StopCause | None]


def stop_causes(observation: Observation, fleet: Fleet, policy: Policy) -> tuple[StopCause, ...]:
    """All causes that hold; empty while the run may go on. The first one says how to stop, and is written down.

    A cause on record stays one, since what it was found from may look different once the fleet has been stopped. Only a
    finding comes before it, so that no gap takes the place of what decides the verdict.
    """
    causes = [cause for check in CHECKS if (cause := check(observation, fleet, policy)) is not None]
    recorded = recorded_cause(observation)
    if recorded is not None:
        same_cause = next((cause for cause in causes if cause.reason == recorded.reason), recorded)
        causes = [same_cause, *(cause for cause in causes if cause is not same_cause)]
    if not causes:
        causes = [cause for check in CONSEQUENCES if (cause := check(observation, fleet, policy)) is not None]
    return tuple(sorted(causes, key=lambda cause: cause.rank))


def violation(_observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    violations = fleet.aggregate.violations
    return StopCause(Reason.Violation, violations[0].message, is_gap=False) if violations else None


def refusal(_observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    report = fleet.refusal
    return None if report is None else StopCause(Reason.VerificationRefused, report.message, is_gap=False)


def defect(_observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    for pod in fleet.pods:
        halted_by_defect = pod.snapshot is not None and pod.snapshot.halt_reason is HaltReason.DEFECT
        if is_out_of_memory(pod):
            continue
        if halted_by_defect or (pod.container_end is not None and pod.container_end.exit_code == PodExit.DEFECT):
            detail = f": {pod.snapshot.message}" if pod.snapshot and pod.snapshot.message else ""
            return StopCause(Reason.GeneratorDefect, f"pod {pod.name} ended with a defect of the generator{detail}")
    return None


def crash(observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    """A container that ended before it could say anything: nothing was loaded by it."""
    if observation.test.record.start is not None:
        return None
    crashed_pods = [pod for pod in fleet.pods if pod.has_ended and pod.snapshot is None]
    if not crashed_pods:
        return None
    # The others are ended by the Job because one has failed, so the one whose cause is known speaks for all.
    pod = next(filter(is_out_of_memory, crashed_pods), crashed_pods[0])
    text = f"pod {pod.name} ended before it could verify: {end_description(pod)}"
    return StopCause(Reason.PodCrashed, f"{loss_advice((pod,))}, then run again; {text}")


def loss(observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    """Under load the fleet counts on every pod: without one it can only come to Inconclusive."""
    has_begun = observation.test.record.start is not None
    lost_pods = [
        pod
        for pod in fleet.pods
        if (fleet.is_lost(pod) or _is_cut_by_memory(pod)) and (has_begun or pod.snapshot is not None)
    ]
    names = [f"{pod.name} ({end_description(pod)})" for pod in lost_pods]
    if has_begun:
        names += [f"pod of index {index} (no trace of it)" for index in fleet.absent_indexes]
        names += [f"{pod.name} ({pod.waits_for})" for pod in fleet.pods if not (pod.is_running or pod.has_ended)]
    if not names:
        return None
    return StopCause(Reason.PodLost, f"{loss_advice(lost_pods)}, then run again; lost {join_names(names)}")


def _is_cut_by_memory(pod: ObservedPod) -> bool:
    """Whether a pod could still say its last word, of a share that it did not finish for want of memory."""
    return is_out_of_memory(pod) and pod.state is not PodState.DONE


def blocked_control(_observation: Observation, fleet: Fleet, policy: Policy) -> StopCause | None:
    blocked = [
        pod
        for pod in fleet.pods
        if pod.is_running and pod.snapshot is None and pod.silent_seconds >= policy.control_seconds
    ]
    if not blocked:
        return None
    finding = (
        f"the operator got no answer from {join_names([pod.name for pod in blocked])}"
        f" within {policy.control_seconds:g} s although the container runs"
    )
    allow = "allow the operator's namespace to reach port 8089 of the pods (NetworkPolicy, mesh)"
    limited = next((text for pod in blocked if (text := starvation_text(pod))), "")
    if limited:
        return StopCause(
            Reason.ControlBlocked, f"{RAISE_CPU}; {finding}: {limited}. Only if it stays silent then, {allow}"
        )
    return StopCause(Reason.ControlBlocked, f"{finding}; {allow}")


def missed_start(observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    """Some pods load, and it is too late to start the others: an operator that was away may find this."""
    if observation.test.record.start is None or not has_started(fleet):
        return None
    idle = [pod.name for pod in fleet.in_state(PodState.WAITING, PodState.VERIFYING, PodState.VERIFIED, PodState.ARMED)]
    latest_seconds = late_start_seconds(fleet.plan)
    if not idle or fleet.elapsed_seconds <= latest_seconds:
        return None
    finding = f"{join_names(idle)} did not start with the others, nor within {latest_seconds:g} s after them"
    return StopCause(Reason.StartMissed, finding)


def missed_barrier(observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    late = [
        pod.name for pod in fleet.pods if pod.snapshot is not None and pod.snapshot.halt_reason is HaltReason.BARRIER
    ]
    if not late:
        return None
    if observation.test.record.start is not None:
        return StopCause(Reason.StartMissed, f"{join_names(late)} got no start command in time")
    spec = observation.test.spec
    if fleet.is_verified and spec is not None and spec.target.workload is not None:
        look = watchable_look(spec.target.workload, observation.workload)
        if look.problem:
            return StopCause(look.problem, f"{look.message}; the verified pods waited for it in vain")
    return _verification_time_out(f"{join_names(late)} waited too long for the others to be verified", fleet)


def job_removal(observation: Observation, _fleet: Fleet, _policy: Policy) -> StopCause | None:
    job = observation.job
    if job is not None and not job.is_deleting:
        return None
    return StopCause(Reason.JobGone, "the run's Job was removed while the test ran; it is not made a second time")


def overdue_job(observation: Observation, _fleet: Fleet, _policy: Policy) -> StopCause | None:
    job = observation.job
    if job is None or job.failure != "DeadlineExceeded":
        return None
    return StopCause(
        Reason.JobDeadlineExceeded, "the run took longer than all its parts together may; its Job was ended"
    )


def unstarted_pods(observation: Observation, fleet: Fleet, policy: Policy) -> StopCause | None:
    job = observation.job
    waiting = waits_text(fleet)
    if job is None or observation.test.record.start is not None or not waiting:
        return None
    wait = find_wait(observation, fleet)
    if wait is not None and wait.is_certain:
        return StopCause(wait.reason, wait.message)
    if observation.seconds_since(job.created_at) < policy.starting_seconds:
        return None
    time_out = f"not all pods ran within {policy.starting_seconds:g} s"
    return (
        StopCause(wait.reason, f"{wait.message}; {time_out}")
        if wait
        else StopCause(Reason.PodsNotStarted, f"{time_out}: {waiting}")
    )


def overdue_verification(observation: Observation, fleet: Fleet, policy: Policy) -> StopCause | None:
    """The pods keep this deadline themselves; this one is for a pod that does not."""
    job = observation.job
    if job is None or observation.test.record.start is not None or fleet.is_verified:
        return None
    bound = policy.starting_seconds + 2 * fleet.plan.deadlines.verification_seconds + _VERIFICATION_GRACE_SECONDS
    if observation.seconds_since(job.created_at) < bound:
        return None
    return _verification_time_out(f"the pods were not verified within {bound:g} s", fleet)


def _verification_time_out(finding: str, fleet: Fleet) -> StopCause:
    throttled = throttling_text(fleet.aggregate.generator)
    return StopCause(Reason.VerificationTimedOut, f"{RAISE_CPU}; {finding}, and {throttled}" if throttled else finding)


def bound_breach(observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    """A bound of `spec.abort`: the breach is a finding, and what is cut with it is no gap.

    A run that stops already is not aborted: how its uploads fare meanwhile says nothing about the load.
    """
    if recorded_cause(observation) is not None:
        return None
    breach = watch_for_abort(fleet.plan, fleet.aggregate, observation.abort_watch).breach
    return StopCause(Reason.Aborted, f"aborted: {breach}", is_gap=False) if breach else None


def capacity_found(observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    """The end of a climb, at the first plateau that did not hold or as soon as the target is in a critical state."""
    if recorded_cause(observation) is not None or observation.test.record.start is None:
        return None
    if fleet.has_finished or fleet.load_is_over:
        return None
    health = run_health(fleet.plan, fleet.aggregate, fleet.target_watch, fleet.evictions)
    text = climb_end(fleet.plan, fleet.aggregate, health)
    return StopCause(Reason.CapacityFound, text, allows_draining=True, is_gap=False) if text else None


def stop_by_user(observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    spec = observation.test.spec
    if spec is None or not spec.stop:
        return None
    if fleet.has_finished:
        return None
    has_begun = observation.test.record.start is not None
    return StopCause(Reason.Stopped, "the test was stopped by spec.stop", allows_draining=has_begun)


def finished_proof(observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    """A test that asks for the proof alone ends with it, once every proof is of the target as it is now."""
    spec = observation.test.spec
    if spec is None or not spec.verification.only or observation.test.record.start is not None:
        return None
    if not fleet.is_verified or find_proof_gap(observation, fleet) is not None:
        return None
    text = "every pod is verified, and spec.verification.only asks for no load"
    return StopCause(Reason.OnlyVerified, text, is_gap=False)


def early_end(_observation: Observation, fleet: Fleet, _policy: Policy) -> StopCause | None:
    """Pods that were halted or terminated, where nothing else says why."""
    for pod in fleet.pods:
        if pod.state is PodState.HALTED and pod.snapshot is not None:
            if pod.snapshot.halt_reason is HaltReason.SIGNAL:
                how = (
                    f"evicted ({pod.eviction_reason})"
                    if pod.eviction_reason
                    else "terminated from outside (drain or deletion)"
                )
                return StopCause(
                    Reason.PodLost, f"pod {pod.name} was {how}, so less was loaded than was asked for; run it again"
                )
            detail = f": {pod.snapshot.message}" if pod.snapshot.message else ""
            return StopCause(Reason.Halted, f"pod {pod.name} was halted{detail}")
    return None


def job_failure(observation: Observation, _fleet: Fleet, _policy: Policy) -> StopCause | None:
    """A failed Job whose pods left no trace that explains it."""
    job = observation.job
    if job is None or not job.failure:
        return None
    return StopCause(Reason.JobFailed, f"the run's Job failed: {job.failure}: {job.failure_message}")


CHECKS: Final[tuple[Check, ...]] = (
    violation,
    refusal,
    defect,
    crash,
    blocked_control,
    loss,
    job_removal,
    overdue_job,
    missed_start,
    missed_barrier,
    unstarted_pods,
    overdue_verification,
    bound_breach,
    capacity_found,
    stop_by_user,
    finished_proof,
)
CONSEQUENCES: Final[tuple[Check, ...]] = (early_end, job_failure)


def has_started(fleet: Fleet) -> bool:
    """Whether some pod has begun its load."""
    return any(pod.snapshot is not None and pod.state in _LOAD_STATES for pod in fleet.pods)
