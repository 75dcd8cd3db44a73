"""A run that must not go on: every pod is told so until every pod is settled."""

from loadtest_model.judgement.abort import watch_for_abort
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.report.status import Phase
from loadtest_operator.decide.actions import Action, Drain, HaltFleet
from loadtest_operator.decide.decision import Decision
from loadtest_operator.decide.ending import conclude
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.decide.following import endpoint_orders
from loadtest_operator.decide.running import live_status, read_back_orders
from loadtest_operator.decide.stop_cause import StopCause, is_on_record
from loadtest_operator.facts.observation import Observation

_POLL_SECONDS = 0.5


def stop_fleet(observation: Observation, fleet: Fleet, causes: tuple[StopCause, ...]) -> Decision:
    """Write down why the run must stop, and then halt or drain what still runs; once nothing more can come, conclude.

    A cause is in the status before anything follows from it, unless it is urgent. So the pods that are found halted or
    drained later are known to have been stopped, whatever happened to the operator.
    """
    if all(fleet.is_settled(pod) for pod in fleet.pods):
        return conclude(observation, fleet, causes)
    first = causes[0]
    may_act = first.is_urgent or is_on_record(observation, first)
    return Decision(
        status=live_status(observation, fleet, Phase.STOPPING, first.message, first),
        actions=_stop_orders(observation, fleet, first) if may_act else (),
        requeue_seconds=_POLL_SECONDS if may_act else 0.0,
        plan=fleet.plan,
        aggregate=fleet.aggregate,
        # A breach that cannot be written down yet is not forgotten.
        abort_watch=None if may_act else watch_for_abort(fleet.plan, fleet.aggregate, observation.abort_watch),
    )


def _stop_orders(observation: Observation, fleet: Fleet, cause: StopCause) -> tuple[Action, ...]:
    live = tuple(pod for pod in fleet.reachable_pods if pod.state is not None and not pod.state.is_end)
    if not live:
        return ()
    if not cause.allows_draining:
        return (HaltFleet(live, cause.message),)
    if fleet.load_is_over:
        return read_back_orders(fleet)
    live = tuple(pod for pod in live if pod is not fleet.reader)
    # Only a load can be drained; a pod that has none has nothing to finish.
    loading = tuple(pod for pod in live if pod.state is PodState.RUNNING)
    idle = tuple(pod for pod in live if pod.state is not PodState.RUNNING)
    orders: list[Action] = [*endpoint_orders(observation, fleet), Drain(loading)] if loading else []
    if idle:
        orders.append(HaltFleet(idle, cause.message))
    return tuple(orders)
