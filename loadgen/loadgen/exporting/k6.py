"""A plan as a k6 script: closed model, stages, several steps, thresholds and the same checks of every answer."""

from typing import Any, Final

from loadgen.exporting.bounds import ExportedBound, ExportedMetric, bounds_of
from loadgen.exporting.script import fill_template, script_facts
from loadtest_model.load.arrivals import expected_arrivals
from loadtest_model.plan import Plan, Step

_METRICS: Final[dict[ExportedMetric, str]] = {
    "response_time": "upload_response_time",
    "failed": "upload_failed",
    "uploads_accepted": "uploads_accepted",
    "records_accepted": "records_accepted",
}
_RATE_UNIT_SECONDS: Final = 1000.0
"""Rates are whole numbers to k6, so they are given for so long a time."""

_QUANTILES: Final = {"p50": "med", "p90": "p(90)", "p95": "p(95)", "p99": "p(99)"}


def k6_script(plan: Plan) -> str:
    """The script's text. Raises NotExportableError where k6 has no words for a part of the plan."""
    begins = [sum(plan.step_span_seconds[:number]) for number in range(len(plan.steps))]
    facts = script_facts(plan) | {
        "scenarios": {step.name: _scenario(step, begin) for step, begin in zip(plan.steps, begins, strict=True)},
        "thresholds": {
            selector: conditions for step in plan.steps for selector, conditions in _thresholds(step).items()
        },
    }
    return fill_template("k6.js", facts)


def _scenario(step: Step, begin_seconds: float) -> dict[str, Any]:
    common = {"startTime": _duration(begin_seconds), "gracefulStop": _duration(step.graceful_stop_seconds)}
    if step.records is not None:
        return common | {
            "executor": "shared-iterations",
            "vus": step.virtual_users,
            "iterations": step.uploads,
            "maxDuration": _duration(step.duration_seconds),
        }
    if step.arrivals is not None:
        levels = [
            (rate.duration_seconds, _per_rate_unit(rate.first_per_second), _per_rate_unit(rate.last_per_second))
            for rate in step.arrivals.rates
        ]
        return common | {
            "executor": "ramping-arrival-rate",
            "timeUnit": _duration(_RATE_UNIT_SECONDS),
            "startRate": levels[0][1],
            "stages": _stages(levels),
            "preAllocatedVUs": step.virtual_users,
            "maxVUs": step.virtual_users,
        }
    levels = [(segment.duration_seconds, segment.first_users, segment.last_users) for segment in step.segments]
    return common | {
        "executor": "ramping-vus",
        "startVUs": levels[0][1],
        "stages": _stages(levels),
        "gracefulRampDown": _duration(step.graceful_stop_seconds),
    }


def _stages(levels: list[tuple[float, int, int]]) -> list[dict[str, Any]]:
    """Stages of (seconds, first level, last level). k6 ramps from level to level; one of 0 s is a jump."""
    stages = []
    level = levels[0][1]
    for duration_seconds, first, last in levels:
        if first != level:
            stages.append({"duration": "0s", "target": first})
        stages.append({"duration": _duration(duration_seconds), "target": last})
        level = last
    return stages


def _per_rate_unit(per_second: float) -> int:
    return round(per_second * _RATE_UNIT_SECONDS)


def _thresholds(step: Step) -> dict[str, list[str]]:
    conditions: dict[str, list[str]] = {}
    for bound in bounds_of(step):
        selector = f"{_METRICS[bound.metric]}{{step:{step.name},judged:yes}}"
        conditions.setdefault(selector, []).append(_condition(bound))
    errors = [bound for bound in bounds_of(step) if bound.metric == "failed"]
    if step.arrivals is not None and errors:
        # k6 drops an arrival that finds no free user at once, and counts it apart from its failures.
        max_dropped = errors[0].value * expected_arrivals(step.arrivals.rates)
        conditions[f"dropped_iterations{{scenario:{step.name}}}"] = [f"count <= {max_dropped:.12g}"]
    return conditions


def _condition(bound: ExportedBound) -> str:
    statistic = _QUANTILES.get(bound.statistic, bound.statistic)
    return f"{statistic} {bound.operator} {bound.value:.12g}"


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
