"""What is announced on a LoadTest."""

from dataclasses import replace
from datetime import timedelta

from loadtest_model.measurement.snapshot import HaltReason, PodState
from loadtest_model.reasons import Reason
from loadtest_model.report.afterwards import Afterwards, MessageState, StatusArchive, StatusMessage
from loadtest_model.report.status import Status
from loadtest_operator.act.events import (
    Announcement,
    EventType,
    announcements,
    change_after_the_end,
    failures_after_the_end,
    manifest,
)
from loadtest_operator.decide import decide
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.observation import Observation, RecordedStatus
from loadtest_operator.facts.resources import recorded_status
from support.operator_builders import (
    NOW,
    POLICY,
    a_halted_pod,
    a_new_observation,
    a_pod,
    an_observation,
    decide_end,
    status_json,
)


def status_of(observation: Observation) -> Status:
    status = decide(observation, POLICY).status
    assert status is not None
    return status


def end_of(observation: Observation) -> Status:
    status = decide_end(observation).status
    assert status is not None
    return status


def recorded(status: Status) -> RecordedStatus:
    return recorded_status(status_json(status))


def test_each_phase_is_announced_once() -> None:
    status = status_of(a_new_observation())

    assert [made.reason for made in announcements(RecordedStatus(), status)] == ["Starting"]
    assert announcements(recorded(status), status) == ()


def test_the_proof_is_announced_when_it_is_complete() -> None:
    status = status_of(an_observation(a_pod(0, PodState.VERIFIED), a_pod(1, PodState.VERIFIED)))

    assert "Verified" in [made.reason for made in announcements(RecordedStatus(run_id="1"), status)]
    assert announcements(recorded(status), status) == ()


def test_an_end_is_announced_with_its_reason_and_a_failure_as_a_warning() -> None:
    passed = end_of(an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True))
    failed = end_of(an_observation(a_pod(0, PodState.REFUSED), a_halted_pod(1, HaltReason.OPERATOR)))

    assert [(made.kind, made.reason) for made in announcements(RecordedStatus(run_id="1"), passed)][-1] == (
        "Normal",
        "Passed",
    )
    (last,) = announcements(RecordedStatus(run_id="1"), failed)
    assert (last.kind, last.reason) == ("Warning", "LoadTestHeaderIgnored")
    assert "Failed" in last.message


def test_a_verdict_is_announced_once_when_the_test_has_completed() -> None:
    refused = an_observation(a_pod(0, PodState.REFUSED), a_halted_pod(1, HaltReason.OPERATOR))

    assert announcements(refused.test.record, status_of(refused)) == ()


def test_a_new_reason_to_wait_is_announced_though_the_phase_stays() -> None:
    first = status_of(a_new_observation(endpoints=Endpoints(problem=Reason.ServiceNotFound, message="none")))
    second = status_of(a_new_observation(endpoints=Endpoints(problem=Reason.TargetHasNoEndpoints, message="no pods")))

    assert [made.reason for made in announcements(recorded(first), second)] == ["TargetHasNoEndpoints"]


def test_a_reason_to_wait_that_comes_with_a_new_phase_is_announced_beside_it() -> None:
    first = status_of(a_new_observation(endpoints=Endpoints(problem=Reason.ServiceNotFound, message="none")))

    made = announcements(RecordedStatus(), first)

    assert [(each.kind, each.reason) for each in made] == [("Normal", first.phase), ("Warning", "ServiceNotFound")]


def test_the_same_announcement_has_the_same_name_and_another_run_another() -> None:
    observation = a_new_observation()
    (made,) = announcements(RecordedStatus(), status_of(observation))
    at = NOW.isoformat()

    first, again = (manifest(observation, made, at) for _ in range(2))
    other = manifest(a_new_observation(run_id="2"), made, at)

    assert first["metadata"]["name"] == again["metadata"]["name"] != other["metadata"]["name"]
    assert first["involvedObject"]["uid"] == observation.test.identity.uid


def test_a_run_that_has_the_id_of_an_earlier_one_is_announced_again() -> None:
    observation = a_new_observation()
    later = replace(observation, now=NOW + timedelta(hours=1))

    names = {
        manifest(each, made, NOW.isoformat())["metadata"]["name"]
        for each in (observation, later)
        for made in announcements(RecordedStatus(), status_of(each))
    }

    assert len(names) == 2


def test_a_change_after_the_end_is_answered_with_what_runs_the_test_again() -> None:
    ended = decide(an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True), POLICY).status
    assert ended is not None
    observation = a_new_observation()
    observation = replace(observation, test=replace(observation.test, record=recorded(ended)))

    answer = change_after_the_end(observation)

    assert (answer.kind, answer.reason) == ("Normal", ended.verdict)
    assert "set another spec.runId" in answer.message


def test_an_event_keeps_the_advice_at_the_end_of_its_message() -> None:
    message = f"{'x' * 2_000} remove the canary"

    event = manifest(a_new_observation(), Announcement(EventType.WARNING, Reason.Violation, message), "")

    assert event["message"].endswith("remove the canary")
    assert len(event["message"]) <= 1_024


def test_a_message_and_an_archive_that_failed_are_announced_once() -> None:
    messages = (
        StatusMessage(webhook="team", state=MessageState.FAILED, at="", detail="it answered 403"),
        StatusMessage(webhook="others", state=MessageState.SENT, at=""),
    )
    afterwards = Afterwards(messages=messages, archive=StatusArchive(failure="the bucket answered 403"))

    announced = failures_after_the_end(RecordedStatus(), afterwards)

    assert [(each.kind, each.reason, each.message) for each in announced] == [
        (EventType.WARNING, Reason.MessageNotSent, "webhook team was not told of the end: it answered 403"),
        (
            EventType.WARNING,
            Reason.ArchiveFailed,
            "the files of the run are not archived yet: the bucket answered 403; it is tried again",
        ),
    ]
    on_record = RecordedStatus(messages=messages, archive=afterwards.archive)
    assert failures_after_the_end(on_record, afterwards) == ()
    assert failures_after_the_end(on_record, Afterwards(archive=StatusArchive(under="x"))) == ()
