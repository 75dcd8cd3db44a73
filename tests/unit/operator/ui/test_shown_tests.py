"""A LoadTest as its pages show it: by its status, whatever others wrote there."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.report.status import LOAD_RUNS, Phase
from loadtest_operator.ui.shown_test import ShownTest, shown_status

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3),
    max_leaves=8,
)
FIELDS = ("phase", "message", "reason", "verdict", "progress", "thresholds", "health", "plan", "verification", "pods")


def a_resource(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "shop",
            "name": "heavy",
            "uid": "uid-1",
            "resourceVersion": "7",
            "creationTimestamp": "2026-03-01T10:00:00Z",
        },
        "spec": {"target": {"url": "http://clients:8000/upload/?key=secret"}, "scenario": "heavy"},
        "status": status,
    }


PROGRESS = {
    "step": "heavy",
    "elapsedSeconds": 30,
    "totalSeconds": 60,
    "percent": 50,
    "virtualUsers": 2,
    "recordsPerSecond": 1000,
    "recordsConfirmed": 30000,
    "errors": 0,
}


def test_a_line_has_the_state_of_its_test() -> None:
    test = ShownTest.of(
        a_resource(phase="Running", message=LOAD_RUNS, startedAt="2026-03-01T10:05:00Z", progress=PROGRESS)
    )
    line = test.line()

    assert (line.namespace, line.name, line.phase, line.share) == ("shop", "heavy", Phase.RUNNING, 0.5)
    assert (line.p95_seconds, line.errors) == (None, 0)
    assert line.since.isoformat() == "2026-03-01T10:05:00+00:00"
    # The phase says it.
    assert test.standing().message == ""


def test_a_test_that_nobody_looked_at_has_no_phase() -> None:
    resource = a_resource()
    del resource["status"]
    test = ShownTest.of(resource)

    assert test.line().phase is None
    assert not test.has_ended
    assert test.standing().phase == "Not looked at yet"


def test_a_test_that_has_ended_has_its_verdict_and_the_name_of_its_results() -> None:
    test = ShownTest.of(
        a_resource(phase="Completed", verdict="Failed", runId="3", results={"configMap": "heavy-0a1b2c3d-results"})
    )

    assert test.has_ended
    assert test.standing().verdict is Verdict.FAILED
    assert test.results_name == "heavy-0a1b2c3d-results"


def test_a_name_of_results_that_leads_elsewhere_is_none() -> None:
    test = ShownTest.of(a_resource(phase="Completed", runId="3", results={"configMap": "../secrets/token"}))

    assert test.results_name == ""


def test_values_of_a_url_are_not_shown() -> None:
    assert ShownTest.of(a_resource()).target == "http://clients:8000/upload/?key=***"


def test_a_field_that_cannot_be_read_takes_no_other_with_it() -> None:
    status = shown_status({"phase": "Running", "message": "so it is", "progress": "half", "verdict": "Maybe"})

    assert status.phase is Phase.RUNNING
    assert status.message == "so it is"
    assert status.progress is None
    assert status.verdict is None


def test_references_to_the_message_are_resolved() -> None:
    status = shown_status({"message": "the target was silent for 30 s", "reasons": ["see status.message"]})

    assert status.reasons == ("the target was silent for 30 s",)


@given(fields=st.dictionaries(st.sampled_from(FIELDS), ANYTHING), spec=ANYTHING, target=ANYTHING)
def test_whatever_stands_in_a_resource_can_be_shown(fields: dict[str, Any], spec: Any, target: Any) -> None:
    resource = a_resource(**fields)
    resource["spec"] = spec if isinstance(spec, dict) else {"target": target if isinstance(target, dict) else {}}
    test = ShownTest.of(resource)

    test.line()
    test.standing()
    test.status_figures()


@pytest.mark.parametrize("scenario", [None, 7, ["heavy"]])
def test_a_scenario_that_is_no_text_is_not_shown(scenario: object) -> None:
    resource = a_resource()
    resource["spec"]["scenario"] = scenario

    assert ShownTest.of(resource).scenario == ""
