"""How far a local run is, in the few figures that are shown of it while it runs."""

from dataclasses import dataclass
from typing import Final

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, Step

RATE_WINDOW_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """The figures of one instant. Rates are those of the last ten seconds, p95 that of the running step.

    `total_seconds` is None for a load that is a number of records; `share` is how much of the load is over, from 0
    to 1. Steps and stages count from 1. `stopping` is 0, 1 (what is in flight is finished) or 2.
    """

    elapsed_seconds: float
    total_seconds: float | None
    share: float
    step: str
    step_number: int
    steps: int
    stage_number: int
    stages: int
    virtual_users: int
    in_flight: int
    records_per_second: float
    records_confirmed: int
    p95_seconds: float | None
    errors: int
    error_rate: float
    draining: bool
    stopping: int


def progress_of(plan: Plan, aggregate: Aggregate, stopping: int = 0) -> Progress:
    """The figures of a run that has begun."""
    number = max(len(aggregate.steps) - 1, 0)
    step = plan.steps[number]
    seen = aggregate.steps[number] if aggregate.steps else StepAggregate()
    # A step's seconds go on while it drains, which is no part of its load.
    within = float(seen.seconds[-1].second) if seen.seconds else 0.0
    elapsed = sum(each.duration_seconds for each in plan.steps[:number]) + min(within, step.duration_seconds)
    total = None if step.records is not None else sum(each.duration_seconds for each in plan.steps)
    due = sum(each.total.due for each in aggregate.steps)
    failed = sum(_failed(each) for each in aggregate.steps)
    return Progress(
        elapsed_seconds=elapsed,
        total_seconds=total,
        share=min(1.0, elapsed / total if total else seen.total.records_sent / (step.records or 1)),
        step=step.name,
        step_number=number + 1,
        steps=len(plan.steps),
        stage_number=_stage(step, within),
        stages=len(step.segments),
        virtual_users=aggregate.virtual_users,
        in_flight=seen.in_flight,
        records_per_second=recent_records_per_second(seen),
        records_confirmed=sum(each.total.records_confirmed for each in aggregate.steps),
        p95_seconds=seen.response.quantile_seconds(0.95),
        errors=failed,
        error_rate=failed / due if due else 0.0,
        draining=within >= step.duration_seconds and seen.in_flight > 0,
        stopping=stopping,
    )


def recent_records_per_second(step: StepAggregate) -> float:
    """Confirmed records a second over the last ten whole seconds; the newest second is still being counted."""
    if not step.seconds:
        return 0.0
    newest = step.seconds[-1].second
    first = max(0, newest - RATE_WINDOW_SECONDS)
    if newest == first:
        return float(step.seconds[-1].records_answered)
    return sum(each.records_answered for each in step.seconds[first:newest]) / (newest - first)


def _failed(step: StepAggregate) -> int:
    counts = step.total
    return counts.rejected + counts.unknown + counts.violation + counts.dropped - counts.cancelled


def _stage(step: Step, within_seconds: float) -> int:
    end = 0.0
    for number, segment in enumerate(step.segments, start=1):
        end += segment.duration_seconds
        if within_seconds < end:
            return number
    return len(step.segments)
