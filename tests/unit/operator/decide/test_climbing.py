"""The end of a climb: recorded before it is acted on, drained like a stop, and a natural end of the run."""

from dataclasses import replace
from typing import Any

from msgspec import structs

from loadtest_model.judgement.capacity import CapacityLimit
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import plan_hash
from loadtest_model.report.status import ConditionType, Phase, Status
from loadtest_model.spec import Spec
from loadtest_operator.decide import Decision, decide
from loadtest_operator.decide.actions import Drain, HaltFleet
from loadtest_operator.facts.observation import Observation, ObservedPod
from support.builders import a_spec
from support.climbs import THRESHOLDS, a_climbed_step, a_plateau
from support.operator_builders import (
    POLICY,
    START,
    VIOLATION,
    a_fleet_plan,
    a_job,
    a_killed_pod,
    a_pod,
    a_snapshot,
    an_observation,
    decide_on_record,
    next_observation,
)

SLOW = a_plateau(seconds=3.0)
BEGUN = a_plateau(10, load_seconds=1.0, finished_pods=0)


def a_capacity_spec(**capacity: Any) -> Spec:
    load = {"capacity": {"to": 8, "factor": 2, "plateau": "10s", **capacity}}
    return a_spec(scenario="capacity", load=load, parallelism=2, thresholds=list(THRESHOLDS))


def pods_with(*plateaus: StepAggregate, state: PodState = PodState.RUNNING) -> tuple[ObservedPod, ...]:
    """Two pods, each of which measured these plateaus."""
    step = a_climbed_step(*plateaus)
    return tuple(
        replace(a_pod(index, state), snapshot=a_snapshot(index, state, steps=(step,), elapsed_seconds=25.0))
        for index in (0, 1)
    )


def observed(*pods: ObservedPod, **capacity: Any) -> Observation:
    spec = a_capacity_spec(**capacity)
    plan = a_fleet_plan(spec)
    observation = an_observation(*pods, spec=spec, begun=True, job=a_job(plan=plan))
    record = structs.replace(observation.test.record, plan_hash=plan_hash(plan))
    return replace(observation, test=replace(observation.test, record=record))


def status_of(decision: Decision) -> Status:
    assert decision.status is not None
    return decision.status


def running(status: Status) -> tuple[str, str]:
    condition = status.condition(ConditionType.RUNNING)
    assert condition is not None
    return condition.status, condition.reason


def ended(observation: Observation, pods: tuple[ObservedPod, ...]) -> Status:
    """The status with the verdict, once the end of the climb is on record and the pods are as given."""
    recorded = next_observation(observation, decide(observation, POLICY))
    return status_of(decide(replace(recorded, pods=pods), POLICY))


def done(*plateaus: StepAggregate) -> tuple[ObservedPod, ...]:
    pods = pods_with(*plateaus, state=PodState.DONE)
    return tuple(replace(pod, snapshot=structs.replace(pod.snapshot, final=True)) for pod in pods if pod.snapshot)


def test_a_climb_goes_on_while_its_plateaus_hold() -> None:
    decision = decide(observed(*pods_with(a_plateau(), BEGUN)), POLICY)

    status = status_of(decision)
    assert not any(isinstance(action, Drain | HaltFleet) for action in decision.actions)
    assert (status.phase, running(status)) == (Phase.RUNNING, ("True", "Started"))
    assert status.capacity is not None
    assert (status.capacity.held, status.capacity.limited_by) == (1, None)


def test_the_end_of_a_climb_is_on_record_before_the_fleet_is_drained() -> None:
    observation = observed(*pods_with(a_plateau(), SLOW, BEGUN))

    first = decide(observation, POLICY)
    second = decide_on_record(observation)

    status = status_of(first)
    assert first.actions == ()
    assert (status.phase, running(status)) == (Phase.STOPPING, ("False", "CapacityFound"))
    assert "at 2 virtual users, threshold p95 < 2s is breached" in status.message
    drains = [action for action in second.actions if isinstance(action, Drain)]
    assert [[pod.index for pod in drain.pods] for drain in drains] == [[0, 1]]
    assert not any(isinstance(action, HaltFleet) for action in second.actions)


def test_a_recorded_end_is_drained_also_by_an_operator_that_sees_other_figures() -> None:
    observation = observed(*pods_with(a_plateau(), SLOW, BEGUN))
    recorded = next_observation(observation, decide(observation, POLICY))

    decision = decide(replace(recorded, pods=pods_with(a_plateau(), BEGUN)), POLICY)

    assert any(isinstance(action, Drain) for action in decision.actions)


def test_a_climb_that_ended_passes_with_what_held() -> None:
    status = ended(observed(*pods_with(a_plateau(), SLOW, BEGUN)), done(a_plateau(), SLOW, BEGUN))

    assert status.verdict is Verdict.PASSED
    assert status.capacity is not None
    assert (status.capacity.held, status.capacity.limited_by) == (1, CapacityLimit.THRESHOLD)
    assert (status.capacity.at_least, status.capacity.uploads_per_second) == (False, 20)
    assert all(result.passed for result in status.thresholds)


def test_a_climb_that_ended_below_what_is_required_fails() -> None:
    observation = observed(*pods_with(a_plateau(), SLOW, BEGUN), required=4)

    status = ended(observation, done(a_plateau(), SLOW, BEGUN))

    succeeded = status.condition(ConditionType.SUCCEEDED)
    assert status.verdict is Verdict.FAILED
    assert succeeded is not None
    assert succeeded.reason == "CapacityTooLow"
    assert "the required load of 4 virtual users did not hold" in succeeded.message


def test_a_pod_that_is_lost_while_the_climb_drains_leaves_it_inconclusive() -> None:
    observation = observed(*pods_with(a_plateau(), SLOW, BEGUN))
    survivor, _ = done(a_plateau(), SLOW, BEGUN)
    lost = replace(a_killed_pod(1), snapshot=pods_with(a_plateau(), SLOW, BEGUN)[1].snapshot)

    assert ended(observation, (survivor, lost)).verdict is Verdict.INCONCLUSIVE


def test_a_violation_comes_before_the_end_of_a_climb() -> None:
    pods = pods_with(a_plateau(), SLOW, BEGUN)
    assert pods[0].snapshot is not None
    violating = replace(pods[0], snapshot=structs.replace(pods[0].snapshot, violation=VIOLATION))

    decision = decide(observed(violating, pods[1]), POLICY)

    assert running(status_of(decision)) == ("False", "Violation")
    assert any(isinstance(action, HaltFleet) for action in decision.actions)


def test_a_target_that_goes_down_ends_a_climb_within_a_plateau() -> None:
    pods = []
    for pod in pods_with(a_plateau(), a_plateau(20, load_seconds=3.0, finished_pods=0)):
        assert pod.snapshot is not None
        (step,) = pod.snapshot.steps
        down = structs.replace(step, errors={"refused": 5})
        pods.append(replace(pod, snapshot=structs.replace(pod.snapshot, steps=(down,))))

    status = status_of(decide(observed(*pods), POLICY))

    assert running(status) == ("False", "CapacityFound")
    assert "the target's health was Critical" in status.message


def test_no_climb_is_ended_before_its_start_is_on_record() -> None:
    observation = observed(*pods_with(a_plateau(), SLOW, BEGUN))
    record = structs.replace(observation.test.record, start=None, started_at=None)

    decision = decide(replace(observation, test=replace(observation.test, record=record)), POLICY)

    assert START.start_id
    assert running(status_of(decision))[1] != "CapacityFound"
