"""What the chart gives to monitoring, in the types that its consumers publish: no unknown field, no wrong type."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from peers import PeerMissingError, decoding_error, monitoring_types
from support.chart_variants import MONITORED
from support.dashboard import DASHBOARD
from support.manifest_tools import Json, chart_objects, only_object

# The program that knows the types is built the first time.
pytestmark = pytest.mark.timeout(900)

Change = Callable[[Json], Any]


@pytest.fixture(scope="module", autouse=True)
def _types() -> None:
    try:
        monitoring_types()
    except PeerMissingError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("variant", MONITORED)
def test_the_prometheus_operators_types_hold_what_the_chart_makes(variant: str) -> None:
    objects = [each for each in chart_objects(MONITORED[variant]) if each["apiVersion"] == "monitoring.coreos.com/v1"]

    assert len(objects) == 2
    assert {each["kind"]: decoding_error(each["kind"], json.dumps(each)) for each in objects} == {
        each["kind"]: "" for each in objects
    }


def test_the_prometheus_operators_types_know_no_other_fields() -> None:
    monitor = only_object("ServiceMonitor", chart_objects(MONITORED["scraped through the Service"]))
    monitor["spec"]["endpoints"][0]["honourLabels"] = True

    assert "honourLabels" in decoding_error("ServiceMonitor", json.dumps(monitor))


def test_grafanas_types_hold_the_dashboard() -> None:
    assert decoding_error("Dashboard", DASHBOARD.read_text()) == ""


def set_in_panel(kind: str, key: str, value: Any) -> Change:
    def change(board: Json) -> None:
        next(panel for panel in board["panels"] if panel["type"] == kind)[key] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda board: board.update({"schema": 41}), "schema"),
        (set_in_panel("timeseries", "gridPosition", {}), "gridPosition"),
        (set_in_panel("stat", "options", {"colourMode": "value"}), "colourMode"),
        (set_in_panel("timeseries", "targets", [{"expression": "up", "refId": "A"}]), "expression"),
    ],
    ids=["the dashboard", "a panel", "the options of a panel", "a query"],
)
def test_grafanas_types_know_no_other_fields(change: Change, message: str) -> None:
    board = json.loads(DASHBOARD.read_text())
    change(board)

    assert message in decoding_error("Dashboard", json.dumps(board))
