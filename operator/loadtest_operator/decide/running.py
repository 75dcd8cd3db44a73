"""While the load runs: how far it is, and what it measured up to now."""

from msgspec import structs

from loadtest_model.judgement.abort import watch
from loadtest_model.judgement.verdict import run_health, threshold_results
from loadtest_model.report.status import Phase, Status
from loadtest_operator.decide.causes import STARTED, Cause
from loadtest_operator.decide.compose import base_status, verified_mark
from loadtest_operator.decide.conditions import Mark, Marks
from loadtest_operator.decide.decision import Decision, Policy
from loadtest_operator.decide.fleet import Fleet, verified_of
from loadtest_operator.decide.following import endpoint_orders
from loadtest_operator.decide.progress import started_at, status_progress
from loadtest_operator.facts.observation import Observation


def running(observation: Observation, fleet: Fleet, policy: Policy) -> Decision:
    """Look on and say what is seen; the pods are kept up to date about the target's endpoints."""
    message = progress_message(fleet)
    return Decision(
        status=live_status(observation, fleet, Phase.RUNNING, message, None),
        actions=endpoint_orders(observation, fleet),
        requeue_seconds=_next_look(fleet, policy),
        plan=fleet.plan,
        aggregate=fleet.aggregate,
        watch=watch(fleet.plan, fleet.aggregate, observation.watch),
    )


def live_status(observation: Observation, fleet: Fleet, phase: Phase, message: str, cause: Cause | None) -> Status:
    """The status of a run that has begun and not ended."""
    mark = Mark("True", STARTED, "the load runs") if cause is None else Mark("False", cause.reason, cause.message)
    marks = Marks(verified=verified_mark(observation), running=mark)
    status = base_status(observation, phase, message, marks, fleet.plan)
    return structs.replace(
        status,
        started_at=started_at(observation, fleet.aggregate),
        pods=fleet.counts,
        progress=status_progress(fleet.plan, fleet.aggregate),
        verification=verified_of(fleet.proof, fleet.notice),
        thresholds=threshold_results(fleet.plan, fleet.aggregate),
        health=run_health(fleet.plan, fleet.aggregate, fleet.target, fleet.evictions),
        target=fleet.target,
        evicted=fleet.evictions.pods,
    )


def progress_message(fleet: Fleet) -> str:
    counts = fleet.counts
    if counts.succeeded:
        return f"{counts.succeeded} of {counts.desired} pods have finished their share"
    return f"{counts.running} of {counts.desired} pods load the target"


def _next_look(fleet: Fleet, policy: Policy) -> float:
    """The end of the load is looked for more closely, so that a test ends when its load does or soon after."""
    plan = fleet.plan
    end = sum(plan.step_span_seconds[:-1]) + plan.steps[-1].duration_seconds
    return max(0.25, min(abs(end - fleet.aggregate.elapsed_seconds), policy.scrape_seconds))
