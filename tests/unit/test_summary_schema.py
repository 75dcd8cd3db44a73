"""The schema of the summary is what the types say, and what a summary holds to."""

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from builders import a_plan, a_run, a_step
from json_schema import problems
from loadtest_model.outcomes import ErrorKind
from loadtest_model.report import summarize
from loadtest_model.verdict import Facts, judge

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "summary.schema.json").read_text())


@pytest.fixture
def summary() -> Any:
    plan = a_plan(scenario="all")
    run = a_run(a_step(accepted=60, rejected=3, errors={ErrorKind.SERVER_ERROR: 3}))
    judgement = judge(Facts(plan=plan, aggregate=run))
    return json.loads(msgspec.json.encode(summarize(plan, run, judgement, None, "2026-01-01T00:00:00Z")))


def test_a_summary_fits_the_schema(summary: Any) -> None:
    assert problems(SCHEMA, summary) == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("verdict", "Maybe"),
        ("duration_seconds", "10 s"),
        ("requests", {"due": 1}),
        ("reasons", "none"),
        ("schema_version", 2),
        ("steps", [{}]),
    ],
)
def test_a_wrong_value_does_not_fit(summary: Any, name: str, wrong: object) -> None:
    changed = copy.deepcopy(summary) | {name: wrong}

    assert problems(SCHEMA, changed)


def test_a_missing_key_and_an_unknown_one_do_not_fit(summary: Any) -> None:
    without = {name: value for name, value in summary.items() if name != "target"}

    assert problems(SCHEMA, without) == ["$ has no target"]
    assert problems(SCHEMA, summary | {"colour": "red"}) == ["$ has colour, which is not described"]
