"""What each command does to a pod in each state."""

import pytest

from loadgen.fleet.standing import (
    CommandDecision,
    PodAction,
    Standing,
    deadline_seconds,
    on_arm,
    on_halt,
    on_start,
    on_stop,
    on_verify,
)
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.plan import Deadlines
from loadtest_model.protocol.commands import Arm, Start

HASH = "the plan's hash"
ENDED = [PodState.DONE, PodState.REFUSED, PodState.HALTED]
NOT_ENDED = [state for state in PodState if not state.is_end]
LOAD_OVER = [PodState.LOADED, PodState.CONCLUDING]


def arm(standing: Standing, start_id: str = "s1", plan_hash: str = HASH) -> CommandDecision:
    return on_arm(standing, Arm(start_id=start_id, plan_hash=plan_hash), HASH)


def start(
    standing: Standing, start_id: str = "s1", in_seconds: float = 0.5, *, is_overdue: bool = False
) -> CommandDecision:
    return on_start(standing, Start(start_id=start_id, in_seconds=in_seconds, peers=(), halt_token=""), is_overdue)


def test_a_pod_that_was_frozen_past_the_barrier_obeys_no_old_start() -> None:
    armed_standing = Standing(PodState.ARMED, "s1")

    decision = start(armed_standing, is_overdue=True)

    assert decision.action is PodAction.NOTHING
    assert decision.conflict is not None
    assert decision.standing == armed_standing


def test_a_pod_goes_from_waiting_to_running_by_verify_arm_and_start() -> None:
    verify_decision = on_verify(Standing())
    arm_decision = arm(Standing(PodState.VERIFIED))
    start_decision = start(arm_decision.standing)

    assert (verify_decision.standing.state, verify_decision.action) == (PodState.VERIFYING, PodAction.VERIFY)
    assert arm_decision == CommandDecision(Standing(PodState.ARMED, "s1"))
    assert start_decision == CommandDecision(Standing(PodState.RUNNING, "s1"), PodAction.LOAD)


@pytest.mark.parametrize("state", [state for state in PodState if state not in (PodState.WAITING, PodState.HALTED)])
def test_a_second_verify_changes_nothing(state: PodState) -> None:
    assert on_verify(Standing(state)) == CommandDecision(Standing(state))


def test_a_halted_pod_does_not_verify() -> None:
    assert on_verify(Standing(PodState.HALTED)).conflict == "the pod has halted"


@pytest.mark.parametrize("state", [PodState.WAITING, PodState.VERIFYING, PodState.REFUSED, PodState.HALTED])
def test_only_a_verified_pod_can_be_armed(state: PodState) -> None:
    decision = arm(Standing(state))

    assert decision.standing == Standing(state)
    assert decision.conflict is not None
    assert state in decision.conflict


@pytest.mark.parametrize("state", [PodState.VERIFIED, PodState.ARMED, PodState.RUNNING])
def test_a_pod_is_not_armed_for_another_plan(state: PodState) -> None:
    decision = arm(Standing(state, None if state is PodState.VERIFIED else "s1"), plan_hash="another")

    assert decision.conflict == "the pod has the plan the plan's hash, not another"


@pytest.mark.parametrize("state", [PodState.ARMED, PodState.RUNNING, PodState.DONE])
def test_arming_again_for_the_same_start_changes_nothing(state: PodState) -> None:
    assert arm(Standing(state, "s1")) == CommandDecision(Standing(state, "s1"))


@pytest.mark.parametrize("state", [PodState.ARMED, PodState.RUNNING, PodState.DONE])
def test_an_armed_pod_is_not_armed_for_another_start(state: PodState) -> None:
    assert arm(Standing(state, "s1"), start_id="s2").conflict == "the pod is armed for the start s1, not s2"


def test_a_pod_that_was_stopped_before_its_load_cannot_be_armed() -> None:
    assert arm(Standing(PodState.DONE)).conflict == "the pod is done without a start"


@pytest.mark.parametrize("state", [state for state in PodState if state is not PodState.ARMED])
def test_only_an_armed_pod_can_be_started(state: PodState) -> None:
    decision = start(Standing(state))

    assert decision.action is PodAction.NOTHING
    assert decision.conflict is not None


@pytest.mark.parametrize("state", [PodState.RUNNING, PodState.DONE])
def test_starting_again_changes_nothing(state: PodState) -> None:
    assert start(Standing(state, "s1")) == CommandDecision(Standing(state, "s1"))


@pytest.mark.parametrize("state", [PodState.ARMED, PodState.RUNNING, PodState.DONE])
def test_another_start_than_the_one_armed_for_is_refused(state: PodState) -> None:
    assert start(Standing(state, "s1"), start_id="s2").conflict == "the pod is armed for the start s1, not s2"


def test_a_start_that_comes_too_late_is_refused() -> None:
    decision = start(Standing(PodState.ARMED, "s1"), in_seconds=-0.25)

    assert decision == CommandDecision(Standing(PodState.ARMED, "s1"), conflict="the start was 0.25 s ago")


@pytest.mark.parametrize("state", [state for state in NOT_ENDED if state not in LOAD_OVER])
def test_stop_drains_a_pod_that_has_not_ended(state: PodState) -> None:
    assert on_stop(Standing(state, "s1")) == CommandDecision(Standing(state, "s1"), PodAction.DRAIN)


@pytest.mark.parametrize("state", NOT_ENDED)
def test_halt_halts_a_pod_that_has_not_ended(state: PodState) -> None:
    assert on_halt(Standing(state, "s1")) == CommandDecision(Standing(PodState.HALTED, "s1"), PodAction.HALT)


@pytest.mark.parametrize("state", ENDED)
def test_stop_and_halt_leave_an_ended_pod_as_it_is(state: PodState) -> None:
    assert on_stop(Standing(state)) == CommandDecision(Standing(state))
    assert on_halt(Standing(state)) == CommandDecision(Standing(state))


def test_waiting_is_bounded_before_the_load_and_by_the_barrier_once_armed() -> None:
    deadlines = Deadlines(verification_seconds=600, barrier_seconds=60)

    bounds = {state: deadline_seconds(state, deadlines) for state in PodState}

    assert bounds[PodState.WAITING] == bounds[PodState.VERIFYING] == bounds[PodState.VERIFIED] == 600
    assert bounds[PodState.ARMED] == 60
    assert bounds[PodState.RUNNING] is None
