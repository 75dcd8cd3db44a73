"""A threshold on the baseline: whether a run is worse than earlier ones by more than its tolerance.

It is breached if the whole interval in which the change may lie is beyond the tolerance. If only a part of it is, no
regression is shown, and the threshold holds. What the generator itself did to the numbers can leave a breach in doubt,
as with any threshold.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from loadtest_model.baseline.blocks import StepBlocks
from loadtest_model.baseline.earlier_runs import Baseline
from loadtest_model.baseline.resampling import Change, average_of, change_between
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.quantities import clip, count_text
from loadtest_model.thresholds.bounds import Threshold, ThresholdResult
from loadtest_model.thresholds.comparison import Comparison
from loadtest_model.thresholds.doubt import Interval, true_value_interval
from loadtest_model.thresholds.metrics import METRICS, metric_value_text

FEWEST_BLOCKS: Final = 5
"""With fewer blocks chance cannot be told from a change."""

SECONDS_OF_GOOD_INTERVALS: Final = 50
"""From a shorter load come so few or so short blocks that an interval is wide."""

_LONGEST_NOTE: Final = 256


def compare_with_baseline(
    threshold: Threshold, blocks: StepBlocks, baseline: Baseline, doubt: Interval, step: str, step_name: str
) -> ThresholdResult:
    """Hold a step against the earlier runs.

    `doubt` has the factors between which the true value of the metric lies, given what our own side did to it. `step`
    is the name of the step in results, and `step_name` in the runs.
    """
    metric = METRICS[threshold.metric]
    values = blocks.figures.get(threshold.metric, ())
    if len(values) < FEWEST_BLOCKS:
        note = f"{count_text(len(values), 'block')} of {blocks.seconds} s to compare by, and {FEWEST_BLOCKS} are needed"
        return _result(threshold, step, note, value=None)
    kind = metric.block_average or "median"
    earlier = [
        figures
        for figures in _earlier_figures(threshold.metric, baseline, step_name)
        if metric.unit == "ratio" or average_of(figures, kind) > 0
    ]
    if not earlier:
        return _result(threshold, step, baseline.lack_text, value=average_of(values, kind))
    is_share = metric.unit == "ratio"
    change = change_between(values, earlier, kind, is_share=is_share)
    advice = ""
    if len(values) * blocks.seconds < SECONDS_OF_GOOD_INTERVALS:
        advice = f"; lengthen the load (to {SECONDS_OF_GOOD_INTERVALS} s or more) for a narrower interval"
    return _judged(threshold, change, doubt, len(earlier), step, advice)


def doubt_factors(threshold: Threshold, aggregate: StepAggregate, window_seconds: float) -> Interval:
    """By which factors the true value may differ from the measured one; of a share, by which points."""
    value = METRICS[threshold.metric].read(aggregate, window_seconds).value
    is_share = METRICS[threshold.metric].unit == "ratio"
    if value is None or (not is_share and value <= 0):
        return Interval(0.0, 0.0) if is_share else Interval(1.0, 1.0)
    interval = true_value_interval(threshold.metric, aggregate, value, window_seconds)
    if is_share:
        return Interval(interval.low - value, interval.high - value)
    return Interval(interval.low / value, interval.high / value)


def _earlier_figures(metric: str, baseline: Baseline, step: str) -> Iterator[Sequence[float]]:
    for run in baseline.runs:
        blocks = run.blocks(step)
        figures = blocks.figures.get(metric, ()) if blocks is not None else ()
        if len(figures) >= FEWEST_BLOCKS:
            yield figures


def _judged(
    threshold: Threshold, change: Change, doubt: Interval, runs: int, step: str, advice: str
) -> ThresholdResult:
    """The result of a comparison. `advice` is added to the note where a change is not shown."""
    is_share = METRICS[threshold.metric].unit == "ratio"
    tolerance = (threshold.tolerance or 0.0) * (1 if threshold.is_upper else -1)

    def at(change_by: float) -> float:
        """The value after this change from the baseline."""
        return change.baseline + change_by if is_share else change.baseline * (1 + change_by)

    def with_doubt(value: float, end: float) -> float:
        return value + end if is_share else value * end

    bound = at(tolerance)
    low, high = at(change.change_range.low), at(change.change_range.high)
    mildest = low if threshold.is_upper else high
    breaches = {_is_beyond(threshold, with_doubt(mildest, end), bound) for end in (doubt.low, doubt.high)}
    least, greatest = with_doubt(low, doubt.low), with_doubt(high, doubt.high)
    return ThresholdResult(
        expression=threshold.expression,
        value=change.value,
        passed=None if len(breaches) > 1 else not breaches.pop(),
        low=max(0.0, least),
        high=None if math.isinf(greatest) else greatest,
        step=step,
        note=clip(_note(threshold, change, runs, advice, is_share=is_share), _LONGEST_NOTE),
        baseline=Comparison(
            runs=runs,
            value=change.baseline,
            low=change.baseline_range.low,
            high=change.baseline_range.high,
            bound=bound,
        ),
    )


def _is_beyond(threshold: Threshold, value: float, bound: float) -> bool:
    """Whether a value is worse than the bound, which is itself no breach."""
    return value > bound if threshold.is_upper else value < bound


def _note(threshold: Threshold, change: Change, runs: int, advice: str, *, is_share: bool) -> str:
    low, high = change.change_range
    middle = change.value - change.baseline if is_share else change.value / change.baseline - 1
    tolerance = (threshold.tolerance or 0.0) * (1 if threshold.is_upper else -1)
    texts = [_change_text(each, is_share=is_share) for each in (middle, low, high)]
    baseline = f"{metric_value_text(threshold.metric, change.baseline)} of {count_text(runs, 'earlier run')}"
    note = f"{texts[0]} against {baseline} (between {texts[1]} and {texts[2]})"
    straddles = low <= tolerance <= high
    is_worse = middle > tolerance if threshold.is_upper else middle < tolerance
    return f"{note}: not shown to be beyond the tolerance{advice}" if straddles and is_worse else note


def _change_text(change: float, *, is_share: bool) -> str:
    return f"{change * 100:+.2f} points" if is_share else f"{change:+.1%}"


def _result(threshold: Threshold, step: str, note: str, value: float | None) -> ThresholdResult:
    """A threshold that does not decide."""
    return ThresholdResult(
        expression=threshold.expression,
        value=value,
        passed=None,
        step=step,
        note=clip(note, _LONGEST_NOTE),
        baseline=Comparison(),
    )
