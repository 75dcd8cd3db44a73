"""Between the end of every load and the verdict: what the target has stored is read back."""

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.report.status import Phase
from loadtest_operator.decide.actions import Action, Conclude
from loadtest_operator.decide.decision import Decision
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.decide.running import live_status
from loadtest_operator.facts.observation import Observation

_POLL_SECONDS = 0.5


def concluding(observation: Observation, fleet: Fleet) -> Decision:
    """Have the read-back made, and wait for it; the pod bounds it, and the Job's deadline bounds the pod."""
    message = "every load is over; what the target has stored is read back"
    return Decision(
        status=live_status(observation, fleet, Phase.RUNNING, message, None),
        actions=read_back_orders(fleet),
        requeue_seconds=_POLL_SECONDS,
        plan=fleet.plan,
        aggregate=fleet.aggregate,
    )


def read_back_orders(fleet: Fleet) -> tuple[Action, ...]:
    """Tell the pod that reads back to begin; one that has begun needs no word."""
    reader = fleet.reader
    if reader is None or not reader.reachable or reader.state is not PodState.LOADED:
        return ()
    return (Conclude((reader,)),)
