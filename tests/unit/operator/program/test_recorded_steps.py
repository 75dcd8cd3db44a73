"""An operator that comes back shows the metrics of ended tests from their statuses, those of version 0.1.0 included."""

from dataclasses import replace
from typing import Any

from loadtest_operator.program.run_views import recorded_view
from support.operator_builders import a_new_observation

Json = dict[str, Any]
COUNTS: Json = {
    "requests": {"due": 3, "sent": 3, "accepted": 2, "rejected": 1, "unknown": 0, "violation": 0, "dropped": 0},
    "records": {"sent": 30, "confirmed": 20},
    "errors": {"server_error": 1},
}


def accepted_by_step(status: Json) -> dict[str, int]:
    observation = a_new_observation()
    observation = replace(observation, test=replace(observation.test, status=status))
    return {step.name: step.total.accepted for step in recorded_view(observation).steps}


def test_the_only_step_has_the_figures_of_the_run() -> None:
    assert accepted_by_step({"summary": COUNTS, "progress": {"step": "light"}}) == {"light": 2}


def test_each_of_several_steps_has_its_own() -> None:
    steps = [{"name": "light", **COUNTS}, {"name": "medium", **COUNTS}]

    assert accepted_by_step({"summary": COUNTS, "steps": steps}) == {"light": 2, "medium": 2}


def test_version_0_1_0_kept_the_steps_in_the_summary() -> None:
    old = {"summary": {**COUNTS, "steps": [{"name": "light", **COUNTS}]}, "steps": [{"name": "light"}]}

    assert accepted_by_step(old) == {"light": 2}
