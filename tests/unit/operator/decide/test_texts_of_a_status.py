"""A status says each text once, whole, and what kubectl shows of it has units and no repetition."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from loadtest_model.admission.crd import PRINTER_COLUMNS, custom_resource_definition
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.snapshot import PodState, ProofLevel, Refusal, VerificationReport
from loadtest_model.quantities import short_seconds_text
from loadtest_model.reasons import Reason
from loadtest_model.report.references import SEE_MESSAGE
from loadtest_model.report.status import Phase
from loadtest_operator.decide import decide
from loadtest_operator.decide.writing import written_form
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import observed_test
from loadtest_operator.policy.line import Turn
from support.operator_builders import (
    NOW,
    POLICY,
    a_new_observation,
    a_pending_pod,
    a_pod,
    a_snapshot,
    an_observation,
    next_observation,
)

Json = dict[str, Any]
SCHEMA: Json = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
REPORT = VerificationReport(
    level=ProofLevel.NONE,
    refusal=Refusal.RESET,
    cause=Cause.CONNECTION_RESET,
    message="10.159.1.5:8000 (canary, 1 row): cut. The canary with client_id 0K7RK3E3XV00A2AP0A71 may be stored.",
    hint="Look into the log of the target and of the proxies before it: a worker that crashed or was killed.",
    canary_ids=("0K7RK3E3XV00A2AP0A71",),
)


def written(observation: Observation) -> Json:
    status = decide(observation, POLICY).status
    assert status is not None
    return written_form(status)


def ended(observation: Observation) -> Json:
    """What stands in the resource in the end: each decision sees what the one before wrote."""
    for _ in range(4):
        decision = decide(observation, POLICY)
        assert decision.status is not None
        if decision.status.phase is Phase.COMPLETED:
            return written_form(decision.status)
        observation = next_observation(observation, decision)
    raise AssertionError("the test does not end")


def refused() -> Json:
    return ended(
        an_observation(
            replace(a_pod(0), snapshot=a_snapshot(0, PodState.REFUSED, verification=REPORT)),
            replace(a_pod(1), snapshot=a_snapshot(1, PodState.HALTED)),
        )
    )


def passed() -> Json:
    return ended(
        an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True, now=NOW + timedelta(seconds=130))
    )


def keys_of(document: Any) -> set[str]:
    if isinstance(document, dict):
        return set(document).union(*(keys_of(value) for value in document.values()))
    return set().union(*map(keys_of, document)) if isinstance(document, list) else set()


def test_the_row_to_remove_and_the_hint_stand_in_the_message_alone() -> None:
    status = refused()

    assert REPORT.message.rstrip(".") in status["message"]
    assert status["message"].endswith(REPORT.hint)
    everything_else = json.dumps({**status, "message": ""})
    assert REPORT.hint not in everything_else
    assert "The canary with client_id" not in everything_else
    assert {
        condition["message"] for condition in status["conditions"] if condition["type"] in ("Ready", "Stalled")
    } == {SEE_MESSAGE}
    assert status["reasons"][0] == SEE_MESSAGE


def test_a_condition_that_refers_to_the_message_is_read_as_the_message() -> None:
    status = refused()
    resource = {
        "metadata": {
            "namespace": "shop",
            "name": "heavy",
            "uid": "u",
            "resourceVersion": "1",
            "creationTimestamp": "2026-11-28T18:25:35Z",
        },
        "spec": {"target": {"url": "http://clients/"}, "scenario": "light"},
        "status": status,
    }

    conditions = observed_test(resource).record.conditions

    assert all(condition.message != SEE_MESSAGE for condition in conditions)
    assert conditions[-1].message == status["message"]


def test_keys_are_in_camel_case_and_each_threshold_stands_once() -> None:
    status = passed()

    snake_case = {key for key in keys_of({**status, "summary": {**status["summary"], "errors": {}}}) if "_" in key}
    assert snake_case == set()
    text = json.dumps({**status, "atAGlance": ()})
    assert [text.count(result["expression"]) for result in status["thresholds"]] == [1] * len(status["thresholds"])


def test_the_first_screen_of_describe_tells_the_story() -> None:
    status = passed()

    assert min(status) == "atAGlance"
    story = status["atAGlance"]
    assert story[0] == "Passed"
    assert len(story) <= 20
    assert all(len(line) <= 120 for line in story)
    for word in ("Load:", "Uploads:", "Records:", "Threshold p95 < 20s: held", "Health: Good", "Proof:", "ConfigMap"):
        assert any(word in line for line in story), word


def test_columns_have_units() -> None:
    running = written(an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True))

    assert running["columns"]["progress"].endswith("%")
    assert running["columns"]["p95"].endswith("s")
    assert running["health"]["level"] == "Good"
    assert {"Health", "Finished"} <= {column["name"] for column in PRINTER_COLUMNS}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0004, "0ms"), (0.482, "482ms"), (1.5, "1.50s"), (12.34, "12.3s"), (112.0, "112s")]
)
def test_a_time_in_a_column_is_short(seconds: float, text: str) -> None:
    assert short_seconds_text(seconds) == text


def test_the_progress_column_tells_the_way_to_the_load() -> None:
    waiting = written(a_new_observation(turn=Turn(Reason.TargetBusy, "place 2 in line: test a loads the target", 2)))
    starting = written(an_observation(a_pending_pod(0, "ContainerCreating"), a_pending_pod(1, "ContainerCreating")))
    one_started = written(an_observation(a_pod(0, PodState.WAITING), a_pending_pod(1, "ContainerCreating")))

    assert waiting["columns"]["progress"] == "place 2"
    assert starting["columns"]["progress"] == "0/2 started"
    assert one_started["columns"]["progress"] in ("1/2 started", "0/2 verified")


def pruned(document: Any, schema: Json) -> Any:
    """A document as the API server gives it back under a schema: fields that the schema lacks are gone."""
    if isinstance(document, dict) and "properties" in schema:
        known = schema["properties"]
        return {key: pruned(value, known[key]) for key, value in document.items() if key in known}
    if isinstance(document, list) and "items" in schema:
        return [pruned(each, schema["items"]) for each in document]
    return document


def test_a_status_of_version_0_1_0_is_valid_under_the_new_schema() -> None:
    record = json.loads((Path(__file__).resolve().parents[3] / "wire" / "0.1.0.json").read_text())
    running = record["run"]["during"]["loadtest"]["status"]
    # What version 0.1.0 wrote of a run that had ended.
    ended_status = {
        **running,
        "phase": "Completed",
        "verdict": "Passed",
        "summary": {
            "schema_version": 1,
            "name": "heavy",
            "scenario": "heavy",
            "started_at": None,
            "duration_seconds": 12.2,
            "verdict": "Passed",
            "reasons": [],
            "health": {"level": "Good", "evidence": []},
            "diagnoses": [{"cause": "csrf", "title": "t", "evidence": "e", "next_step": "n", "count": 1}],
            "requests": dict.fromkeys(("due", "sent", "accepted", "rejected", "unknown", "violation", "dropped"), 0),
            "records": {"sent": 1, "confirmed": 1},
            "errors": {"timeout": 1},
            "response_time_seconds": {"samples": 1, "relative_error": 0.01, "avg": 1.0},
            "throughput": {"requests_per_second": 1.0},
            "generator": {"notes": [], "memory_bytes": 1, "cpu_seconds": 1.0, "max_loop_lag_seconds": 0.1},
        },
    }

    for status in (running, ended_status):
        kept = pruned(status, SCHEMA["properties"]["status"])
        jsonschema.validate(kept, SCHEMA["properties"]["status"])
        assert msgspec.convert(kept["phase"], Phase)
