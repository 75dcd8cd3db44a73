"""What a LoadTest's JSON says, also that of other versions and of an earlier run."""

import itertools
from typing import Any

import pytest

from kubectl_loadtest.resources.load_test import LoadTest
from loadtest_model.judgement.verdict import Verdict, exit_status
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.reason_groups import ReasonClass


def load_test(generation: int = 1, **status: Any) -> LoadTest:
    metadata = {"name": "light", "namespace": "shop", "uid": "u", "generation": generation}
    return LoadTest({"metadata": metadata, "spec": {}, "status": {"observedGeneration": generation, **status}})


def completed(generation: int) -> dict[str, Any]:
    return {"type": "Completed", "status": "True", "observedGeneration": generation}


@pytest.mark.parametrize(("verdict", "reason_class"), list(itertools.product(Verdict, ReasonClass)))
def test_the_exit_status_is_that_of_the_model(verdict: Verdict, reason_class: ReasonClass) -> None:
    test = load_test(verdict=str(verdict), reasonClass=str(reason_class))

    assert test.exit_status == exit_status(verdict, reason_class)


def test_no_verdict_is_not_taken_for_a_failure_and_no_class_for_none_loaded() -> None:
    assert load_test().exit_status == ExitStatus.INCONCLUSIVE
    assert load_test(verdict="Unheard").exit_status == ExitStatus.INCONCLUSIVE
    assert load_test(verdict="Failed").exit_status == ExitStatus.FAILED


def test_a_run_is_over_only_when_the_condition_is_of_its_generation() -> None:
    assert load_test(conditions=[completed(1)]).is_completed
    assert not load_test(generation=2, conditions=[completed(1)]).is_completed
    assert not load_test(conditions=[{**completed(1), "status": "False"}]).is_completed


def test_a_new_test_reads_as_empty() -> None:
    test = LoadTest({"metadata": {"name": "light"}})

    assert (test.run_id, test.phase, test.message, test.verdict, test.reasons) == ("1", "", "", None, [])
    assert not test.is_completed
    assert not test.is_observed


def test_a_reason_that_refers_to_the_message_is_told_in_full_and_advice_is_that_of_the_reason() -> None:
    test = load_test(message="threshold p95 < 1s is breached", reasons=["see status.message"], reason="TargetBusy")

    assert test.reasons == ["threshold p95 < 1s is breached"]
    assert "spec.concurrency" in test.advice
    assert load_test(reason="OfTomorrow").advice == ""


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({}, ""),
        ({"runId": "6", "phase": "Completed", "completedAt": "2026-03-01T12:00:00Z"}, ""),
        ({"runId": "7", "phase": "Running"}, "had begun before"),
        (
            {"runId": "7", "phase": "Completed", "completedAt": "2026-03-01T12:00:00Z"},
            "had already ended at 2026-03-01T12:00:00Z, so nothing is run now",
        ),
    ],
)
def test_a_run_that_was_there_before_it_was_asked_for_is_told(status: dict[str, Any], text: str) -> None:
    assert LoadTest({"spec": {"runId": "7"}, "status": status}).earlier_run_text == text
