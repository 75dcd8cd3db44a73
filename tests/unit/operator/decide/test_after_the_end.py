"""After the end: how many results stay, when the test itself goes, and who hears of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.report.afterwards import MessageState, StatusArchive, StatusMessage
from loadtest_model.report.status import Condition, ConditionStatus, ConditionType, Phase, Results
from loadtest_model.spec.thresholds import BaselineRuns
from loadtest_operator.decide import Decision, decide
from loadtest_operator.decide.actions import ArchiveResults, DeleteTest, MarkFinished, RemoveResults, SendMessages
from loadtest_operator.decide.afterwards import MESSAGE_SECONDS, excess_results, with_owed_messages
from loadtest_operator.facts.observation import Observation, ObservedResults, RecordedStatus
from loadtest_operator.facts.resources import observed_results, rfc3339
from loadtest_operator.policy.webhook_rules import WebhookRule
from support.builders import IDENTITY
from support.operator_builders import NOW, POLICY, a_fleet_spec, a_pod, a_test

LATEST = "heavy-latest-results"
TEAM = WebhookRule("team")
SENT = StatusMessage(webhook="team", state=MessageState.SENT, at=rfc3339(NOW))


def completed(*, seconds_ago: float = 10.0, verdict: str = "Passed", **fields: Any) -> Observation:
    """A test that completed some time ago, with nothing left of its run."""
    observation_fields = {"now": NOW, "run_id": "1", **fields}
    recorded = RecordedStatus(
        observed_generation=1,
        phase=Phase.COMPLETED,
        run_id="1",
        verdict=verdict,
        completed_at=rfc3339(NOW - timedelta(seconds=seconds_ago)),
        results=Results(config_map=LATEST),
        conditions=observation_fields.pop("conditions", ()),
        expires_at=observation_fields.pop("expires_at", None),
        messages=observation_fields.pop("messages", ()),
    )
    spec = a_fleet_spec(results=observation_fields.pop("retention", {}))
    test_fields = {"finished_run": "1", **observation_fields.pop("test_fields", {})}
    return Observation(test=a_test(spec, recorded, **test_fields), **observation_fields)


def with_recorded_expiry(observation: Observation) -> Observation:
    """The same at the next look, when the status says when the test goes."""
    afterwards = decide(observation, POLICY).afterwards
    assert afterwards is not None
    record = replace_record(observation.test.record, expires_at=afterwards.expires_at)
    return replace(observation, test=replace(observation.test, record=record))


def replace_record(record: RecordedStatus, **fields: Any) -> RecordedStatus:
    return RecordedStatus(**{name: getattr(record, name) for name in record.__struct_fields__} | fields)


def some_results(number: int, *, newest: str = LATEST) -> tuple[ObservedResults, ...]:
    """The results of so many runs, an hour apart, the oldest first."""
    names = [*(f"heavy-{index:02}-results" for index in range(number - 1)), newest]
    return tuple(
        ObservedResults(name, f"uid-of-{name}", NOW - timedelta(hours=number - index))
        for index, name in enumerate(names)
    )


def actions_of(decision: Decision, kind: type) -> list[Any]:
    return [action for action in decision.actions if isinstance(action, kind)]


def test_of_six_runs_the_results_of_the_oldest_go_by_default() -> None:
    decision = decide(completed(results=some_results(6)), POLICY)

    assert actions_of(decision, RemoveResults) == [RemoveResults("heavy-00-results", "uid-of-heavy-00-results")]


def test_the_results_of_five_runs_all_stay_by_default() -> None:
    assert actions_of(decide(completed(results=some_results(5)), POLICY), RemoveResults) == []


def test_a_run_in_progress_removes_nothing() -> None:
    observation = completed(results=some_results(9))
    record = replace_record(observation.test.record, phase=Phase.RUNNING, plan_hash="hash", verdict=None)
    running = replace(observation, test=replace(observation.test, record=record, finished_run=None))

    assert actions_of(decide(running, POLICY), RemoveResults) == []


@given(
    keep=st.integers(1, 12),
    ages=st.lists(st.integers(0, 5), min_size=0, max_size=12),
    latest_age=st.none() | st.integers(0, 5),
)
def test_the_newest_results_stay_and_no_more_than_are_kept(keep: int, ages: list[int], latest_age: int | None) -> None:
    results = [made(f"old-{index}-results", age) for index, age in enumerate(ages)]
    results += [made(LATEST, latest_age)] if latest_age is not None else []

    excess = excess_results(completed(retention={"keep": keep}, results=tuple(results)))

    kept = [each for each in results if each not in excess]
    assert len(kept) == min(keep, len(results))
    assert LATEST not in {each.name for each in excess}
    newest_removed = max((each.created_at for each in excess), default=None)
    assert newest_removed is None or all(each.created_at >= newest_removed for each in kept if each.name != LATEST)


def made(name: str, age: int, verdict: str = "Passed") -> ObservedResults:
    return ObservedResults(name, f"uid-of-{name}", NOW - timedelta(seconds=age), verdict=verdict)


def test_failed_runs_in_a_row_do_not_push_out_the_runs_that_they_are_held_against() -> None:
    passed = [made(f"passed-{age}-results", age) for age in (20, 21, 22, 23)]
    failed = [made(LATEST, 1, "Failed"), *(made(f"failed-{age}-results", age, "Failed") for age in range(2, 9))]
    observation = completed(retention={"keep": 3}, results=(*passed, *failed))
    assert observation.test.spec is not None
    spec = structs.replace(observation.test.spec, thresholds=["p95 < baseline + 10%"], baseline=BaselineRuns(runs=2))

    kept_for_baseline = excess_results(replace(observation, test=replace(observation.test, spec=spec)))

    excess = excess_results(observation)
    assert [each for each in (*passed, *failed) if each not in excess] == failed[:3]
    assert [each for each in (*passed, *failed) if each not in kept_for_baseline] == [*passed[:2], *failed[:3]]


def a_config_map(name: str, owner_uid: str, **owner: Any) -> dict[str, Any]:
    reference = {"uid": owner_uid, "controller": True, **owner}
    return {
        "metadata": {
            "name": name,
            "uid": "map-1",
            "creationTimestamp": rfc3339(NOW),
            "ownerReferences": [reference],
        }
    }


@pytest.mark.parametrize(
    ("config_map", "is_results"),
    [
        (a_config_map("heavy-1-results", "uid-1"), True),
        (a_config_map("heavy-1-results", "another"), False),
        (a_config_map("heavy-1-results", "uid-1", controller=False), False),
        (a_config_map("my-own-map", "uid-1"), False),
    ],
)
def test_only_a_config_map_that_the_test_owns_counts_as_its_results(
    config_map: dict[str, Any], is_results: bool
) -> None:
    observed = observed_results(config_map, "uid-1")

    assert (observed == ObservedResults("heavy-1-results", "map-1", NOW)) is is_results


def test_without_a_ttl_a_test_stays_for_good() -> None:
    decision = decide(completed(seconds_ago=1e8), POLICY)

    assert actions_of(decision, DeleteTest) == []
    assert decision.requeue_seconds is None
    assert decision.afterwards is not None
    assert decision.afterwards.expires_at is None


@pytest.mark.parametrize(("verdict", "expiry"), [("Passed", 3_600), ("Failed", 7_200), ("Inconclusive", None)])
def test_the_status_says_when_a_test_goes_by_its_verdict(verdict: str, expiry: int | None) -> None:
    retention = {"ttl": {"passed": "1h", "failed": "2h"}}

    decision = decide(completed(verdict=verdict, retention=retention), POLICY)

    assert decision.afterwards is not None
    ended_at = NOW - timedelta(seconds=10)
    assert decision.afterwards.expires_at == (None if expiry is None else rfc3339(ended_at + timedelta(seconds=expiry)))
    assert decision.requeue_seconds == (None if expiry is None else expiry - 10)
    assert actions_of(decision, DeleteTest) == []


def test_a_test_is_deleted_once_its_time_has_passed_and_was_announced() -> None:
    late = completed(seconds_ago=3_601, retention={"ttl": {"passed": "1h"}})

    assert actions_of(decide(late, POLICY), DeleteTest) == []
    assert actions_of(decide(with_recorded_expiry(late), POLICY), DeleteTest) == [DeleteTest()]


def test_a_test_whose_results_could_not_be_written_is_not_deleted() -> None:
    not_written = Condition(
        type=ConditionType.RESULTS_COMPLETE,
        status=ConditionStatus.FALSE,
        reason="ResultsNotWritten",
        message="no room",
        last_transition_time=rfc3339(NOW),
        observed_generation=1,
    )
    late = completed(seconds_ago=1e6, retention={"ttl": {"passed": "1h"}}, conditions=(not_written,))

    assert actions_of(decide(with_recorded_expiry(late), POLICY), DeleteTest) == []


def test_a_test_with_a_pod_that_lives_is_not_deleted_yet() -> None:
    late = completed(seconds_ago=1e6, retention={"ttl": {"passed": "1h"}}, pods=(a_pod(0, PodState.DONE),))

    assert actions_of(decide(with_recorded_expiry(late), POLICY), DeleteTest) == []


def test_a_test_is_marked_as_finished_before_anything_else_follows() -> None:
    late = completed(webhooks=(TEAM,), results=some_results(9), test_fields={"finished_run": None})

    assert decide(late, POLICY).actions == (MarkFinished("1"),)


def test_a_webhook_hears_of_the_end_and_the_test_stays_until_it_has() -> None:
    retention = {"ttl": {"passed": "0s"}}
    waiting = with_recorded_expiry(completed(retention=retention, webhooks=(TEAM,)))

    decision = decide(waiting, POLICY)
    after = decide(replace(waiting, message_ends=(SENT,)), POLICY)

    assert decision.actions == (SendMessages(("team",), MESSAGE_SECONDS - 10),)
    assert after.actions == (DeleteTest(),)
    assert after.afterwards is not None
    assert after.afterwards.messages == (SENT,)


def with_recorded_messages(observation: Observation, *, seconds_ago: float) -> Observation:
    """What the next operator sees so long after the end of the run, with what is on record of its messages."""
    afterwards = decide(observation, POLICY).afterwards
    assert afterwards is not None
    return completed(seconds_ago=seconds_ago, webhooks=observation.webhooks, messages=afterwards.messages)


def the_end_of(observation: Observation) -> tuple[StatusMessage, ...]:
    """What the status says of messages as soon as a test has completed: here one that was stopped beforehand."""
    assert observation.test.spec is not None
    spec = structs.replace(observation.test.spec, stop=True)
    test = replace(observation.test, spec=spec, record=RecordedStatus(run_id="1"), finished_run=None)
    ending = replace(observation, test=test)
    decision = with_owed_messages(ending, decide(ending, POLICY))
    assert decision.status is not None
    assert decision.status.phase is Phase.COMPLETED
    return decision.status.messages


def test_an_operator_that_dies_right_after_an_end_has_left_on_record_who_is_to_hear_of_it() -> None:
    failures = WebhookRule("failures", verdicts=("Failed",))

    owed = the_end_of(completed(webhooks=(TEAM, failures)))

    assert owed == (StatusMessage(webhook="team", state=MessageState.PENDING, at=rfc3339(NOW)),)


def test_nobody_is_to_hear_of_the_end_of_a_test_that_is_being_deleted() -> None:
    assert the_end_of(completed(webhooks=(TEAM,), test_fields={"is_deleting": True})) == ()


@pytest.mark.parametrize("seconds_ago", [10.0, MESSAGE_SECONDS + 1, 30 * MESSAGE_SECONDS])
def test_the_next_operator_sends_what_is_owed_however_late_it_comes(seconds_ago: float) -> None:
    late = completed(seconds_ago=seconds_ago, messages=the_end_of(completed(webhooks=(TEAM,))))

    decision = decide(late, POLICY)
    after = decide(replace(late, message_ends=(SENT,)), POLICY)

    assert actions_of(decision, SendMessages) == [SendMessages(("team",), max(0.0, MESSAGE_SECONDS - seconds_ago))]
    assert decision.afterwards is not None
    assert [message.state for message in decision.afterwards.messages] == [MessageState.PENDING]
    assert actions_of(after, SendMessages) == []
    assert after.afterwards is not None
    assert after.afterwards.messages == (SENT,)


def test_a_webhook_that_has_heard_of_the_end_does_not_hear_of_it_again() -> None:
    assert actions_of(decide(completed(webhooks=(TEAM,), messages=(SENT,)), POLICY), SendMessages) == []


def test_a_webhook_that_is_new_does_not_hear_of_runs_that_ended_long_ago() -> None:
    assert actions_of(decide(completed(seconds_ago=MESSAGE_SECONDS + 1, webhooks=(TEAM,)), POLICY), SendMessages) == []


def test_nobody_hears_of_a_run_that_was_only_restored() -> None:
    restored = Condition(
        type=ConditionType.SUCCEEDED,
        status=ConditionStatus.FALSE,
        reason="FinishedEarlier",
        message="",
        last_transition_time=rfc3339(NOW),
        observed_generation=1,
    )

    decision = decide(completed(webhooks=(TEAM,), conditions=(restored,)), POLICY)

    assert actions_of(decision, SendMessages) == []


@pytest.mark.parametrize(
    ("rule", "hears"),
    [
        (WebhookRule("a"), True),
        (WebhookRule("a", verdicts=("Failed",)), False),
        (WebhookRule("a", verdicts=("Failed", "Passed")), True),
        (WebhookRule("a", namespaces=("other",)), False),
        (WebhookRule("a", namespaces=("other", "sh*")), True),
        (WebhookRule("a", ("Failed",), ("shop",)), False),
    ],
)
def test_a_webhook_hears_only_of_its_verdicts_and_namespaces(rule: WebhookRule, hears: bool) -> None:
    assert IDENTITY.namespace == "shop"
    assert bool(actions_of(decide(completed(webhooks=(rule,)), POLICY), SendMessages)) is hears


def archived(*results: ObservedResults) -> tuple[ObservedResults, ...]:
    return tuple(replace(each, archived_under=f"shop/heavy/{each.name}") for each in results)


def test_results_go_only_once_they_are_archived_where_the_installation_archives() -> None:
    results = some_results(7)

    waiting = decide(completed(results=results, archives_results=True), POLICY)
    half = decide(completed(results=(*archived(results[0]), *results[1:]), archives_results=True), POLICY)
    done = decide(completed(results=archived(*results), archives_results=True), POLICY)

    assert waiting.actions == tuple(ArchiveResults(each) for each in results)
    assert actions_of(half, RemoveResults) == [RemoveResults(results[0].name, results[0].uid)]
    assert len(actions_of(half, ArchiveResults)) == 6
    assert len(actions_of(done, RemoveResults)) == 2
    assert actions_of(done, ArchiveResults) == []


def test_a_test_stays_until_its_results_are_archived() -> None:
    results = some_results(1)
    fields: dict[str, Any] = {"retention": {"ttl": {"passed": "0s"}}, "archives_results": True}

    waiting = decide(with_recorded_expiry(completed(results=results, **fields)), POLICY)
    done = decide(with_recorded_expiry(completed(results=archived(*results), **fields)), POLICY)

    assert actions_of(waiting, DeleteTest) == []
    assert done.actions == (DeleteTest(),)


def test_the_status_says_where_the_files_are_or_why_they_are_not_archived_yet() -> None:
    (results,) = some_results(1)
    failed = replace(results, archive_failure="the bucket answered 403")

    statuses = [
        decide(completed(results=(each,), archives_results=True), POLICY).afterwards
        for each in (results, failed, *archived(failed))
    ]

    assert [status.archive for status in statuses if status is not None] == [
        None,
        StatusArchive(failure="the bucket answered 403"),
        StatusArchive(under=f"shop/heavy/{LATEST}"),
    ]
