"""Errors fail a test by their rate, or end it early; a lost promise halts the fleet, and one not asked for is told."""

import pytest

from localcluster.rest import Json
from support.loadtests import Namespace, Test, reason, reasons

LOAD = {"batchSize": 200, "virtualUsers": 4, "duration": "6s"}
LONG = {"batchSize": 200, "virtualUsers": 4, "duration": "120s"}
AFTER = 25


@pytest.fixture(scope="module")
def tests(namespace: Namespace) -> dict[str, Test]:
    for name in ("errors", "aborted"):
        namespace.deploy(name, FAULT="some-errors", FAULT_EVERY="4")
    namespace.deploy("loses", FAULT="loses-marker", FAULT_AFTER=str(AFTER))
    for name in ("forgets", "mumbles"):
        namespace.deploy(name, FAULT="loses-nonce", FAULT_AFTER=str(AFTER))
    namespace.until_available("errors", "aborted", "loses", "forgets", "mumbles")
    loads = {"errors": LOAD, "aborted": LONG, "loses": LONG, "forgets": LONG, "mumbles": LOAD}
    return {
        name: namespace.start(
            name,
            target={"url": f"http://{name}:8000/clients/upload/process/", "timeout": "20s"},
            load=load,
            verification={"require": "Echoed" if name == "forgets" else "Acknowledged"},
            **({"abort": {"thresholds": ["error_rate < 1%"], "after": "2s"}} if name == "aborted" else {}),
        )
        for name, load in loads.items()
    }


@pytest.fixture(scope="module")
def ended(tests: dict[str, Test]) -> dict[str, Json]:
    return {name: test.until_completed(60) for name, test in tests.items()}


def test_500_and_503_fail_the_test_by_its_error_rate(ended: dict[str, Json]) -> None:
    status = ended["errors"]

    assert status["verdict"] == "Failed"
    assert reason(status, "Succeeded") == "ThresholdBreached"
    assert status["thresholds"][0]["expression"] == "error_rate < 1%"
    assert 0.15 < status["thresholds"][0]["value"] < 0.35


def test_errors_do_not_halt_the_load(tests: dict[str, Test], ended: dict[str, Json]) -> None:
    # The status may have to leave the steps out; the results never do.
    summary = tests["errors"].results(ended["errors"])

    assert summary["steps"][0]["load_seconds"] == 6.0
    assert summary["requests"]["violation"] == 0
    assert summary["errors"]["server_error"] == summary["requests"]["rejected"] > 3


def test_a_bound_that_aborts_ends_the_load_early_and_fails_the_test(ended: dict[str, Json]) -> None:
    status = ended["aborted"]

    assert (status["verdict"], reason(status, "Running")) == ("Failed", "Aborted")
    assert status["summary"]["durationSeconds"] < 60


def test_a_lost_marker_is_a_violation_that_halts_both_pods(tests: dict[str, Test], ended: dict[str, Json]) -> None:
    status = ended["loses"]

    assert status["verdict"] == "Failed"
    assert reason(status, "Succeeded") == "Violation"
    assert status["summary"]["requests"]["violation"] >= 1
    assert status["summary"]["durationSeconds"] < 60
    assert status["pods"]["running"] == 0


def test_after_the_violation_almost_nothing_was_stored(namespace: Namespace, ended: dict[str, Json]) -> None:
    status = ended["loses"]
    stored = namespace.ledger("loses", load_test=False)

    assert 0 < sum(stored) <= status["plan"]["exposedRows"]


def test_the_violation_names_what_was_answered_and_where(namespace: Namespace, ended: dict[str, Json]) -> None:
    (first, *_) = reasons(ended["loses"])

    assert "load_test_mode" in first
    assert any(pod["status"]["podIP"] in first for pod in namespace.pods("loses"))


def test_a_lost_nonce_is_a_violation_that_halts_both_pods_where_it_is_required(ended: dict[str, Json]) -> None:
    status = ended["forgets"]

    assert status["verdict"] == "Failed"
    assert reason(status, "Succeeded") == "Violation"
    assert "load_test_nonce is absent" in reasons(status)[0]
    assert status["summary"]["durationSeconds"] < 60


def test_a_lost_nonce_that_was_not_required_lowers_the_level_of_the_run(ended: dict[str, Json]) -> None:
    status = ended["mumbles"]

    assert status["verification"]["level"] == "Acknowledged"
    assert status["verification"]["unechoed"] > 0
    assert status["summary"]["requests"]["violation"] == 0
    assert reason(status, "Verified") == "Acknowledged"
