"""What the command to read back does to a pod in each state."""

import pytest

from loadgen.fleet.standing import CommandDecision, PodAction, Standing, on_conclude, on_stop
from loadtest_model.measurement.snapshot import PodState


def test_a_pod_whose_load_is_over_reads_back_on_command() -> None:
    decision = on_conclude(Standing(PodState.LOADED, "s1"))

    assert decision == CommandDecision(Standing(PodState.CONCLUDING, "s1"), PodAction.READ_BACK)


@pytest.mark.parametrize("state", [PodState.CONCLUDING, PodState.DONE])
def test_the_command_again_changes_nothing(state: PodState) -> None:
    assert on_conclude(Standing(state, "s1")) == CommandDecision(Standing(state, "s1"))


@pytest.mark.parametrize(
    "state", [state for state in PodState if state not in (PodState.LOADED, PodState.CONCLUDING, PodState.DONE)]
)
def test_no_other_pod_reads_back(state: PodState) -> None:
    decision = on_conclude(Standing(state, "s1"))

    assert decision.action is PodAction.NOTHING
    assert decision.conflict is not None
    assert state in decision.conflict


@pytest.mark.parametrize("state", [PodState.LOADED, PodState.CONCLUDING])
def test_stop_leaves_a_pod_that_reads_back_as_it_is(state: PodState) -> None:
    assert on_stop(Standing(state, "s1")) == CommandDecision(Standing(state, "s1"))
