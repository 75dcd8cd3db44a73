"""A run that must not go on: every pod is told so until every pod is settled."""

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.report.status import Phase
from loadtest_operator.decide.actions import Action, Drain, HaltFleet
from loadtest_operator.decide.causes import StopCause
from loadtest_operator.decide.decision import Decision
from loadtest_operator.decide.ending import conclude
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.decide.following import endpoint_orders
from loadtest_operator.decide.running import live_status, read_back_orders
from loadtest_operator.facts.observation import Observation

_POLL_SECONDS = 0.5


def stop_fleet(observation: Observation, fleet: Fleet, causes: tuple[StopCause, ...]) -> Decision:
    """Halt or drain what still runs; once nothing more can come, conclude."""
    if all(fleet.is_settled(pod) for pod in fleet.pods):
        return conclude(observation, fleet, causes)
    first = causes[0]
    return Decision(
        status=live_status(observation, fleet, Phase.STOPPING, first.message, first),
        actions=_stop_orders(observation, fleet, causes),
        requeue_seconds=_POLL_SECONDS,
        plan=fleet.plan,
        aggregate=fleet.aggregate,
    )


def _stop_orders(observation: Observation, fleet: Fleet, causes: tuple[StopCause, ...]) -> tuple[Action, ...]:
    live = tuple(pod for pod in fleet.reachable_pods if pod.state is not None and not pod.state.is_end)
    if not live:
        return ()
    if not all(cause.allows_draining for cause in causes):
        return (HaltFleet(live, causes[0].message),)
    if fleet.load_is_over:
        return read_back_orders(fleet)
    live = tuple(pod for pod in live if pod is not fleet.reader)
    # Only a load can be drained; a pod that has none has nothing to finish.
    loading = tuple(pod for pod in live if pod.state is PodState.RUNNING)
    idle = tuple(pod for pod in live if pod.state is not PodState.RUNNING)
    orders: list[Action] = [*endpoint_orders(observation, fleet), Drain(loading)] if loading else []
    if idle:
        orders.append(HaltFleet(idle, causes[0].message))
    return tuple(orders)
