"""From the Job to the common start: pod 0 proves the target alone, the others after it, and then all may load."""

from msgspec import structs

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.plan import plan_hash
from loadtest_model.reasons import Reason
from loadtest_model.report.status import Phase, Status, StatusStart
from loadtest_model.spec.target import Workload
from loadtest_operator.decide.actions import Action, StartFleet, Verify
from loadtest_operator.decide.compose import base_status
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues
from loadtest_operator.decide.decision import Decision
from loadtest_operator.decide.ending import verified_message
from loadtest_operator.decide.fleet import Fleet, verified_status
from loadtest_operator.decide.following import address_orders, endpoint_orders, uninformed_pods
from loadtest_operator.decide.proofs import find_proof_gap
from loadtest_operator.decide.waits import find_wait, waits_text
from loadtest_operator.decide.watching import initial_watch, watchable_look
from loadtest_operator.facts.mounts import mounted_volumes
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339

_POLL_SECONDS = 0.25
_STARTING_POLL_SECONDS = 0.5
_POLL_SECONDS_PER_POD = 0.0002
_LEAD_SECONDS = 0.5
_LONGEST_LEAD_SECONDS_PER_POD = 0.004


def verify_fleet(observation: Observation, fleet: Fleet) -> Decision:
    """What to do while no start is on record."""
    first = fleet.by_index.get(0)
    if first is None or first.snapshot is None:
        return _decision(observation, fleet, Phase.STARTING, _starting_message(observation, fleet), ())
    if fleet.is_verified:
        gap = find_proof_gap(observation, fleet)
        if gap is None:
            return record_start(observation, fleet)
        return _decision(observation, fleet, Phase.VERIFYING, f"every pod is verified; {gap.message}", gap.actions)
    uninformed = uninformed_pods(address_orders(observation, fleet))
    proven = first.snapshot.verification is not None and first.snapshot.verification.is_proven
    waiting = fleet.in_state(PodState.WAITING)
    # A pod that verifies is to know which addresses are proven.
    due = tuple(pod for pod in waiting if pod.index == 0 or (proven and pod.uid not in uninformed))
    message = _verifying_message(observation, fleet, proven)
    actions = (*endpoint_orders(observation, fleet), *((Verify(due),) if due else ()))
    return _decision(observation, fleet, Phase.VERIFYING, message, actions)


def record_start(observation: Observation, fleet: Fleet) -> Decision:
    """Write down that this run starts, before any pod is armed: what stands there is never started again."""
    workload, target_watch = _spec_workload(observation), None
    if workload is not None:
        look = watchable_look(workload, observation.workload)
        if look.problem:
            return _decision(observation, fleet, Phase.VERIFYING, f"every pod is verified; {look.message}", ())
        target_watch = initial_watch(workload, look)
    uid = observation.test.identity.uid
    start_id = f"{plan_hash(fleet.plan)[:16]}-{uid[:8]}"
    status = structs.replace(
        _status(observation, fleet, Phase.VERIFYING, "every pod is verified; the load starts"),
        start=StatusStart(start_id=start_id, at=rfc3339(observation.now)),
        plan_hash=plan_hash(fleet.plan),
        target=target_watch,
    )
    return Decision(status, requeue_seconds=0.0, plan=fleet.plan, aggregate=fleet.aggregate)


def start_fleet(observation: Observation, fleet: Fleet) -> Decision:
    """Start a fleet whose start is on record and of which no pod has begun."""
    recorded = observation.test.record.start
    ready = fleet.in_state(PodState.VERIFIED, PodState.ARMED)
    if recorded is None or len(ready) < fleet.plan.parallelism:
        return Decision(requeue_seconds=_POLL_SECONDS, plan=fleet.plan, aggregate=fleet.aggregate)
    gap = find_proof_gap(observation, fleet)
    if gap is not None:
        poll = _POLL_SECONDS + _POLL_SECONDS_PER_POD * fleet.plan.parallelism
        return Decision(actions=gap.actions, requeue_seconds=poll, plan=fleet.plan, aggregate=fleet.aggregate)
    action = StartFleet(
        pods=ready,
        start_id=recorded.start_id,
        plan_hash=plan_hash(fleet.plan),
        lead_seconds=_LEAD_SECONDS,
        longest_lead_seconds=_LEAD_SECONDS + _LONGEST_LEAD_SECONDS_PER_POD * len(ready),
    )
    status = _status(observation, fleet, Phase.RUNNING, "the load starts")
    return Decision(status, (action,), requeue_seconds=0.5, plan=fleet.plan, aggregate=fleet.aggregate)


def _spec_workload(observation: Observation) -> Workload | None:
    spec = observation.test.spec
    return spec.target.workload if spec else None


def _decision(
    observation: Observation, fleet: Fleet, phase: Phase, message: str, actions: tuple[Action, ...]
) -> Decision:
    poll = _STARTING_POLL_SECONDS if phase is Phase.STARTING else _POLL_SECONDS
    return Decision(
        status=_status(observation, fleet, phase, message),
        actions=actions,
        requeue_seconds=poll + _POLL_SECONDS_PER_POD * fleet.plan.parallelism,
        plan=fleet.plan,
        aggregate=fleet.aggregate,
    )


def _status(observation: Observation, fleet: Fleet, phase: Phase, message: str) -> Status:
    verified = ConditionValue.unknown(Reason.NotVerified if phase is Phase.STARTING else Reason.Verifying, message)
    held_up = find_wait(observation, fleet)
    if held_up is not None:
        verified = ConditionValue.false(held_up.reason, held_up.message)
    if fleet.is_verified and fleet.proof is not None:
        verified = ConditionValue.true(Reason[fleet.proof.level], verified_message(fleet))
    status = base_status(observation, phase, message, ConditionValues(verified=verified), fleet.plan)
    return structs.replace(
        status,
        target=fleet.target_watch,
        plan_hash=plan_hash(fleet.plan),
        pods=fleet.counts,
        verification=verified_status(fleet.proof, fleet.notice) if fleet.is_verified else None,
    )


def _starting_message(observation: Observation, fleet: Fleet) -> str:
    running = sum(pod.is_running for pod in fleet.pods)
    waiting = waits_text(fleet)
    progress = f"{running} of {fleet.plan.parallelism} pods run"
    wait = find_wait(observation, fleet)
    if wait is not None:
        return f"{progress}; {wait.message}"
    if not waiting:
        return f"{progress}; waiting for their first answer"
    spec = observation.test.spec
    volumes = [str(volume) for volume in mounted_volumes(spec.target)] if spec else []
    if not volumes:
        return f"{progress}; {waiting}"
    # A Secret that cannot be mounted shows in no field of the pod, and its Event may not have come yet.
    return f"{progress}; {waiting}; they mount {', '.join(volumes)}, which must exist with these keys"


def _verifying_message(observation: Observation, fleet: Fleet, proven: bool) -> str:
    wait = find_wait(observation, fleet)
    if not proven:
        progress = "pod 0 verifies the target alone"
        return f"{progress}; {wait.message}" if wait else progress
    verified_pods = fleet.counts.verified
    waiting = wait.message if wait else waits_text(fleet)
    progress = f"pod 0 proved the target; {verified_pods} of {fleet.plan.parallelism} pods have verified it"
    return f"{progress}; {waiting}" if waiting else progress
