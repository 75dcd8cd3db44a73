"""What an operator that ended in the midst of the common start has left to the next one."""

from typing import Final

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.plan import Plan, plan_hash
from loadtest_operator.decide.actions import Action, BoundSkew, StartRest
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.facts.observation import Observation

_LATEST_SECONDS: Final = 10.0
_LATEST_SHARE: Final = 0.1
"""A pod that begins later than this share of the shortest step would make it another load than the planned one."""


def late_start_seconds(plan: Plan) -> float:
    """How long after the common start a pod may still be started."""
    return min(_LATEST_SECONDS, _LATEST_SHARE * min(step.duration_seconds for step in plan.steps))


def start_orders(observation: Observation, fleet: Fleet) -> tuple[Action, ...]:
    """Start the pods that were not started with the others, as long as there is time; then bound the skew.

    The start on record lacks its skew if the operator that started the fleet could not write it down.
    """
    recorded = observation.test.record.start
    if recorded is None:
        return ()
    loading = fleet.in_state(PodState.RUNNING)
    idle = fleet.in_state(PodState.VERIFIED, PodState.ARMED)
    if idle and len(loading) + len(idle) == fleet.plan.parallelism:
        if fleet.elapsed_seconds > late_start_seconds(fleet.plan):
            return ()
        return (StartRest(idle, (*loading, *idle), recorded.start_id, plan_hash(fleet.plan)),)
    all_load = len(loading) == fleet.plan.parallelism and all(
        pod.snapshot is not None and pod.snapshot.elapsed_seconds > 0 for pod in loading
    )
    return (BoundSkew(loading),) if recorded.skew_seconds is None and all_load else ()
