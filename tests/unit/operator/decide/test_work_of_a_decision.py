"""What a decision costs, counted in calls: twice as many pods are twice the work, in whatever state they are."""

import sys
from dataclasses import replace
from types import FrameType

import pytest
from msgspec import structs

from loadtest_model.measurement.snapshot import AddressProofs, PodState
from loadtest_operator.decide import decide
from loadtest_operator.facts.observation import Observation, ObservedPod
from support.operator_builders import PLAN, POLICY, PROOF, a_job, a_pod, an_observation

PODS = 60
STATES = [state for state in PodState if not state.is_end]


def a_fleet(pods: int, state: PodState, *, begun: bool) -> Observation:
    """A fleet whose first pod is verified, and whose others are all in one state."""

    def pod(index: int) -> ObservedPod:
        base = a_pod(index, state if index else PodState.VERIFIED if not begun else state)
        assert base.snapshot is not None
        report = base.snapshot.verification and structs.replace(PROOF, canary_ids=(f"C{index}", f"D{index}"))
        snapshot = structs.replace(
            base.snapshot, verification=report, proofs=AddressProofs(proven=("10.0.0.5:8000",), by_name=True)
        )
        return replace(base, snapshot=snapshot)

    plan = structs.replace(PLAN, parallelism=pods)
    return an_observation(*map(pod, range(pods)), begun=begun, job=a_job(plan=plan))


def calls_of_deciding(observation: Observation) -> int:
    """How many calls of Python functions, and turns of generators, a decision takes."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    previous = sys.getprofile()
    sys.setprofile(count)
    try:
        decide(observation, POLICY)
    finally:
        sys.setprofile(previous)
    return calls


@pytest.mark.parametrize("begun", [False, True], ids=["no start on record", "a start on record"])
@pytest.mark.parametrize("state", STATES)
def test_twice_as_many_pods_are_twice_the_work(state: PodState, *, begun: bool) -> None:
    # What is imported or made once is not counted.
    decide(a_fleet(2, state, begun=begun), POLICY)

    once, twice = (calls_of_deciding(a_fleet(pods, state, begun=begun)) for pods in (PODS, 2 * PODS))

    assert twice < 2.2 * once
