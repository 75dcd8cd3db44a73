"""Which earlier runs a run is compared with, and why others are left out."""

from typing import Any

import msgspec
import pytest

from loadtest_model.baseline.blocks import StepBlocks
from loadtest_model.baseline.earlier_runs import RunOnRecord, StepOnRecord, baseline_of, names_baseline
from loadtest_model.baseline.traits import traits_of
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.plan import Plan
from loadtest_model.report.summary import summarize, with_blocks
from support.builders import a_plan, a_run

LOAD = {"batchSize": 1_000, "virtualUsers": 2, "duration": "60s"}


def a_compared_plan(**fields: Any) -> Plan:
    return a_plan(**{"scenario": "custom", "load": LOAD, "thresholds": ["p95 < baseline + 10%"], **fields})


PLAN = a_compared_plan()


def on_record(run_id: str, plan: Plan = PLAN, **fields: Any) -> RunOnRecord:
    run = RunOnRecord(
        name="heavy",
        verdict="Passed",
        started_at=f"2026-01-{int(run_id):02}T00:00:00Z",
        run_id=run_id,
        traits=traits_of(plan),
        steps=(StepOnRecord(name="custom", blocks=StepBlocks()),),
    )
    return msgspec.structs.replace(run, **fields)


def test_the_last_five_passed_runs_are_the_baseline_whatever_their_order() -> None:
    runs = [on_record(str(number)) for number in (3, 1, 7, 2, 6, 4)]
    failed = on_record("8", verdict="Failed")

    baseline = baseline_of(PLAN, [*runs, failed])

    assert [run.run_id for run in baseline.runs] == ["7", "6", "4", "3", "2"]
    assert baseline.exclusion == ""


def test_the_spec_says_how_many_runs_are_compared() -> None:
    plan = a_compared_plan(baseline={"runs": 2})

    assert len(baseline_of(plan, [on_record(str(number)) for number in range(1, 6)]).runs) == 2


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ({"load": {**LOAD, "batchSize": 500}}, "batch size was 500 and is 1,000"),
        ({"load": {**LOAD, "virtualUsers": 3}}, "virtual users was 3 for 60 s and is 2 for 60 s"),
        ({"load": {**LOAD, "warmUp": "5s"}}, "warm-up was 5 s and is 0 s"),
        ({"target": {"url": "http://other.shop.svc/"}}, "target was http://other.shop.svc/ and is http://clients"),
        (
            {"target": {"url": "http://clients.shop.svc:8000/clients/upload/process/", "format": "xlsx"}},
            "format was xlsx",
        ),
        ({"verification": {"require": "Echoed"}}, "required proof was Echoed and is Acknowledged"),
        ({"records": {"dialect": {"delimiter": ";"}}}, "the columns of the records or the form of the files differ"),
        ({"load": {"batchSize": 1_000, "arrivalRate": 5, "duration": "60s"}}, "virtual users was none"),
    ],
)
def test_a_run_of_an_unlike_plan_is_not_compared_and_the_field_is_named(
    fields: dict[str, Any], difference: str
) -> None:
    baseline = baseline_of(PLAN, [on_record("4", a_compared_plan(**fields))])

    assert baseline.runs == ()
    assert baseline.exclusion.startswith(f"of run 4, {difference}")
    assert baseline.lack_text.startswith("no run to compare with: of run 4")


@pytest.mark.parametrize(
    "fields",
    [
        {"runId": "another"},
        {"thresholds": ["p95 < 20s"]},
        {"records": {"seed": 7}},
        {"parallelism": 2},
        {"results": {"keep": 9}},
    ],
)
def test_what_the_target_does_not_see_makes_no_plan_unlike(fields: dict[str, Any]) -> None:
    assert traits_of(a_compared_plan(**fields)) == traits_of(PLAN)


def test_a_run_that_an_earlier_version_wrote_is_left_out_with_the_reason() -> None:
    baseline = baseline_of(PLAN, [on_record("1", traits={}), on_record("2", steps=(StepOnRecord(name="custom"),))])

    assert baseline.runs == ()
    assert baseline.exclusion.startswith("run 2 has no figures by blocks on record")
    assert baseline.exclusion.endswith("(1 older run cannot be compared either)")


def test_a_run_is_read_from_the_summary_that_was_written_of_it() -> None:
    run = a_run()
    summary = summarize(PLAN, run, judge(Facts(plan=PLAN, aggregate=run)), None, "2026-01-01T00:00:00Z")

    read = msgspec.json.decode(msgspec.json.encode(with_blocks(summary, PLAN, run)), type=RunOnRecord)

    assert (read.verdict, read.run_id, read.traits) == (str(summary.verdict), "1", traits_of(PLAN))
    assert read.has_blocks
    assert not msgspec.json.decode(msgspec.json.encode(summary), type=RunOnRecord).has_blocks


def test_only_a_plan_with_a_bound_on_the_baseline_compares() -> None:
    assert names_baseline(PLAN)
    assert not names_baseline(a_plan())
