"""The summary's keys are a contract; the time series is conserved row by row."""

import csv
import io

import msgspec

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.measurement.counts import Second
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
    *("service_time_seconds", "throughput", "thresholds", "steps", "generator", "target", "reason_class", "manifest"),
    *("distribution", "pods", "slowest"),
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
