"""While the load runs, and until what the target has stored is read back: how far it is, and what it measured."""

from typing import Final

from msgspec import structs

from loadtest_model.judgement.abort import watch_for_abort
from loadtest_model.judgement.capacity import capacity_of
from loadtest_model.judgement.judged_thresholds import threshold_results
from loadtest_model.judgement.judging import run_health
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.reasons import Reason
from loadtest_model.report.capacity import capacity_summary, status_capacity
from loadtest_model.report.status import LOAD_RUNS, Phase, Status
from loadtest_operator.decide.actions import Action, Conclude
from loadtest_operator.decide.compose import base_status, verified_value
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues
from loadtest_operator.decide.decision import Decision, Policy
from loadtest_operator.decide.fleet import Fleet, verified_status
from loadtest_operator.decide.following import endpoint_orders
from loadtest_operator.decide.late_start import start_orders
from loadtest_operator.decide.progress import load_started_at, status_progress
from loadtest_operator.decide.stop_cause import StopCause
from loadtest_operator.facts.observation import Observation

_CONCLUDING_POLL_SECONDS: Final = 0.5


def follow_load(observation: Observation, fleet: Fleet, policy: Policy) -> Decision:
    """Look on and say what is seen; the pods are kept up to date about the target's endpoints.

    What is left of the common start is done first.
    """
    return Decision(
        status=live_status(observation, fleet, Phase.RUNNING, LOAD_RUNS, None),
        actions=(*start_orders(observation, fleet), *endpoint_orders(observation, fleet)),
        requeue_seconds=_next_look_seconds(fleet, policy),
        plan=fleet.plan,
        aggregate=fleet.aggregate,
        abort_watch=watch_for_abort(fleet.plan, fleet.aggregate, observation.abort_watch),
    )


def await_read_back(observation: Observation, fleet: Fleet) -> Decision:
    """Have the read-back made, and wait for it; the pod bounds it, and the Job's deadline bounds the pod."""
    message = "every load is over; what the target has stored is read back"
    return Decision(
        status=live_status(observation, fleet, Phase.RUNNING, message, None),
        actions=read_back_orders(fleet),
        requeue_seconds=_CONCLUDING_POLL_SECONDS,
        plan=fleet.plan,
        aggregate=fleet.aggregate,
    )


def read_back_orders(fleet: Fleet) -> tuple[Action, ...]:
    """Tell the pod that reads back to begin; one that has begun needs no word."""
    reader = fleet.reader
    if reader is None or not reader.is_reachable or reader.state is not PodState.LOADED:
        return ()
    return (Conclude((reader,)),)


def live_status(observation: Observation, fleet: Fleet, phase: Phase, message: str, cause: StopCause | None) -> Status:
    """The status of a run that has begun and not ended."""
    mark = (
        ConditionValue.true(Reason.Started, LOAD_RUNS)
        if cause is None
        else ConditionValue.false(cause.reason, cause.message)
    )
    marks = ConditionValues(verified=verified_value(observation), running=mark)
    status = base_status(observation, phase, message, marks, fleet.plan)
    health = run_health(fleet.plan, fleet.aggregate, fleet.target_watch, fleet.evictions)
    capacity = capacity_of(fleet.plan, fleet.aggregate, health, is_over=False)
    return structs.replace(
        status,
        started_at=load_started_at(observation, fleet.aggregate),
        pods=fleet.counts,
        progress=status_progress(fleet.plan, fleet.aggregate),
        verification=verified_status(fleet.proof, fleet.notice),
        thresholds=threshold_results(fleet.plan, fleet.aggregate),
        capacity=status_capacity(capacity_summary(capacity)),
        health=health,
        target=fleet.target_watch,
        evicted=fleet.evictions.pods,
    )


def _next_look_seconds(fleet: Fleet, policy: Policy) -> float:
    """The end of the load is looked for more closely, so that a test ends when its load does or soon after."""
    plan = fleet.plan
    end = sum(plan.step_span_seconds[:-1]) + plan.steps[-1].duration_seconds
    return max(0.25, min(abs(end - fleet.aggregate.elapsed_seconds), policy.scrape_seconds))
