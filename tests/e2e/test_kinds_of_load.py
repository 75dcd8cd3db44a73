"""Workbooks, a number of records, and arrivals at a rate: each from apply to verdict, at the same time."""

from dataclasses import dataclass
from typing import Any

import pytest

from localcluster.rest import Json
from support.loadtests import Namespace, Test

ROWS = 100
LOADS: dict[str, dict[str, Any]] = {
    "workbooks": {"load": {"batchSize": ROWS, "virtualUsers": 2, "duration": "5s"}},
    "records": {"load": {"batchSize": ROWS, "virtualUsers": 2, "records": 6 * ROWS + 42}},
    "arrivals": {"load": {"batchSize": ROWS, "virtualUsers": 20, "arrivalRate": 4, "duration": "5s"}},
}


@dataclass(frozen=True)
class Ended:
    """A test that ended, and the rows of each upload that its target answered."""

    status: Json
    uploads: list[int]

    @property
    def summary(self) -> Json:
        summary: Json = self.status["summary"]
        return summary


@pytest.fixture(scope="module")
def ended(namespace: Namespace) -> dict[str, Ended]:
    for name in LOADS:
        namespace.deploy(name, FAULT="slow", FAULT_SECONDS="0.8", FAULT_MIN_ROWS=str(ROWS), WEB_CONCURRENCY="2")
    namespace.until_available(*LOADS)
    tests = {name: _start(namespace, name) for name in LOADS}
    return {name: Ended(test.until_completed(), namespace.ledger(name)) for name, test in tests.items()}


def _start(namespace: Namespace, name: str) -> Test:
    url = f"http://{name}:8000/clients/upload/process/"
    file_format = "xlsx" if name == "workbooks" else "csv"
    return namespace.start(name, target={"url": url, "timeout": "30s", "format": file_format}, **LOADS[name])


@pytest.mark.parametrize("name", LOADS)
def test_it_passes_and_django_counted_what_the_summary_says(ended: dict[str, Ended], name: str) -> None:
    status, summary = ended[name].status, ended[name].summary

    assert status["verdict"] == "Passed", status["reasons"]
    requests, proof = summary["requests"], status["verification"]
    assert requests["due"] == requests["sent"] == requests["accepted"] > 0
    assert len(ended[name].uploads) == requests["accepted"] + proof["uploads"]
    assert sum(ended[name].uploads) == summary["records"]["confirmed"] + proof["rows"]


def test_a_number_of_records_is_sent_to_the_last_one(ended: dict[str, Ended]) -> None:
    summary = ended["records"].summary

    assert summary["records"] == {"sent": 6 * ROWS + 42, "confirmed": 6 * ROWS + 42}
    assert summary["requests"]["due"] == 7


def test_every_arrival_of_the_schedule_is_accounted_for_over_both_pods(ended: dict[str, Ended]) -> None:
    assert ended["arrivals"].summary["requests"]["due"] == 20
