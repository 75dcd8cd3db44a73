"""The summary's keys are a contract; the time series is conserved row by row."""

import csv
import io
from collections import Counter

import msgspec
import pytest
from msgspec import structs

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.measurement.coarse_times import bucket_of, coarse_times
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import ProofLevel, VerificationReport
from loadtest_model.report.summary import Summary, summarize
from loadtest_model.report.time_series import TIME_SERIES_COLUMNS, rows_of_csv, series_rows, time_series_csv
from support.builders import a_plan, a_run, a_step, counts

PLAN = a_plan()
KEYS = [
    *("schema_version", "name", "scenario", "started_at", "duration_seconds", "verdict", "reasons", "health"),
    *(
        "diagnoses",
        "verification",
        "requests",
        "records",
        "error_rate",
        "success_rate",
        "errors",
        "response_time_seconds",
    ),
    *("service_time_seconds", "throughput", "thresholds", "steps", "generator", "target", "reason_class"),
    *("target_url", "run_id", "manifest"),
    *("distribution", "pods", "slowest", "capacity", "traits"),
]


def test_the_summary_has_the_documented_keys_and_survives_json() -> None:
    run = a_run()
    report = VerificationReport(level=ProofLevel.ACKNOWLEDGED, uploads=4, rows=1_006)

    summary = summarize(PLAN, run, judge(Facts(plan=PLAN, aggregate=run)), report, "2026-01-01T00:00:00Z")
    text = msgspec.json.encode(summary)

    assert list(msgspec.json.decode(text)) == KEYS
    assert msgspec.json.decode(text, type=Summary) == summary


def test_the_summary_counts_and_divides_by_the_load_window() -> None:
    run = a_run(a_step(accepted=60))

    summary = summarize(PLAN, run, judge(Facts(plan=PLAN, aggregate=run)), None, None)

    assert summary.requests.accepted == 60
    assert summary.records.confirmed == 60_000
    assert summary.throughput.records_per_second == 60_000 / 120
    assert summary.steps[0].load_seconds == 120


def test_the_time_series_is_read_back_from_its_csv() -> None:
    seconds = (
        Second(second=0, counts=counts(accepted=3), virtual_users=1),
        Second(second=1, counts=counts(), virtual_users=1, answers=3, response_nanoseconds_sum=6_000_000_000),
    )
    rows = series_rows(PLAN, a_run(a_step(seconds=seconds)), "2026-01-01T00:00:59.500Z")

    assert rows_of_csv(time_series_csv(rows)) == rows
    assert rows[1].time == "2026-01-01T00:01:00.500Z"
    assert (rows[0].avg_response_seconds, rows[1].avg_response_seconds) == (None, 2.0)


def times_of(*milliseconds: int) -> tuple[int, ...]:
    return coarse_times(Counter(bucket_of(each * 1_000_000) for each in milliseconds))


def test_the_percentile_and_the_errors_of_a_row_are_those_of_all_its_seconds() -> None:
    seconds = (
        Second(
            second=0,
            counts=counts(),
            virtual_users=1,
            answers=19,
            errors={ErrorKind.TIMEOUT: 2},
            answer_times=times_of(*[100] * 19),
        ),
        Second(
            second=1,
            counts=counts(),
            virtual_users=1,
            answers=2,
            errors={ErrorKind.TIMEOUT: 1, ErrorKind.SERVER_ERROR: 3},
            answer_times=times_of(5_000, 9_000),
        ),
    )
    run = a_run(a_step(seconds=seconds))

    first, second = series_rows(PLAN, run, None)
    (both,) = series_rows(PLAN, run, None, row_seconds=2)

    assert first.p95_response_seconds == pytest.approx(0.1, rel=0.04)
    assert second.p95_response_seconds == pytest.approx(9.0, rel=0.04)
    assert both.p95_response_seconds == pytest.approx(5.0, rel=0.04)
    assert (first.errors, second.errors, both.errors) == (
        "timeout=2",
        "server_error=3 timeout=1",
        "server_error=3 timeout=3",
    )
    assert rows_of_csv(time_series_csv([both])) == (
        structs.replace(both, p95_response_seconds=round(both.p95_response_seconds or 0, 6)),
    )


@pytest.mark.parametrize("milliseconds", range(150, 175))
def test_the_percentile_of_a_second_is_never_above_the_slowest_answer_of_its_step(milliseconds: int) -> None:
    second = Second(second=0, counts=counts(), virtual_users=1, answers=20, answer_times=times_of(*[milliseconds] * 20))
    step = a_step(seconds=(second,), seconds_each=milliseconds / 1_000)

    (row,) = series_rows(PLAN, a_run(step), None)

    assert row.p95_response_seconds is not None
    assert row.p95_response_seconds <= milliseconds / 1_000


def test_a_second_that_a_pod_of_an_older_version_does_not_tell_whole_has_no_percentile() -> None:
    second = Second(second=0, counts=counts(), virtual_users=1, answers=3, answer_times=times_of(100, 200))

    (row,) = series_rows(PLAN, a_run(a_step(seconds=(second,))), None)

    assert row.p95_response_seconds is None


def test_each_step_of_a_series_begins_when_it_began() -> None:
    plan = a_plan(scenario="all")
    second = Second(second=2, counts=counts(), virtual_users=1)
    started = "2026-01-01T00:00:00.250Z"
    early = a_run(
        structs.replace(a_step(seconds=(second,)), start_seconds=0.0),
        structs.replace(a_step(seconds=(second,)), start_seconds=7.5),
    )
    untold = a_run(a_step(seconds=(second,)), a_step(seconds=(second,)))

    assert [row.time for row in series_rows(plan, early, started)] == [
        "2026-01-01T00:00:02.250Z",
        "2026-01-01T00:00:09.750Z",
    ]
    # The pods of a fleet begin a step when the longest drain of the one before is over.
    span = plan.steps[0].duration_seconds + plan.steps[0].graceful_stop_seconds
    assert series_rows(plan, untold, started)[1].time == f"2026-01-01T00:0{int(span // 60)}:02.250Z"


def test_every_row_of_the_time_series_is_conserved() -> None:
    seconds = tuple(
        Second(second=n, counts=counts(accepted=3, rejected=1, dropped=2), virtual_users=1, answers=4) for n in range(3)
    )

    rows = list(csv.DictReader(io.StringIO(time_series_csv(series_rows(PLAN, a_run(a_step(seconds=seconds)), None)))))

    assert tuple(rows[0]) == TIME_SERIES_COLUMNS
    assert [row["second"] for row in rows] == ["0", "1", "2"]
    for row in rows:
        assert int(row["due"]) == int(row["sent"]) + int(row["dropped"])
        assert int(row["sent"]) == sum(int(row[name]) for name in ("accepted", "rejected", "unknown", "violation"))
