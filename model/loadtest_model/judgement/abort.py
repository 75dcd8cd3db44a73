"""Whether a run that goes on is to be ended: a bound is breached, and it is no accident.

Kept from look to look is only how often in a row each bound was breached. Who loses that, as an operator does that is
restarted, aborts a little later.
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
    """What was found so far: breaches in a row by expression, in which step, and when it was looked at last.

    `breach` is set once the run is to be ended, and stays: a sentence with the bound and what was measured.
    """

    step: int = -1
    at_seconds: float = -LEAST_SECONDS_APART
    in_a_row: Mapping[str, int] = {}
    breach: str = ""


def watch_for_abort(plan: Plan, aggregate: Aggregate, held: AbortWatch) -> AbortWatch:
    """What is found now, beside what was held. Looks less than a second apart count as one."""
    number = _step_under_way(plan, aggregate)
    if plan.abort is None or held.breach or number is None:
        return held
    if aggregate.elapsed_seconds < held.at_seconds + LEAST_SECONDS_APART:
        return held
    step, seen = plan.steps[number], aggregate.steps[number]
    before = held.in_a_row if held.step == number else {}
    found: dict[str, int] = {}
    breach = ""
    if seen.load_seconds >= step.warm_up_seconds + plan.abort.after_seconds:
        for expression in plan.abort.thresholds:
            threshold = parse_threshold(expression)
            result = _breached(threshold, plan, step, seen)
            if result is None:
                continue
            found[expression] = before.get(expression, 0) + 1
            if found[expression] >= EVALUATIONS_IN_A_ROW and not breach:
                breach = f"{breach_text(result)}, in {found[expression]} evaluations in a row"
    return AbortWatch(step=number, at_seconds=aggregate.elapsed_seconds, in_a_row=found, breach=breach)


def _step_under_way(plan: Plan, aggregate: Aggregate) -> int | None:
    """The last step that has begun, unless its load is over."""
    for number in range(min(len(plan.steps), len(aggregate.steps)) - 1, -1, -1):
        seen = aggregate.steps[number]
        if seen.load_seconds > 0:
            over = seen.finished_pods >= plan.parallelism or seen.load_seconds >= plan.steps[number].duration_seconds
            return None if over else number
    return None


def _breached(threshold: Threshold, plan: Plan, step: Step, seen: StepAggregate) -> ThresholdResult | None:
    """The breach of a bound, where it is one that proves something."""
    if threshold.step not in ("", step.name):
        return None
    if threshold.metric in ("error_rate", "success_rate"):
        seen = structs.replace(seen, judged=recent_counts(seen, step.warm_up_seconds))
    name = step.name if len(plan.steps) > 1 else ""
    result = evaluate(threshold, seen, judged_seconds(step, seen, plan.parallelism), name)
    if result.passed is not False:
        return None
    enough = seen.response.count >= METRICS[threshold.metric].fewest_samples
    return result if enough or not threshold.is_of_time or _all_overdue(threshold, seen) else None


def _all_overdue(threshold: Threshold, seen: StepAggregate) -> bool:
    """Whether every upload in flight is older than the bound: of a target that hangs there are never many samples."""
    ages = seen.in_flight_ages_seconds
    return bool(ages) and METRICS[threshold.metric].of_responses and ages[-1] > threshold.bound


def recent_counts(seen: StepAggregate, warm_up_seconds: float = 0.0) -> Counts:
    """What ended in the last `SLIDING_SECONDS`: an upload that timed out counts when it did, not when it was due.

    What ended in the warm-up counts nowhere.
    """
    newest = max((second.second for second in seen.seconds), default=0)
    first = max(newest - SLIDING_SECONDS + 1, warm_up_seconds)
    recent = [second for second in seen.seconds if second.second >= first]
    ended, failed = sum(second.ended for second in recent), sum(second.failed for second in recent)
    dropped = sum(second.lapsed for second in recent)
    return Counts(due=ended + dropped, sent=ended, dropped=dropped, accepted=ended - failed, unknown=failed)
