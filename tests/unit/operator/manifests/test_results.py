"""The ConfigMap of a run's results within its budget."""

import base64
import csv
import gzip
import io
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from random import Random
from typing import Any
from xml.etree import ElementTree as Xml

import msgspec
import pytest

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import Counts, Second, merged_counts
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import SeriesRow, each_series_row
from loadtest_operator.manifests.results import BUDGET_BYTES, REPORT_KEY, ROW_SECONDS, results
from support.operator_builders import PLAN, a_run_result

DAY_SECONDS = 24 * 3_600
NAME = "heavy-0a1b2c3d-results"


def a_second(number: int, chance: Random) -> Second:
    """A second of a large fleet, no two alike."""
    accepted = chance.randrange(1, 5_000)
    rows = 1_000 * accepted
    size = chance.randrange(190 * rows, 210 * rows)
    counts = Counts(
        due=accepted, sent=accepted, accepted=accepted, records_sent=rows, records_confirmed=rows, bytes_sent=size
    )
    return Second(
        second=number,
        counts=counts,
        virtual_users=number % 200,
        ended=accepted,
        answers=accepted,
        records_answered=rows,
        response_nanoseconds_sum=chance.randrange(accepted * 10**10),
    )


@cache
def a_run_of(seconds: int) -> tuple[Aggregate, Summary]:
    chance = Random(1)
    entries = tuple(a_second(number, chance) for number in range(seconds))
    total = merged_counts([entry.counts for entry in entries])
    return a_run_result(StepAggregate(seconds=entries, total=total, judged=total))


@cache
def results_of_a_day() -> dict[str, Any]:
    return results(PLAN, *a_run_of(DAY_SECONDS), NAME)


def size_of(manifest: dict[str, Any]) -> int:
    """What the API server counts of a ConfigMap."""
    plain = sum(len(text.encode()) for text in manifest["data"].values())
    return plain + sum(len(base64.b64decode(text)) for text in manifest.get("binaryData", {}).values())


def rows_of(manifest: dict[str, Any]) -> list[dict[str, str]]:
    text = manifest["data"].get("time_series.csv")
    if text is None:
        text = gzip.decompress(base64.b64decode(manifest["binaryData"]["time_series.csv.gz"])).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_a_short_run_is_kept_in_plain_with_every_second() -> None:
    aggregate, summary = a_run_of(60)

    made = results(PLAN, aggregate, summary, NAME)

    assert sorted(made["data"]) == ["junit.xml", "summary.json", "summary.md", "time_series.csv"]
    assert list(made["binaryData"]) == [REPORT_KEY]
    assert msgspec.json.decode(made["data"]["summary.json"], type=Summary) == summary
    assert Xml.fromstring(made["data"]["junit.xml"]).tag == "testsuites"
    assert [int(row["second"]) for row in rows_of(made)] == list(range(60))


def test_a_long_run_is_compressed_with_every_second() -> None:
    made = results(PLAN, *a_run_of(3_600), NAME)

    assert "time_series.csv" not in made["data"]
    assert [int(row["second"]) for row in rows_of(made)] == list(range(3_600))


@pytest.mark.parametrize("budget_bytes", [BUDGET_BYTES, 60_000, 10_000])
def test_a_day_fits_by_rows_of_more_seconds_and_nothing_of_it_is_missing(budget_bytes: int) -> None:
    aggregate, summary = a_run_of(DAY_SECONDS)

    made = results_of_a_day() if budget_bytes == BUDGET_BYTES else results(PLAN, aggregate, summary, NAME, budget_bytes)

    rows = rows_of(made)
    width = int(rows[0]["seconds"])
    assert size_of(made) <= budget_bytes
    assert width in ROW_SECONDS[1:]
    assert [int(row["second"]) for row in rows] == list(range(0, DAY_SECONDS, width))
    assert sum(int(row["seconds"]) for row in rows) == DAY_SECONDS
    for column in ("due", "accepted", "records_confirmed", "bytes_sent"):
        whole = sum(getattr(second.counts, column) for second in aggregate.steps[0].seconds)
        assert sum(int(row[column]) for row in rows) == whole
    assert sum(int(row["answers"]) for row in rows) == sum(second.answers for second in aggregate.steps[0].seconds)


def test_the_finest_rows_that_fit_are_taken() -> None:
    aggregate, summary = a_run_of(DAY_SECONDS)
    made = results_of_a_day()

    less = results(PLAN, aggregate, summary, NAME, size_of(made) - 1)

    assert int(rows_of(less)[0]["seconds"]) > int(rows_of(made)[0]["seconds"])


def test_of_rows_that_are_too_fine_no_more_are_made_than_the_budget_has_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: Counter[int] = Counter()

    def counted_rows(*arguments: Any) -> Iterator[SeriesRow]:
        for row in each_series_row(*arguments):
            made[arguments[-1]] += 1
            yield row

    # The package has a function of the module's name.
    monkeypatch.setattr(import_module("loadtest_operator.manifests.results"), "each_series_row", counted_rows)
    rows = rows_of(results(PLAN, *a_run_of(DAY_SECONDS), NAME, 60_000))

    *finer_widths, width = made
    assert width == int(rows[0]["seconds"]) == 60
    assert all(made[finer_width] < 5_000 for finer_width in finer_widths)


def report_in(manifest: dict[str, Any]) -> str:
    return gzip.decompress(base64.b64decode(manifest["binaryData"][REPORT_KEY])).decode()


def test_the_report_is_kept_as_compressed_html() -> None:
    aggregate, summary = a_run_of(60)

    report = report_in(results(PLAN, aggregate, summary, NAME))

    assert f"<title>{summary.verdict}: {summary.name} " in report
    assert f"{summary.records.confirmed:,}" in report


def test_the_report_of_a_day_takes_a_small_part_of_the_budget_and_covers_all_of_it() -> None:
    manifest = results_of_a_day()

    assert len(base64.b64decode(manifest["binaryData"][REPORT_KEY])) < BUDGET_BYTES / 10
    assert "Over 24h00m" in report_in(manifest)


def test_a_report_that_would_crowd_out_the_time_series_is_left_out() -> None:
    aggregate, summary = a_run_of(60)
    series_bytes = len(results(PLAN, aggregate, summary, NAME)["data"]["time_series.csv"])

    manifest = results(PLAN, aggregate, summary, NAME, size_of_texts(summary, aggregate) + series_bytes)

    assert "binaryData" not in manifest
    assert len(rows_of(manifest)) == 60


def size_of_texts(summary: Summary, aggregate: Aggregate) -> int:
    """What summary and JUnit XML take."""
    data = results(PLAN, aggregate, summary, NAME)["data"]
    return sum(len(data[name].encode()) for name in ("summary.json", "summary.md", "junit.xml"))
