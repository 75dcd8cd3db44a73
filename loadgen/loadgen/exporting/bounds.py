"""Thresholds as another tool can hold them: a metric of the exported script, a statistic of it, and a bound."""

from dataclasses import dataclass
from typing import Final, Literal

from loadtest_model.plan import Step
from loadtest_model.thresholds.bounds import ComparisonOperator, Threshold, parse_threshold

ExportedMetric = Literal["response_time", "failed", "uploads_accepted", "records_accepted"]
Statistic = Literal["avg", "p50", "p90", "p95", "p99", "max", "rate", "count"]

_TIMES: Final[dict[str, Statistic]] = {
    "avg": "avg",
    "p50": "p50",
    "p90": "p90",
    "p95": "p95",
    "p99": "p99",
    "max": "max",
}
_COUNTS: Final[dict[str, ExportedMetric]] = {
    "accepted": "uploads_accepted",
    "accepted_records": "records_accepted",
    "requests_per_second": "uploads_accepted",
    "records_per_second": "records_accepted",
}
_MIRROR_OPERATORS: Final[dict[ComparisonOperator, ComparisonOperator]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class NotExportableError(ValueError):
    """A part of the test that the other tool has no words for; the message names it."""


@dataclass(frozen=True, slots=True)
class ExportedBound:
    """`statistic` of `metric` must be `operator` `value`; times in milliseconds, rates as shares."""

    expression: str
    metric: ExportedMetric
    statistic: Statistic
    operator: ComparisonOperator
    value: float


def bounds_of(step: Step) -> list[ExportedBound]:
    """The step's thresholds, and that there is an accepted upload at all: no sample proves nothing.

    Raises NotExportableError for a metric that only our own generator measures.
    """
    bounds = [_bound(parse_threshold(expression), step) for expression in step.thresholds]
    return [*bounds, ExportedBound("accepted > 0", "uploads_accepted", "count", ">", 0)]


def _bound(threshold: Threshold, step: Step) -> ExportedBound:
    name, operator, bound = threshold.metric, threshold.operator, threshold.bound
    if threshold.tolerance is not None:
        raise NotExportableError(
            f"the threshold {threshold.expression!r} cannot be exported: only loadgen compares with earlier runs; leave"
            " it out, or run the test with `loadgen run`"
        )
    if name in _TIMES:
        return ExportedBound(threshold.expression, "response_time", _TIMES[name], operator, bound * 1000)
    if name == "error_rate":
        return ExportedBound(threshold.expression, "failed", "rate", operator, bound)
    if name == "success_rate":
        return ExportedBound(threshold.expression, "failed", "rate", _MIRROR_OPERATORS[operator], 1 - bound)
    if name in ("accepted", "accepted_records"):
        return ExportedBound(threshold.expression, _COUNTS[name], "count", operator, bound)
    if name in _COUNTS:
        if step.records is not None:
            raise NotExportableError(
                f"the threshold {threshold.expression!r} cannot be exported beside spec.load.records: how long the load"
                " lasts is not known beforehand"
            )
        # A count over the load's own length: the other tools divide by the whole test, its setup included.
        judged_seconds = step.duration_seconds - step.warm_up_seconds
        return ExportedBound(threshold.expression, _COUNTS[name], "count", operator, bound * judged_seconds)
    raise NotExportableError(
        f"the threshold {threshold.expression!r} cannot be exported: {name} is measured by loadgen alone;"
        " leave it out, or run the test with `loadgen run`"
    )
