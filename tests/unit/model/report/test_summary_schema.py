"""The schema of the summary is what the types say, and what a summary holds to."""

import copy
import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.report.summary import summarize
from support.builders import a_plan, a_run, a_step
from support.summary_schema import EXACT, SCHEMA


@pytest.fixture
def summary() -> Any:
    plan = a_plan(scenario="all")
    run = a_run(a_step(accepted=60, rejected=3, errors={ErrorKind.SERVER_ERROR: 3}))
    judgement = judge(Facts(plan=plan, aggregate=run))
    return json.loads(msgspec.json.encode(summarize(plan, run, judgement, None, "2026-01-01T00:00:00Z")))


def test_a_summary_fits_the_schema(summary: Any) -> None:
    EXACT.validate(summary)


def test_the_schema_itself_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


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
    wrong_summary = copy.deepcopy(summary) | {name: wrong}

    assert not EXACT.is_valid(wrong_summary)


def test_a_missing_key_and_an_unknown_one_do_not_fit(summary: Any) -> None:
    incomplete_summary = {name: value for name, value in summary.items() if name != "target"}

    assert [error.message for error in EXACT.iter_errors(incomplete_summary)] == ["'target' is a required property"]
    assert [error.validator for error in EXACT.iter_errors(summary | {"colour": "red"})] == ["additionalProperties"]
