"""Bounds on the merged measurements: parsing `p95 < 20s` and holding the aggregate against it."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Final, Literal

from msgspec import Meta, structs

from loadtest_model.load.scenarios import STEP_NAMES
from loadtest_model.measurement.sketch import RELATIVE_ERROR, sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.quantities import count_text
from loadtest_model.suggestions import suggestion
from loadtest_model.thresholds.comparison import Comparison
from loadtest_model.thresholds.doubt import Interval, true_value_interval
from loadtest_model.thresholds.measured_values import Measurement
from loadtest_model.thresholds.metrics import METRICS, Unit
from loadtest_model.thresholds.mistakes import COMPARABLE, LOWER_ON_BASELINE, TOLERANCE_PATTERN
from loadtest_model.values import NANOSECONDS, WireValue

ComparisonOperator = Literal["<", "<=", ">", ">="]

COMPARISON_PENDING: Final = "it is compared with earlier runs when it is over"
COARSE: Final = "last words had no room for finer percentiles: known only within"
_EXPRESSION: Final = re.compile(
    r"(?:([a-z]+)\.)?([a-z0-9_]+) *(<=|>=|<|>) *(baseline *[+-])? *([0-9]+(?:\.[0-9]+)?)(ms|s|m|%)?"
)
_FACTORS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "%": 0.01, "": 1.0}
_ALLOWED_SUFFIXES: Final[dict[Unit, tuple[str, ...]]] = {
    "seconds": ("ms", "s", "m"),
    "ratio": ("%", ""),
    "count": ("",),
}


_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


@dataclass(frozen=True)
class Threshold:
    """One bound; `bound` is in seconds, a ratio, or a plain number, as the metric's unit says.

    `step` names the one step that it holds for; empty, it holds for each. A bound on the baseline has a `tolerance`: by
    which share a value may differ from that of earlier runs towards the worse, of a ratio by how many points. Its
    `bound` is not a number.
    """

    expression: str
    metric: str
    operator: ComparisonOperator
    bound: float
    step: str = ""
    tolerance: float | None = None

    def holds(self, value: float) -> bool:
        return _COMPARISONS[self.operator](value, self.bound)

    def verdict_over(self, interval: Interval) -> bool | None:
        """Whether the threshold holds at both ends of an interval; None if only at one."""
        outcomes = {self.holds(interval.low), self.holds(interval.high)}
        return None if len(outcomes) > 1 else outcomes.pop()

    @property
    def is_upper(self) -> bool:
        return self.operator in ("<", "<=")

    @property
    def is_of_time(self) -> bool:
        return METRICS[self.metric].unit == "seconds"

    @property
    def breach_is_lasting(self) -> bool:
        """Whether a breach stands whatever data is still missing: what only grows stays above its bound."""
        return METRICS[self.metric].only_grows and self.is_upper

    @property
    def waits_for_the_end(self) -> bool:
        """Whether only the end can tell that it is breached: what only grows may still reach its bound."""
        return METRICS[self.metric].only_grows and not self.is_upper


class ThresholdResult(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """A threshold beside what was measured.

    The true value lies between `low` and `high`, which our own side may differ from the measured one by; a `high` of
    None beside a value has no bound. `passed` is None if there is nothing to judge by, or if the threshold is in
    doubt: it holds at one end of the interval and not at the other. `censored` counts the uploads that the test cut, if
    it is in doubt only because of what might have become of them. `baseline` is what it was compared with, of a bound
    on the baseline; then the interval is also that of chance, and `passed` is None if there was no run to compare with.
    """

    expression: Annotated[str, Meta(max_length=64)]
    value: float | None
    passed: bool | None
    low: float | None = None
    high: float | None = None
    step: str = ""
    note: Annotated[str, Meta(max_length=256)] = ""
    censored: int = 0
    baseline: Comparison | None = None

    @property
    def is_in_doubt(self) -> bool:
        return self.passed is None and self.value is not None and not self.lacks_comparison

    @property
    def lacks_comparison(self) -> bool:
        """Whether it is a bound on the baseline and nothing was compared, so that it decides nothing."""
        return self.baseline is not None and not self.baseline.runs


# The same few expressions are read again at each turn of the operator.
@lru_cache(maxsize=1024)
def parse_threshold(expression: str) -> Threshold:
    """The threshold an expression such as `p95 < 20s` means.

    Raises ValueError, naming the expression and what would be right.
    """
    match = _EXPRESSION.fullmatch(expression.strip())
    if match is None:
        raise ValueError(f"threshold {expression!r} is not of the form `metric < bound`, such as `p95 < 20s`")
    step, name, operator, baseline, number, suffix = (group or "" for group in match.groups())
    if step and step not in STEP_NAMES:
        raise ValueError(f"threshold {expression!r} names no step; a step is one of {', '.join(STEP_NAMES)}")
    metric = METRICS.get(name)
    if metric is None:
        raise ValueError(f"threshold {expression!r} bounds no known metric; {suggestion(name, METRICS)}")
    if baseline:
        return _threshold_on_baseline(expression, step, name, operator, float(number) / 100)
    if suffix not in _ALLOWED_SUFFIXES[metric.unit]:
        expected_forms = {
            "seconds": "a time, such as 20s or 500ms",
            "ratio": "a share, such as 1%",
            "count": "a number",
        }
        mistake = "" if suffix else ": the unit is missing"
        raise ValueError(
            f"threshold {expression!r} bounds {name} by {number}{suffix}{mistake}; write {expected_forms[metric.unit]}"
        )
    bound = float(number) * _FACTORS[suffix]
    return Threshold(" ".join(expression.split()), name, operator, bound, step)  # type: ignore[arg-type]


def _threshold_on_baseline(expression: str, step: str, name: str, operator: str, tolerance: float) -> Threshold:
    """A bound on the baseline. Raises ValueError for one that cannot be meant."""
    text = " ".join(expression.split())
    if name not in COMPARABLE:
        raise ValueError(f"threshold {expression!r} compares {name}; runs are compared by {', '.join(COMPARABLE)}")
    if re.search(TOLERANCE_PATTERN, text) is None:
        sign = "> baseline - 10%" if name in LOWER_ON_BASELINE else "< baseline + 10%"
        raise ValueError(f"threshold {expression!r} has no tolerance towards the worse; write {name} {sign}")
    return Threshold(text, name, operator, math.nan, step, tolerance)  # type: ignore[arg-type]


def evaluate(threshold: Threshold, aggregate: StepAggregate, window_seconds: float, step: str = "") -> ThresholdResult:
    """Hold a step's measurements against a threshold.

    `window_seconds` is the length of the judged load so far. While uploads are in flight, those older than an
    upper bound on a time count as at least that old, so that a target that hangs does not look perfect.
    """
    if threshold.tolerance is not None:
        value = METRICS[threshold.metric].read(aggregate, window_seconds).value
        return ThresholdResult(
            expression=threshold.expression,
            value=value,
            passed=None,
            step=step,
            note=COMPARISON_PENDING,
            baseline=Comparison(),
        )
    with_overdue = aggregate
    if METRICS[threshold.metric].counts_in_flight and threshold.is_upper:
        overdue = [age for age in aggregate.in_flight_ages_seconds if age > threshold.bound]
        with_overdue = _with_overdue_uploads(aggregate, overdue)
    measurement = METRICS[threshold.metric].read(with_overdue, window_seconds)
    if measurement.value is None or measurement.samples <= 0:
        return ThresholdResult(
            expression=threshold.expression, value=None, passed=None, step=step, note="no sample to judge by"
        )
    read_interval = partial(true_value_interval, threshold.metric, with_overdue, measurement.value, window_seconds)
    true_value, without_cuts = (
        _blurred(interval, measurement) for interval in (read_interval(), read_interval(with_cut_uploads=False))
    )
    passed, passed_without_cuts = threshold.verdict_over(true_value), threshold.verdict_over(without_cuts)
    is_lower_bound = math.isinf(true_value.high) and not math.isinf(without_cuts.high)
    cut_uploads = _cut_uploads(threshold, with_overdue)
    return ThresholdResult(
        expression=threshold.expression,
        value=measurement.value,
        passed=passed,
        low=true_value.low,
        high=None if math.isinf(true_value.high) else true_value.high,
        step=step,
        note=_note(threshold, measurement, cut_uploads if is_lower_bound else 0),
        censored=cut_uploads if passed is None and passed_without_cuts is not None else 0,
    )


def _blurred(interval: Interval, measurement: Measurement) -> Interval:
    """The interval with the error of a sketch that a last word had no room to keep as fine as it was."""
    error = measurement.relative_error
    return Interval(interval.low * (1 - error), interval.high * (1 + error)) if is_coarse(measurement) else interval


def is_coarse(measurement: Measurement) -> bool:
    return measurement.relative_error > 2 * RELATIVE_ERROR


def _cut_uploads(threshold: Threshold, aggregate: StepAggregate) -> int:
    """How many of the uploads behind a metric the test cut."""
    counts_failures = METRICS[threshold.metric].counts_failures
    return aggregate.judged.cancelled if counts_failures else aggregate.censored.response.count


def _with_overdue_uploads(aggregate: StepAggregate, ages_seconds: list[float]) -> StepAggregate:
    if not ages_seconds:
        return aggregate
    overdue = sketch_of(int(age * NANOSECONDS) for age in ages_seconds)
    # No age has our own part in it.
    own = structs.replace(aggregate.own, response_without=aggregate.own.response_without.merge(overdue))
    return structs.replace(aggregate, response=aggregate.response.merge(overdue), own=own)


def _note(threshold: Threshold, measurement: Measurement, cut_uploads: int) -> str:
    """A remark on the value; `cut_uploads` is not 0 if their age makes it a lower bound."""
    if cut_uploads:
        end = "was cut before it ended" if cut_uploads == 1 else "were cut before they ended"
        return f"at least this: {count_text(cut_uploads, 'upload')} of {measurement.samples} {end}"
    if measurement.is_stand_in:
        return f"the maximum stands in: too few uploads for {threshold.metric} ({measurement.samples})"
    if is_coarse(measurement):
        return f"{COARSE} {measurement.relative_error:.0%}"
    if measurement.relative_error and measurement.value is not None:
        margin = measurement.value * measurement.relative_error
        if math.fabs(measurement.value - threshold.bound) <= margin:
            return f"the bound lies within the sketch's error of {measurement.relative_error:.0%}"
    return ""


def parse_thresholds(expressions: Iterable[str]) -> tuple[Threshold, ...]:
    return tuple(parse_threshold(expression) for expression in expressions)


def evaluate_all(
    expressions: tuple[str, ...], aggregate: StepAggregate, window_seconds: float, step: str = ""
) -> tuple[ThresholdResult, ...]:
    return tuple(evaluate(threshold, aggregate, window_seconds, step) for threshold in parse_thresholds(expressions))
