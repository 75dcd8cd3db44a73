"""How far a run is, in the few figures that the status shows of it."""

from datetime import timedelta

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.report.status import Progress
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339

_RATE_WINDOW_SECONDS = 10


def progress(plan: Plan, aggregate: Aggregate) -> Progress:
    """How far a run is, from its merged snapshots."""
    number, step = current_step(aggregate)
    elapsed, total, share = _reached(plan, aggregate)
    errors = sum(
        made.total.rejected + made.total.unknown + made.total.violation + made.total.dropped for made in aggregate.steps
    )
    return Progress(
        step=plan.steps[number].name,
        elapsed_seconds=round(elapsed, 1),
        total_seconds=round(total, 1),
        percent=round(100 * share, 1),
        virtual_users=aggregate.virtual_users,
        records_per_second=round(recent_records_per_second(step), 1),
        records_confirmed=sum(made.total.records_confirmed for made in aggregate.steps),
        p95_seconds=rounded(step.response.quantile_seconds(0.95)),
        error_rate=rounded(step.total.error_rate),
        errors=errors,
    )


def _reached(plan: Plan, aggregate: Aggregate) -> tuple[float, float, float]:
    """How long the load has lasted, how long it lasts in all, and the share of it that is done."""
    if plan.steps[0].uploads is not None:
        seen = aggregate.steps[0] if aggregate.steps else StepAggregate()
        share = min(1.0, (seen.total.due / plan.steps[0].uploads))
        return seen.load_seconds, seen.load_seconds / share if share else seen.load_seconds, share
    total = sum(step.duration_seconds for step in plan.steps)
    # The last upload may end a moment before the load does, and nothing begins in that moment.
    elapsed = total if _finished(plan, aggregate) else loaded_seconds(plan, aggregate.elapsed_seconds)
    return elapsed, total, elapsed / total if total else 1.0


def loaded_seconds(plan: Plan, since_start_seconds: float) -> float:
    """How much of its load a run is through; the time that a step is given to drain is no part of it."""
    loaded = begin = 0.0
    for step, span in zip(plan.steps, plan.step_span_seconds, strict=True):
        loaded += min(max(0.0, since_start_seconds - begin), step.duration_seconds)
        begin += span
    return loaded


def _finished(plan: Plan, aggregate: Aggregate) -> bool:
    counts = [step.finished_pods for step in aggregate.steps]
    return len(counts) == len(plan.steps) and min(counts) >= plan.parallelism


def started_at(observation: Observation, aggregate: Aggregate) -> str | None:
    """When the load began, in RFC 3339; None before.

    The pods tell it where the write that was to keep it was lost, with an operator or to a conflict.
    """
    recorded = observation.test.recorded.started_at
    if recorded is not None or aggregate.elapsed_seconds <= 0:
        return recorded
    return rfc3339(observation.now - timedelta(seconds=aggregate.elapsed_seconds))


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


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
