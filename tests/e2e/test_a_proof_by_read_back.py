"""Proven is what a read-back of the target's own storage shows, and a target that lies is found out."""

import pytest

from loadtest_model.report.references import resolve
from localcluster.rest import Json
from support.loadtests import STORED_ROW, Namespace, Test, ask, condition, message, reason, reasons, store_one_row

UPLOAD = "/clients/upload/process/"
COUNT = "/clients/count/"
BATCH = 500
LOAD = {"batchSize": BATCH, "virtualUsers": 2, "duration": "5s"}
FULL = {"FAULT_MIN_ROWS": str(BATCH)}


@pytest.fixture(scope="module")
def tests(namespace: Namespace) -> dict[str, Test]:
    """All tests at once: each has a target of its own, with one row in its database but for `empty`."""
    namespace.deploy_slow()
    namespace.deploy("lies", FAULT="lies", FAULT_AFTER="0", **FULL)
    namespace.deploy("lies-later", FAULT="lies", FAULT_AFTER="4", **FULL)
    namespace.deploy("empty")
    names = ("clients", "lies", "lies-later")
    namespace.until_available(*names, "empty")
    for name in names:
        store_one_row(namespace, name)
    return {name: start(namespace, name, looks_up=name == "lies-later") for name in (*names, "empty")}


def start(namespace: Namespace, name: str, *, looks_up: bool) -> Test:
    url = f"http://{name}:8000{COUNT}"
    read_back: Json = {"url": url, "countPath": "count", "settle": "1s", "timeout": "20s"}
    if looks_up:
        read_back |= {"url": f"{url}?client_id={{client_id}}", "control": {"clientId": STORED_ROW["client_id"]}}
    return namespace.start(
        name,
        target={"url": f"http://{name}:8000{UPLOAD}", "timeout": "20s"},
        load=LOAD,
        verification={"require": "Proven", "readBack": read_back},
    )


@pytest.fixture(scope="module")
def ended(tests: dict[str, Test]) -> dict[str, Json]:
    return {name: test.until_completed(180) for name, test in tests.items()}


def test_a_sound_target_is_proven(namespace: Namespace, ended: dict[str, Json]) -> None:
    status = ended["clients"]

    assert status["verdict"] == "Passed", reasons(status)
    assert status["verification"]["level"] == "Proven"
    assert (condition(status, "Verified"), reason(status, "Verified")) == ("True", "Proven")
    assert "1 row before the first upload" in message(status, "Succeeded")
    assert "1 row 1 s later" in resolve(status["verification"]["readBack"], status["message"])
    assert ask(namespace, "clients", "GET", COUNT) == (200, b'{"count": 1}')


def test_the_proof_is_told_beforehand_with_what_is_at_stake(ended: dict[str, Json]) -> None:
    assert "up to 1,000 rows (virtual users x batch size)" in message(ended["clients"], "Verified")


def test_a_target_that_lies_is_refused_before_the_load(ended: dict[str, Json]) -> None:
    status = ended["lies"]

    assert status["verdict"] == "Failed"
    assert reason(status, "Succeeded") == reason(status, "Verified") == "RecordsStored"
    assert "rose by 500: 1 before the whole batch, 501 after the verification" in reasons(status)[0]
    assert status["summary"]["requests"]["sent"] == 0


def test_a_target_that_begins_to_lie_under_load_fails_after_it(ended: dict[str, Json]) -> None:
    status = ended["lies-later"]

    assert status["verdict"] == "Failed"
    assert reason(status, "Succeeded") == "RecordsStored"
    assert reason(status, "Verified") != "Proven"
    assert "found after the last answer" in reasons(status)[0]
    assert status["summary"]["requests"]["violation"] == 0


def test_a_count_of_nothing_proves_nothing(namespace: Namespace, ended: dict[str, Json]) -> None:
    status = ended["empty"]

    assert status["verdict"] == "Failed"
    assert reason(status, "Succeeded") == "ReadBackControlFailed"
    assert "store one row" in message(status, "Verified")
    assert namespace.ledger("empty") == []


def test_the_pods_are_let_go(tests: dict[str, Test], ended: dict[str, Json]) -> None:
    assert all(status["pods"]["running"] == 0 for status in ended.values())
    assert all(tests[name].status["phase"] == "Completed" for name in ended)
