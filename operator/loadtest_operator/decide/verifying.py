"""From the Job to the common start: pod 0 proves the target alone, the others after it, and then all may load."""

from msgspec import structs

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.plan import plan_hash
from loadtest_model.reasons import Reason
from loadtest_model.report.status import Phase, Status, StatusStart
from loadtest_model.spec.target import Workload
from loadtest_operator.decide.actions import Action, StartFleet, Verify
from loadtest_operator.decide.compose import base_status
from loadtest_operator.decide.conditions import Mark, Marks
from loadtest_operator.decide.decision import Decision
from loadtest_operator.decide.ending import verified_message
from loadtest_operator.decide.fleet import Fleet, verified_of
from loadtest_operator.decide.waits import wait_of, waits
from loadtest_operator.decide.watching import at_the_start, to_watch
from loadtest_operator.facts.mounts import mounts
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339

_POLL_SECONDS = 0.25
_STARTING_POLL_SECONDS = 0.5
_POLL_SECONDS_PER_POD = 0.002
_LEAD_SECONDS = 0.5
# Telling two hundred pods takes a tenth of a second on a core that they share.
_LEAD_SECONDS_PER_POD = 0.004


def before_start(observation: Observation, fleet: Fleet) -> Decision:
    """What to do while no start is on record."""
    first = fleet.by_index.get(0)
    if first is None or first.snapshot is None:
        return _decided(observation, fleet, Phase.STARTING, _starting_message(observation, fleet), ())
    if fleet.all_verified:
        return point_of_no_return(observation, fleet)
    proven = first.snapshot.verification is not None and first.snapshot.verification.is_proven
    waiting = fleet.in_state(PodState.WAITING)
    due = tuple(pod for pod in waiting if proven or pod.index == 0)
    message = _verifying_message(observation, fleet, proven)
    return _decided(observation, fleet, Phase.VERIFYING, message, (Verify(due),) if due else ())


def point_of_no_return(observation: Observation, fleet: Fleet) -> Decision:
    """Write down that this run starts, before any pod is armed: what stands there is never started again."""
    workload, watched = _workload(observation), None
    if workload is not None:
        look = to_watch(workload, observation.workload)
        if look.problem:
            return _decided(observation, fleet, Phase.VERIFYING, f"every pod is verified; {look.message}", ())
        watched = at_the_start(workload, look)
    uid = observation.test.identity.uid
    start_id = f"{plan_hash(fleet.plan)[:16]}-{uid[:8]}"
    status = structs.replace(
        _status(observation, fleet, Phase.VERIFYING, "every pod is verified; the load starts"),
        start=StatusStart(start_id=start_id, at=rfc3339(observation.now)),
        plan_hash=plan_hash(fleet.plan),
        target=watched,
    )
    return Decision(status, requeue_seconds=0.0, plan=fleet.plan, aggregate=fleet.aggregate)


def start(observation: Observation, fleet: Fleet) -> Decision:
    """Start a fleet whose start is on record and of which no pod has begun."""
    recorded = observation.test.recorded.start
    ready = fleet.in_state(PodState.VERIFIED, PodState.ARMED)
    if recorded is None or len(ready) < fleet.plan.parallelism:
        return Decision(requeue_seconds=_POLL_SECONDS, plan=fleet.plan, aggregate=fleet.aggregate)
    action = StartFleet(
        pods=ready,
        start_id=recorded.start_id,
        plan_hash=plan_hash(fleet.plan),
        lead_seconds=_LEAD_SECONDS + _LEAD_SECONDS_PER_POD * len(ready),
    )
    status = _status(observation, fleet, Phase.RUNNING, "the load starts")
    return Decision(status, (action,), requeue_seconds=0.5, plan=fleet.plan, aggregate=fleet.aggregate)


def _workload(observation: Observation) -> Workload | None:
    spec = observation.test.spec
    return spec.target.workload if spec else None


def _decided(
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
    verified = Mark.unknown(Reason.NotVerified if phase is Phase.STARTING else Reason.Verifying, message)
    held_up = wait_of(observation, fleet)
    if held_up is not None:
        verified = Mark.false(held_up.reason, held_up.message)
    if fleet.all_verified and fleet.proof is not None:
        verified = Mark.true(Reason[fleet.proof.level], verified_message(fleet))
    status = base_status(observation, phase, message, Marks(verified=verified), fleet.plan)
    return structs.replace(
        status,
        target=fleet.target,
        plan_hash=plan_hash(fleet.plan),
        pods=fleet.counts,
        verification=verified_of(fleet.proof, fleet.notice) if fleet.all_verified else None,
    )


def _starting_message(observation: Observation, fleet: Fleet) -> str:
    running = sum(pod.running for pod in fleet.pods)
    waiting = waits(fleet)
    said = f"{running} of {fleet.plan.parallelism} pods run"
    known = wait_of(observation, fleet)
    if known is not None:
        return f"{said}; {known.message}"
    if not waiting:
        return f"{said}; waiting for their first answer"
    spec = observation.test.spec
    needed = [str(mounted) for mounted in mounts(spec.target)] if spec else []
    if not needed:
        return f"{said}; {waiting}"
    # A Secret that cannot be mounted shows in no field of the pod, and its Event may not have come yet.
    return f"{said}; {waiting}; they mount {', '.join(needed)}, which must exist with these keys"


def _verifying_message(observation: Observation, fleet: Fleet, proven: bool) -> str:
    known = wait_of(observation, fleet)
    if not proven:
        said = "pod 0 verifies the target alone"
        return f"{said}; {known.message}" if known else said
    done = fleet.counts.verified
    waiting = known.message if known else waits(fleet)
    said = f"pod 0 proved the target; {done} of {fleet.plan.parallelism} pods have verified it"
    return f"{said}; {waiting}" if waiting else said
