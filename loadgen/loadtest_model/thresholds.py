"""Bounds on the merged measurements: parsing `p95 < 20s` and holding the aggregate against it."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from msgspec import Meta, structs

from loadtest_model.aggregate import StepAggregate
from loadtest_model.sketch import sketch_of
from loadtest_model.values import NANOSECONDS, WireValue

Unit = Literal["seconds", "ratio", "count"]
Operator = Literal["<", "<=", ">", ">="]

_EXPRESSION: Final = re.compile(r"([a-z0-9_]+) *(<=|>=|<|>) *([0-9]+(?:\.[0-9]+)?)(ms|s|m|%)?")
_FACTORS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "%": 0.01, "": 1.0}
_ALLOWED_SUFFIXES: Final[dict[Unit, tuple[str, ...]]] = {
    "seconds": ("ms", "s", "m"),
    "ratio": ("%", ""),
    "count": ("",),
}


@dataclass(frozen=True)
class Measured:
    """A value with what is to be known of it: the samples behind it and its bound on the relative error."""

    value: float | None
    samples: int
    relative_error: float = 0.0
    stands_in: bool = False


@dataclass(frozen=True)
class Metric:
    """A quantity that a threshold may bound. `read` takes a step and the length of its load in seconds."""

    unit: Unit
    description: str
    read: Callable[[StepAggregate, float], Measured]


def _quantile(quantile: float) -> Callable[[StepAggregate, float], Measured]:
    def read(step: StepAggregate, _window_seconds: float) -> Measured:
        sketch = step.response
        few = sketch.count < 1 / (1 - quantile)
        return Measured(
            sketch.max_seconds if few else sketch.quantile_seconds(quantile),
            sketch.count,
            0.0 if few else sketch.relative_error,
            stands_in=few and sketch.count > 0,
        )

    return read


def _per_second(count: Callable[[StepAggregate], int]) -> Callable[[StepAggregate, float], Measured]:
    def read(step: StepAggregate, window_seconds: float) -> Measured:
        return Measured(count(step) / window_seconds if window_seconds > 0 else None, step.judged.due)

    return read


def _counted(count: Callable[[StepAggregate], int]) -> Callable[[StepAggregate, float], Measured]:
    return lambda step, _window_seconds: Measured(float(count(step)), max(step.judged.due, 1))


def _error_rate(step: StepAggregate, _window_seconds: float) -> Measured:
    return Measured(step.judged.error_rate, step.judged.due - step.judged.cancelled)


def _success_rate(step: StepAggregate, _window_seconds: float) -> Measured:
    rate = step.judged.error_rate
    return Measured(None if rate is None else 1 - rate, step.judged.due - step.judged.cancelled)


METRICS: Final[dict[str, Metric]] = {
    "error_rate": Metric("ratio", "rejected, unknown, violating and dropped uploads over those due", _error_rate),
    "success_rate": Metric("ratio", "1 - error_rate", _success_rate),
    "avg": Metric(
        "seconds",
        "average response time",
        lambda step, _: Measured(step.response.mean_seconds, step.response.count),
    ),
    "p50": Metric("seconds", "median response time", _quantile(0.5)),
    "p90": Metric("seconds", "90th percentile of the response time", _quantile(0.9)),
    "p95": Metric("seconds", "95th percentile of the response time", _quantile(0.95)),
    "p99": Metric("seconds", "99th percentile of the response time", _quantile(0.99)),
    "max": Metric(
        "seconds",
        "longest response time",
        lambda step, _: Measured(step.response.max_seconds, step.response.count),
    ),
    "accepted": Metric("count", "accepted uploads", _counted(lambda step: step.judged.accepted)),
    "accepted_records": Metric(
        "count", "records that the target confirmed", _counted(lambda step: step.judged.records_confirmed)
    ),
    "requests_per_second": Metric(
        "count", "accepted uploads a second of load", _per_second(lambda step: step.judged.accepted)
    ),
    "records_per_second": Metric(
        "count", "confirmed records a second of load", _per_second(lambda step: step.judged.records_confirmed)
    ),
}


def expression_pattern() -> str:
    """A regular expression (RE2) that fits just the expressions that `parse_threshold` reads."""
    suffixes: dict[Unit, str] = {"seconds": "(ms|s|m)", "ratio": "%?", "count": ""}
    forms = [
        f"({'|'.join(name for name, metric in METRICS.items() if metric.unit == unit)})"
        rf" *(<=|>=|<|>) *[0-9]+([.][0-9]+)?{suffix}"
        for unit, suffix in suffixes.items()
    ]
    return f"^({'|'.join(forms)})$"


_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


@dataclass(frozen=True)
class Threshold:
    """One bound; `bound` is in seconds, a ratio, or a plain number, as the metric's unit says."""

    expression: str
    metric: str
    operator: Operator
    bound: float

    def holds(self, value: float) -> bool:
        return _COMPARE[self.operator](value, self.bound)

    @property
    def is_upper(self) -> bool:
        return self.operator in ("<", "<=")

    @property
    def is_of_time(self) -> bool:
        return METRICS[self.metric].unit == "seconds"

    @property
    def breach_is_lasting(self) -> bool:
        """Whether a breach stands whatever data is still missing: only a maximum cannot get better."""
        return self.metric == "max" and self.is_upper


