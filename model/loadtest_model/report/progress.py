"""How far a run is, in the few figures that are shown of it while it runs, on a laptop as in a cluster."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, Step

RATE_WINDOW_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The figures of one instant.

    Of the whole run are `elapsed_seconds`, `total_seconds`, `share` (how much of the load is over, from 0 to 1),
    `virtual_users` and `records_confirmed`. All others are of the current step: of all of it `p95_seconds`, `errors`
    and `error_rate`, of its last ten seconds `records_per_second`. Errors leave out what the test itself cut.

    The seconds are those of the load: what a step is given to drain is no part of them, and `is_draining` says that
    only uploads in flight are left of it. Of a load that is a number of records the total `is_foreseen` from the
    uploads that were due so far. Steps and stages count from 1.
    """

    elapsed_seconds: float
    total_seconds: float
    is_foreseen: bool
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
    error_rate: float | None
    is_draining: bool


def progress_of(plan: Plan, aggregate: Aggregate) -> RunProgress:
    """How far a run is, from its merged measurements."""
    number = _current_step(aggregate.steps)
    step = plan.steps[number]
    step_aggregate = aggregate.steps[number] if aggregate.steps else StepAggregate()
    elapsed_seconds = sum(each_step.load_seconds for each_step in aggregate.steps)
    uploads = plan.steps[0].uploads
    if uploads is None:
        total_seconds = sum(each_step.duration_seconds for each_step in plan.steps)
        share = min(1.0, elapsed_seconds / total_seconds)
    else:
        share = min(1.0, step_aggregate.total.due / uploads)
        total_seconds = elapsed_seconds / share if share else elapsed_seconds
    return RunProgress(
        elapsed_seconds=elapsed_seconds,
        total_seconds=total_seconds,
        is_foreseen=uploads is not None,
        share=share,
        step=step.name,
        step_number=number + 1,
        steps=len(plan.steps),
        stage_number=_stage_number(step, step_aggregate.load_seconds),
        stages=len(step.segments),
        virtual_users=aggregate.virtual_users,
        in_flight=step_aggregate.in_flight,
        records_per_second=_recent_records_per_second(step_aggregate),
        records_confirmed=sum(each_step.total.records_confirmed for each_step in aggregate.steps),
        p95_seconds=step_aggregate.response.quantile_seconds(0.95),
        errors=step_aggregate.total.errors,
        error_rate=step_aggregate.total.error_rate,
        is_draining=step_aggregate.load_seconds >= step.duration_seconds and step_aggregate.in_flight > 0,
    )


def _current_step(steps: tuple[StepAggregate, ...]) -> int:
    """The last step whose load has begun; the pods may stand ready for one that has not."""
    begun_steps = (number for number, step in enumerate(steps) if step.load_seconds > 0 or step.total.due)
    return max(begun_steps, default=0)


def _stage_number(step: Step, load_seconds: float) -> int:
    ends = accumulate(segment.duration_seconds for segment in step.segments)
    return min(sum(load_seconds >= end for end in ends) + 1, len(step.segments))


def _recent_records_per_second(step: StepAggregate) -> float:
    """Confirmed records a second over the last ten whole seconds; the newest second is still being counted."""
    if not step.seconds:
        return 0.0
    newest = step.seconds[-1].second
    first = max(0, newest - RATE_WINDOW_SECONDS)
    if newest == first:
        return float(step.seconds[-1].records_answered)
    window = step.seconds[-RATE_WINDOW_SECONDS - 1 : -1]
    return sum(second.records_answered for second in window if second.second >= first) / (newest - first)
