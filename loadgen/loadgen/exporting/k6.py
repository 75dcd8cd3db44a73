"""A plan as a k6 script: closed model, stages, several steps, thresholds and the same checks of every answer."""

from typing import Any, Final

from loadgen.exporting.bounds import Bound, Metric, bounds_of
from loadgen.exporting.script import filled, script_facts
from loadtest_model.pacing import Segment
from loadtest_model.plan import Plan, Step

_METRICS: Final[dict[Metric, str]] = {
    "response_time": "upload_response_time",
    "failed": "upload_failed",
    "uploads_accepted": "uploads_accepted",
    "records_accepted": "records_accepted",
}
_QUANTILES: Final = {"p50": "med", "p90": "p(90)", "p95": "p(95)", "p99": "p(99)"}


def k6_script(plan: Plan) -> str:
    """The script's text. Raises NotExportableError where k6 has no words for a part of the plan."""
    begins = [sum(plan.step_span_seconds[:number]) for number in range(len(plan.steps))]
    facts = script_facts(plan) | {
        "scenarios": {
            step.name: _scenario(step, begin, plan.target.timeout_seconds)
            for step, begin in zip(plan.steps, begins, strict=True)
        },
        "thresholds": {
            selector: conditions for step in plan.steps for selector, conditions in _thresholds(step).items()
        },
    }
    return filled("k6.js", facts)


def _scenario(step: Step, begin_seconds: float, timeout_seconds: float) -> dict[str, Any]:
    return {
        "executor": "ramping-vus",
        "startTime": _duration(begin_seconds),
        "startVUs": step.segments[0].first_users,
        "stages": _stages(step.segments),
        "gracefulRampDown": _duration(timeout_seconds),
        "gracefulStop": _duration(timeout_seconds),
    }


def _stages(segments: tuple[Segment, ...]) -> list[dict[str, Any]]:
    """k6 ramps from level to level; a plateau is a jump to its level and a stage that stays there."""
    stages = []
    level = segments[0].first_users
    for segment in segments:
        if segment.first_users != level:
            stages.append({"duration": "0s", "target": segment.first_users})
        stages.append({"duration": _duration(segment.duration_seconds), "target": segment.last_users})
        level = segment.last_users
    return stages


def _thresholds(step: Step) -> dict[str, list[str]]:
    conditions: dict[str, list[str]] = {}
    for bound in bounds_of(step):
        selector = f"{_METRICS[bound.metric]}{{step:{step.name},judged:yes}}"
        conditions.setdefault(selector, []).append(_condition(bound))
    return conditions


def _condition(bound: Bound) -> str:
    statistic = _QUANTILES.get(bound.statistic, bound.statistic)
    return f"{statistic} {bound.operator} {bound.value:.12g}"


def _duration(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