class ThresholdResult(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """A threshold beside what was measured. `passed` is None where there is nothing to judge by."""

    expression: Annotated[str, Meta(max_length=64)]
    value: float | None
    passed: bool | None
    step: str = ""
    note: Annotated[str, Meta(max_length=256)] = ""


def parse_threshold(expression: str) -> Threshold:
    """The threshold an expression such as `p95 < 20s` means.

    Raises ValueError, naming the expression and what would be right.
    """
    match = _EXPRESSION.fullmatch(expression.strip())
    if match is None:
        raise ValueError(f"threshold {expression!r} is not of the form `metric < bound`, such as `p95 < 20s`")
    name, operator, number, suffix = match.group(1), match.group(2), match.group(3), match.group(4) or ""
    metric = METRICS.get(name)
    if metric is None:
        raise ValueError(f"threshold {expression!r} bounds no known metric; known are {', '.join(METRICS)}")
    if suffix not in _ALLOWED_SUFFIXES[metric.unit]:
        wanted = {
            "seconds": "a time, such as 20s or 500ms",
            "ratio": "a share, such as 1%",
            "count": "a number",
        }
        raise ValueError(f"threshold {expression!r} bounds {name} by {number}{suffix}; write {wanted[metric.unit]}")
    return Threshold(" ".join(expression.split()), name, operator, float(number) * _FACTORS[suffix])  # type: ignore[arg-type]


def evaluate(threshold: Threshold, aggregate: StepAggregate, window_seconds: float, step: str = "") -> ThresholdResult:
    """Hold a step's measurements against a threshold.

    `window_seconds` is the length of the judged load so far. While uploads are in flight, those older than an
    upper bound on a time count as at least that old, so that a target that hangs does not look perfect.
    """
    seen = aggregate
    if threshold.is_of_time and threshold.is_upper:
        overdue = [age for age in aggregate.in_flight_ages_seconds if age > threshold.bound]
        seen = _with_ages(aggregate, overdue)
    measured = METRICS[threshold.metric].read(seen, window_seconds)
    if measured.value is None or measured.samples <= 0:
        return ThresholdResult(
            expression=threshold.expression, value=None, passed=None, step=step, note="no sample to judge by"
        )
    return ThresholdResult(
        expression=threshold.expression,
        value=measured.value,
        passed=threshold.holds(measured.value),
        step=step,
        note=_note(threshold, measured),
    )


def _with_ages(aggregate: StepAggregate, ages_seconds: list[float]) -> StepAggregate:
    if not ages_seconds:
        return aggregate
    overdue = sketch_of(int(age * NANOSECONDS) for age in ages_seconds)
    return structs.replace(aggregate, response=aggregate.response.merge(overdue))


def _note(threshold: Threshold, measured: Measured) -> str:
    if measured.stands_in:
        return f"the maximum stands in: {measured.samples} samples are too few for {threshold.metric}"
    if measured.relative_error and measured.value is not None:
        margin = measured.value * measured.relative_error
        if math.fabs(measured.value - threshold.bound) <= margin:
            return f"the bound lies within the sketch's error of {measured.relative_error:.0%}"
    return ""


def parse_thresholds(expressions: tuple[str, ...]) -> tuple[Threshold, ...]:
    return tuple(parse_threshold(expression) for expression in expressions)


def evaluate_all(
    expressions: tuple[str, ...], aggregate: StepAggregate, window_seconds: float, step: str = ""
) -> tuple[ThresholdResult, ...]:
    return tuple(evaluate(threshold, aggregate, window_seconds, step) for threshold in parse_thresholds(expressions))
