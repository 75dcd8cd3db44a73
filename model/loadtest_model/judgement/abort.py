"""Whether a run that goes on is to be ended: a bound is breached, and it is no accident.

The state from look to look is only how often in a row each bound was breached. An operator that is restarted loses it,
and aborts a little later.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import structs

from loadtest_model.judgement.judged_thresholds import breach_text, judged_seconds
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, Step
from loadtest_model.thresholds.bounds import Threshold, ThresholdResult, evaluate, parse_threshold
from loadtest_model.thresholds.metrics import METRICS
from loadtest_model.values import WireValue

EVALUATIONS_IN_A_ROW: Final = 3
LEAST_SECONDS_APART: Final = 1.0
SLIDING_SECONDS: Final = 30


class AbortWatch(WireValue, frozen=True, kw_only=True):
    """The state of the watch: breaches in a row by expression, their step and plateau, and the time of the last look.

    `plateau` is the number of the plateau of a climb, and 0 in other scenarios.

    `breach` is set once the run is to be ended, and stays: a sentence with the bound and what was measured.
    """

    step: int = -1
    plateau: int = 0
    at_seconds: float = -LEAST_SECONDS_APART
    in_a_row: Mapping[str, int] = {}
    breach: str = ""


def watch_for_abort(plan: Plan, aggregate: Aggregate, previous: AbortWatch) -> AbortWatch:
    """The state of the watch after this look. Looks less than a second apart count as one."""
    number = _step_under_way(plan, aggregate)
    if plan.abort is None or previous.breach or number is None:
        return previous
    if aggregate.elapsed_seconds < previous.at_seconds + LEAST_SECONDS_APART:
        return previous
    step, step_aggregate = plan.steps[number], aggregate.steps[number]
    plateau = _plateau_under_way(step, step_aggregate)
    is_same_load = (previous.step, previous.plateau) == (number, plateau)
    previous_counts = previous.in_a_row if is_same_load else {}
    breach_counts: dict[str, int] = {}
    breach = ""
    if step_aggregate.load_seconds >= step.warm_up_seconds + plan.abort.after_seconds:
        for expression in plan.abort.thresholds:
            threshold = parse_threshold(expression)
            result = _breach(threshold, plan, step, step_aggregate, plateau)
            if result is None:
                continue
            breach_counts[expression] = previous_counts.get(expression, 0) + 1
            if breach_counts[expression] >= EVALUATIONS_IN_A_ROW and not breach:
                breach = f"{breach_text(result)}, in {breach_counts[expression]} evaluations in a row"
    return AbortWatch(
        step=number, plateau=plateau, at_seconds=aggregate.elapsed_seconds, in_a_row=breach_counts, breach=breach
    )


def _step_under_way(plan: Plan, aggregate: Aggregate) -> int | None:
    """The last step that has begun, unless its load is over."""
    for number in range(min(len(plan.steps), len(aggregate.steps)) - 1, -1, -1):
        step = aggregate.steps[number]
        if step.load_seconds > 0:
            is_over = step.finished_pods >= plan.parallelism or step.load_seconds >= plan.steps[number].duration_seconds
            return None if is_over else number
    return None


def _plateau_under_way(step: Step, aggregate: StepAggregate) -> int:
    """The number of the last plateau of a climb that has begun; 0 in other scenarios."""
    begun = [number for number, plateau in enumerate(aggregate.plateaus) if plateau.load_seconds > 0]
    return begun[-1] if step.climb is not None and begun else 0


def _breach(
    threshold: Threshold, plan: Plan, step: Step, aggregate: StepAggregate, plateau: int
) -> ThresholdResult | None:
    """The breach of a bound, where it is one that proves something.

    Of a climb the plateau under way is judged by itself, because the lower loads before it say nothing of this one.
    """
    if threshold.step not in ("", step.name):
        return None
    begin_seconds = sum(segment.duration_seconds for segment in step.segments[:plateau])
    window = judged_seconds(step, aggregate, plan.parallelism)
    recent = recent_counts(aggregate, max(step.warm_up_seconds, begin_seconds))
    if step.climb is not None and plateau < len(aggregate.plateaus):
        aggregate = aggregate.plateaus[plateau]
        window = max(0.0, begin_seconds + aggregate.load_seconds - max(step.warm_up_seconds, begin_seconds))
    if threshold.metric in ("error_rate", "success_rate"):
        aggregate = structs.replace(aggregate, judged=recent)
    name = step.name if len(plan.steps) > 1 else ""
    result = evaluate(threshold, aggregate, window, name)
    if result.passed is not False:
        return None
    has_enough_samples = aggregate.response.count >= METRICS[threshold.metric].fewest_samples
    return result if has_enough_samples or not threshold.is_of_time or _all_overdue(threshold, aggregate) else None


def _all_overdue(threshold: Threshold, aggregate: StepAggregate) -> bool:
    """Whether every upload in flight is older than the bound: of a target that hangs there are never many samples."""
    ages = aggregate.in_flight_ages_seconds
    return bool(ages) and METRICS[threshold.metric].counts_in_flight and ages[-1] > threshold.bound


def recent_counts(aggregate: StepAggregate, begin_seconds: float = 0.0) -> Counts:
    """What ended in the last `SLIDING_SECONDS`: an upload that timed out counts when it did, not when it was due.

    What ended before `begin_seconds` counts nowhere.
    """
    newest_second = max((second.second for second in aggregate.seconds), default=0)
    first_second = max(newest_second - SLIDING_SECONDS + 1, begin_seconds)
    recent_seconds = [second for second in aggregate.seconds if second.second >= first_second]
    uploads = sum(second.ended for second in recent_seconds)
    failures = sum(second.failed for second in recent_seconds)
    dropped_arrivals = sum(second.lapsed for second in recent_seconds)
    return Counts(
        due=uploads + dropped_arrivals,
        sent=uploads,
        dropped=dropped_arrivals,
        accepted=uploads - failures,
        unknown=failures,
    )
