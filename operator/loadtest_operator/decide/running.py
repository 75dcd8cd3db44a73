"""While the load runs: how far it is, and what it measured up to now."""

from msgspec import structs

from loadtest_model.aggregate import Aggregate, StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.status import Phase, Progress, Status
from loadtest_model.verdict import run_health, threshold_results
from loadtest_operator.decide.causes import STARTED, Cause
from loadtest_operator.decide.compose import base_status, verified_mark, within_limit
from loadtest_operator.decide.conditions import Mark, Marks
from loadtest_operator.decide.decision import Decision, Policy
from loadtest_operator.decide.fleet import Fleet, verified_of
from loadtest_operator.observation import Observation

_RATE_WINDOW_SECONDS = 10


def running(observation: Observation, fleet: Fleet, policy: Policy) -> Decision:
    """Nothing to do but to look on and say what is seen."""
    message = progress_message(fleet)
    return Decision(
        status=live_status(observation, fleet, Phase.RUNNING, message, None),
        requeue_seconds=_next_look(fleet, policy),
        plan=fleet.plan,
        aggregate=fleet.aggregate,
    )


def live_status(observation: Observation, fleet: Fleet, phase: Phase, message: str, cause: Cause | None) -> Status:
    """The status of a run that has begun and not ended."""
    mark = Mark("True", STARTED, "the load runs") if cause is None else Mark("False", cause.reason, cause.message)
    marks = Marks(verified=verified_mark(observation), running=mark)
    status = base_status(observation, phase, message, marks, fleet.plan)
    return within_limit(
        structs.replace(
            status,
            pods=fleet.counts,
            progress=progress(fleet.plan, fleet.aggregate),
            verification=verified_of(fleet.proof),
            thresholds=threshold_results(fleet.plan, fleet.aggregate),
            health=run_health(fleet.plan, fleet.aggregate),
        )
    )


def progress(plan: Plan, aggregate: Aggregate) -> Progress:
    """How far a run is, from its merged snapshots."""
    number, step = current_step(aggregate)
    total = sum(made.duration_seconds for made in plan.steps)
    elapsed = min(aggregate.elapsed_seconds, total)
    errors = sum(
        made.total.rejected + made.total.unknown + made.total.violation + made.total.dropped for made in aggregate.steps
    )
    return Progress(
        step=plan.steps[number].name,
        elapsed_seconds=round(elapsed, 1),
        total_seconds=total,
        percent=round(100 * elapsed / total, 1) if total else 100.0,
        virtual_users=aggregate.virtual_users,
        records_per_second=round(recent_records_per_second(step), 1),
        records_confirmed=sum(made.total.records_confirmed for made in aggregate.steps),
        p95_seconds=_rounded(step.response.quantile_seconds(0.95)),
        error_rate=_rounded(step.total.error_rate),
        errors=errors,
    )


def current_step(aggregate: Aggregate) -> tuple[int, StepAggregate]:
    """The last step that has begun, and its number."""
    for number in range(len(aggregate.steps) - 1, -1, -1):
        if aggregate.steps[number].total.due:
            return number, aggregate.steps[number]
    return 0, aggregate.steps[0] if aggregate.steps else StepAggregate()


def recent_records_per_second(step: StepAggregate) -> float:
    """Confirmed records a second over the last ten whole seconds; the newest second is still being counted."""
    if not step.seconds:
        return 0.0
    newest = step.seconds[-1].second
    first = max(0, newest - _RATE_WINDOW_SECONDS)
    window = newest - first
    if window == 0:
        return float(step.seconds[-1].records_answered)
    return sum(made.records_answered for made in step.seconds if first <= made.second < newest) / window


def progress_message(fleet: Fleet) -> str:
    counts = fleet.counts
    if counts.succeeded:
        return f"{counts.succeeded} of {counts.desired} pods have finished their share"
    return f"{counts.running} of {counts.desired} pods load the target"


def _next_look(fleet: Fleet, policy: Policy) -> float:
    """The end of the load is looked for more closely, so that a test ends when its load does."""
    total = sum(made.duration_seconds for made in fleet.plan.steps)
    left = total - fleet.aggregate.elapsed_seconds
    return policy.scrape_seconds if left > policy.scrape_seconds else max(0.25, min(left, policy.scrape_seconds))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
