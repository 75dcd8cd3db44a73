"""A plan as an Artillery test: a configuration, and the processor that does what Artillery's own steps cannot."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import yaml

from loadgen.exporting.bounds import ExportedBound, bounds_of
from loadgen.exporting.script import fill_template, script_facts
from loadtest_model.load.pacing import stagger_seconds, windows_of
from loadtest_model.plan import Plan, Step

_STATISTICS: Final = {"avg": "mean", "p50": "median"}


@dataclass(frozen=True, slots=True)
class ArtilleryTest:
    """The two files of a test: the configuration names the processor, which lies beside it."""

    configuration: str
    processor: str


def artillery_test(plan: Plan, processor_name: str) -> ArtilleryTest:
    """The files' texts. Raises NotExportableError where Artillery has no words for a part of the plan."""
    begins = list(accumulate(plan.step_span_seconds, initial=0.0))[:-1]
    users = max(step.virtual_users for step in plan.steps)
    facts = script_facts(plan)
    for step, begin in zip(plan.steps, begins, strict=True):
        facts["steps"][step.name]["beginSeconds"] = begin
    facts["windows"] = [_windows(plan, begins, user) for user in range(users)]
    configuration = {
        "config": {
            "target": plan.target.url,
            "processor": f"./{processor_name}",
            "phases": [{"name": "virtual users", "duration": 1, "arrivalCount": users}],
            "plugins": {"ensure": {}},
            "ensure": {"conditions": [_condition(step, bound) for step in plan.steps for bound in bounds_of(step)]},
        },
        "before": {"flow": [{"function": "verify"}]},
        "after": {"flow": [{"function": "cleanUp"}]},
        "scenarios": [{"name": plan.scenario, "flow": [{"function": "beUser"}]}],
    }
    note = "# A load test of an upload API, made by `loadgen export artillery`. Run it with: artillery run THIS_FILE\n"
    return ArtilleryTest(
        configuration=note + yaml.safe_dump(configuration, sort_keys=False),
        processor=fill_template("artillery.cjs", facts),
    )


def _windows(plan: Plan, begins: list[float], user: int) -> list[tuple[str, float, float]]:
    """When a user runs: steps' names with the seconds from the common start."""
    return [
        (
            step.name,
            begin + window.begin_seconds + stagger_seconds(step.segments, user),
            begin + window.end_seconds,
        )
        for step, begin in zip(plan.steps, begins, strict=True)
        for window in windows_of(step.segments, user)
    ]


def _condition(step: Step, bound: ExportedBound) -> dict[str, Any]:
    return {"expression": f"{_metric_expression(step, bound)} {bound.operator} {bound.value:.12g}"}


def _metric_expression(step: Step, bound: ExportedBound) -> str:
    match bound.metric:
        case "response_time":
            statistic = _STATISTICS.get(bound.statistic, bound.statistic)
            return f"upload_response_time.{step.name}.{statistic}"
        case "failed":
            return f"upload_failed.{step.name} / uploads.{step.name}"
        case _:
            return f"{bound.metric}.{step.name}"
