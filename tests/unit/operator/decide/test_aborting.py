"""A bound of spec.abort that is breached under load halts the fleet, and the test ends Failed."""

from dataclasses import replace

from msgspec import structs

from loadtest_model.judgement.abort import AbortWatch
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.snapshot import HaltReason, PodState
from loadtest_model.report.status import ConditionType, Phase
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import HaltFleet
from loadtest_operator.facts.observation import Observation, ObservedPod
from loadtest_operator.observe.memory import Memory
from support.operator_builders import (
    POLICY,
    a_fleet_plan,
    a_fleet_spec,
    a_job,
    a_measured_step,
    a_pod,
    a_snapshot,
    an_observation,
    next_observation,
)

SPEC = a_fleet_spec(abort={"thresholds": ["p95 < 20s"], "after": "10s"})
PLAN = a_fleet_plan(SPEC)


def a_slow_pod(index: int, at_seconds: float, state: PodState = PodState.RUNNING) -> ObservedPod:
    slow = structs.replace(
        a_measured_step(finished=False), response=sketch_of([25 * 10**9] * 50), load_seconds=at_seconds
    )
    reason = HaltReason.OPERATOR if state is PodState.HALTED else None
    snapshot = a_snapshot(index, state, steps=(slow,), elapsed_seconds=at_seconds, halt_reason=reason)
    return replace(a_pod(index, state), snapshot=snapshot)


def at(at_seconds: float, watch: AbortWatch) -> Observation:
    pods = (a_slow_pod(0, at_seconds), a_slow_pod(1, at_seconds))
    return an_observation(*pods, spec=SPEC, begun=True, job=a_job(plan=PLAN), abort_watch=watch)


def test_a_breach_in_three_looks_in_a_row_halts_the_fleet() -> None:
    watch, phases = AbortWatch(), []
    for at_seconds in (20.0, 22.0, 24.0):
        decision = decide(at(at_seconds, watch), POLICY)
        assert decision.status is not None
        phases.append(decision.status.phase)
        watch = decision.abort_watch or watch

    assert phases == [Phase.RUNNING, Phase.RUNNING, Phase.STOPPING]
    assert decision.actions == ()
    (action,) = decide(next_observation(at(24.0, watch), decision, abort_watch=AbortWatch()), POLICY).actions
    assert isinstance(action, HaltFleet)
    assert action.message.startswith("aborted: threshold p95 < 20s is breached")


def test_an_aborted_test_ends_failed_with_the_breached_bound_also_when_the_watch_is_lost() -> None:
    observation = at(24.0, AbortWatch(step=0, at_seconds=22.0, in_a_row={"p95 < 20s": 2}))
    aborting = decide(observation, POLICY)
    halted = (a_slow_pod(0, 25.0, PodState.HALTED), a_slow_pod(1, 25.0, PodState.HALTED))

    ended = decide(next_observation(observation, aborting, pods=halted, abort_watch=AbortWatch()), POLICY)

    assert ended.status is not None
    assert ended.status.verdict == Verdict.FAILED
    succeeded = ended.status.condition(ConditionType.SUCCEEDED)
    assert succeeded is not None
    assert succeeded.reason == "Aborted"
    assert "p95 < 20s is breached: measured 25" in ended.status.reasons[0]


def test_the_watch_is_remembered_for_its_own_run_until_that_is_forgotten() -> None:
    memory = Memory(lambda: 0.0)
    held = AbortWatch(step=0, at_seconds=3.0, in_a_row={"p95 < 20s": 1})
    memory.keep_abort_watch("uid", "1", held)

    assert memory.abort_watch("uid", "1") == held
    assert memory.abort_watch("uid", "2") == AbortWatch()
    memory.forget_other_runs("uid", "2")
    assert memory.abort_watch("uid", "1") == AbortWatch()


def test_a_breach_that_could_not_be_written_down_is_not_forgotten() -> None:
    observation = at(24.0, AbortWatch(step=0, at_seconds=22.0, in_a_row={"p95 < 20s": 2}))
    unwritten = decide(observation, POLICY)
    assert unwritten.abort_watch is not None

    again = decide(replace(observation, abort_watch=unwritten.abort_watch), POLICY)

    assert again.status is not None
    running = again.status.condition(ConditionType.RUNNING)
    assert running is not None
    assert running.reason == "Aborted"


def test_a_run_that_stops_already_is_not_aborted() -> None:
    observation = at(24.0, AbortWatch(step=0, at_seconds=22.0, in_a_row={"p95 < 20s": 2}))
    stopped = replace(observation, test=replace(observation.test, spec=structs.replace(SPEC, stop=True)))
    stopping = decide(replace(stopped, abort_watch=AbortWatch()), POLICY)

    following = decide(next_observation(stopped, stopping), POLICY)

    assert following.status is not None
    running = following.status.condition(ConditionType.RUNNING)
    assert running is not None
    assert running.reason == "Stopped"
