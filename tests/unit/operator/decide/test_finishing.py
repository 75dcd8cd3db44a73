"""From the verdict to the completed test: what is on record stands, and results that are written stay."""

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.report.status import ConditionType, Phase, Status
from loadtest_operator.decide import Decision, decide
from loadtest_operator.decide.actions import ActionOutcome, ResultsExist, ResultsNotWritten, WriteResults
from loadtest_operator.decide.outcomes import with_outcomes
from loadtest_operator.facts.observation import Observation, ObservedPod
from support.operator_builders import POLICY, a_killed_pod, a_pod, an_observation, next_observation

DONE = (a_pod(0, PodState.DONE), a_pod(1, PodState.DONE))
FORBIDDEN = ResultsNotWritten("exceeded quota: configmaps")


def judged_look(*later_pods: ObservedPod) -> Observation:
    """A look at a run that passed, whose verdict is on record and whose results are not written."""
    observation = an_observation(*DONE, begun=True)
    judging = decide(observation, POLICY)
    assert judging.actions == ()
    return next_observation(observation, judging, pods=later_pods)


def finished(observation: Observation, *outcomes: ActionOutcome) -> Decision:
    return with_outcomes(observation, decide(observation, POLICY), outcomes, POLICY)


def status_of(decision: Decision) -> Status:
    assert decision.status is not None
    return decision.status


def results_complete(status: Status) -> tuple[str, str]:
    condition = status.condition(ConditionType.RESULTS_COMPLETE)
    assert condition is not None
    return condition.status, condition.reason


def test_the_verdict_is_on_record_before_the_results_are_written_and_the_test_completes_after_that() -> None:
    judging = decide(an_observation(*DONE, begun=True), POLICY)
    finishing = decide(judged_look(*DONE), POLICY)

    assert (status_of(judging).phase, status_of(judging).verdict) == (Phase.RUNNING, Verdict.PASSED)
    assert judging.requeue_seconds == 0.0
    assert [type(action) for action in finishing.actions] == [WriteResults]
    assert (status_of(finishing).phase, status_of(finishing).verdict) == (Phase.COMPLETED, Verdict.PASSED)


def test_an_operator_that_knows_less_than_the_one_that_judged_keeps_its_verdict() -> None:
    look = judged_look(a_killed_pod(0, None), a_killed_pod(1, None))

    decision = decide(look, POLICY)

    status = status_of(decision)
    (action,) = decision.actions
    assert isinstance(action, WriteResults)
    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.PASSED)
    assert status.summary is not None
    assert status.summary.requests.accepted == 100
    assert results_complete(status) == ("False", "ResultsMissing")
    assert '"verdict": "Passed"' in action.manifest["data"]["summary.json"]


def test_results_that_were_written_before_stay_and_are_as_complete_as_was_said_then() -> None:
    look = judged_look(a_killed_pod(0, None), a_killed_pod(1, None))

    status = status_of(finished(look, ResultsExist()))

    assert (status.phase, results_complete(status)) == (Phase.COMPLETED, ("True", "AllPodsReported"))
    assert status.results is not None


def test_results_that_cannot_be_written_are_tried_again_while_the_pods_wait() -> None:
    look = judged_look(*DONE)
    first = finished(look, FORBIDDEN)
    second_look = next_observation(look, first)

    second = finished(second_look)

    assert (status_of(first).phase, status_of(first).verdict) == (Phase.RUNNING, Verdict.PASSED)
    assert results_complete(status_of(first)) == ("False", "ResultsNotWritten")
    assert first.requeue_seconds == 2.0
    assert [type(action) for action in second.actions] == [WriteResults]
    assert (status_of(second).phase, results_complete(status_of(second))) == (
        Phase.COMPLETED,
        ("True", "AllPodsReported"),
    )
    assert status_of(second).results == status_of(decide(look, POLICY)).results


@pytest.mark.parametrize("is_running", [True, False])
def test_results_that_cannot_be_written_do_not_keep_a_test_from_ending(is_running: bool) -> None:
    left = tuple(replace(pod, is_reachable=False, is_running=is_running, silent_seconds=5.0) for pod in DONE)

    status = status_of(finished(judged_look(*left), FORBIDDEN))

    assert (status.phase, status.verdict, status.results) == (Phase.COMPLETED, Verdict.PASSED, None)
    assert results_complete(status) == ("False", "ResultsNotWritten")


def test_a_verdict_that_another_writer_spoiled_is_judged_anew() -> None:
    look = judged_look(*DONE)
    spoiled = replace(look, test=replace(look.test, status={**look.test.status, "pods": "two"}))

    decision = decide(spoiled, POLICY)

    assert decision.actions == ()
    assert status_of(decision).verdict is Verdict.PASSED


def test_a_stop_after_the_verdict_changes_nothing() -> None:
    look = judged_look(*DONE)
    spec = look.test.spec
    assert spec is not None
    stopped = replace(look, test=replace(look.test, spec=structs.replace(spec, stop=True)))

    assert status_of(decide(stopped, POLICY)).verdict is Verdict.PASSED


def results_name(status: Status) -> str:
    assert status.results is not None
    return status.results.config_map


def test_a_run_whose_id_had_a_run_before_has_results_of_its_own() -> None:
    first = an_observation(*DONE, begun=True)
    second = replace(first, now=first.now + timedelta(hours=1))

    names = {results_name(status_of(decide(look, POLICY))) for look in (first, second)}

    assert len(names) == 2


def test_an_operator_that_comes_later_writes_the_results_under_the_name_on_record() -> None:
    look = judged_look(*DONE)
    late = replace(look, now=look.now + timedelta(hours=1))

    decision = decide(late, POLICY)

    (action,) = decision.actions
    assert isinstance(action, WriteResults)
    assert action.manifest["metadata"]["name"] == results_name(status_of(decision)) == look.test.record.results_name
