"""Events on the LoadTest: for each phase, for its verification, for each new reason to wait, and for its end."""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from loadtest_model.judgement.verdict import Verdict, verdict_text
from loadtest_model.quantities import clip_middle
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.reasons import AnyReason, Reason, reason_of_name
from loadtest_model.report.afterwards import Afterwards, MessageState
from loadtest_model.report.status import Condition, ConditionType, Phase, Status
from loadtest_model.spec import API_VERSION, KIND, Identity
from loadtest_operator.facts.names import MANAGED_BY
from loadtest_operator.facts.observation import Observation, RecordedStatus

Json = dict[str, Any]

_LONGEST_NOTE = 1_024


class EventType(StrEnum):
    """Kubernetes' two types of Events."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True)
class Announcement:
    """What is to be said of a run. `since` is the time from which its test has been in progress, or has completed."""

    kind: EventType
    reason: AnyReason
    message: str
    since: str = ""


def announcements(recorded: RecordedStatus, status: Status) -> tuple[Announcement, ...]:
    """What a change from the status on record to a new one is announced as."""
    if recorded.run_id != status.run_id:
        recorded = RecordedStatus()
    changes = [_verified(recorded, status)]
    if recorded.phase is not status.phase:
        changes.append(_phase(status))
    changes.append(_new_reason_to_wait(recorded, status))
    since = _since(status.condition(ConditionType.COMPLETED))
    return tuple(replace(announcement, since=since) for announcement in changes if announcement is not None)


def change_after_the_end(observation: Observation) -> Announcement:
    """What a change of the spec of an ended test is answered with, because it starts nothing."""
    message = (
        f"the spec was changed, but run {observation.run_id} has ended and never starts again; to run the test again,"
        " set another spec.runId, with stop: false"
    )
    record = observation.test.record
    since = _since(record.condition(ConditionType.COMPLETED))
    return Announcement(EventType.NORMAL, reason_of_name(record.verdict or Reason.Inconclusive), message, since)


def failures_after_the_end(recorded: RecordedStatus, afterwards: Afterwards) -> tuple[Announcement, ...]:
    """What failed after the end and is not on record yet: messages, and the archiving of the run's files."""
    known = {message.webhook for message in recorded.messages if message.state is MessageState.FAILED}
    failures = [
        Announcement(
            EventType.WARNING,
            Reason.MessageNotSent,
            f"webhook {message.webhook} was not told of the end: {message.detail}",
        )
        for message in afterwards.messages
        if message.state is MessageState.FAILED and message.webhook not in known
    ]
    recorded_failure = recorded.archive.failure if recorded.archive is not None else ""
    failure = afterwards.archive.failure if afterwards.archive is not None else ""
    if failure and failure != recorded_failure:
        text = f"the files of the run are not archived yet: {failure}; it is tried again"
        failures.append(Announcement(EventType.WARNING, Reason.ArchiveFailed, text))
    since = _since(recorded.condition(ConditionType.COMPLETED))
    return tuple(replace(announcement, since=since) for announcement in failures)


def _phase(status: Status) -> Announcement:
    if status.phase is Phase.COMPLETED:
        succeeded = status.condition(ConditionType.SUCCEEDED)
        reason = reason_of_name(succeeded.reason if succeeded else str(status.verdict))
        kind = EventType.NORMAL if status.verdict is Verdict.PASSED else EventType.WARNING
        verdict = Verdict.INCONCLUSIVE if status.verdict is None else status.verdict
        word = verdict_text(verdict, status.reason_class or ReasonClass.LOAD)
        return Announcement(kind, reason, f"{word}: {status.message}")
    kind = EventType.WARNING if status.phase is Phase.STOPPING else EventType.NORMAL
    return Announcement(kind, Reason[status.phase], status.message)


def manifest(observation: Observation, announcement: Announcement, at: str) -> Json:
    """The Event as JSON. Its name is made from what it says, so that the same thing is said once of a run."""
    identity = observation.test.identity
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": _name(identity, observation.run_id, announcement), "namespace": identity.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": identity.namespace,
            "name": identity.name,
            "uid": identity.uid,
        },
        "type": announcement.kind,
        "reason": announcement.reason,
        "message": clip_middle(announcement.message, _LONGEST_NOTE),
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "source": {"component": MANAGED_BY},
        "reportingComponent": MANAGED_BY,
        "reportingInstance": MANAGED_BY,
    }


def _verified(recorded: RecordedStatus, status: Status) -> Announcement | None:
    new, old = status.condition(ConditionType.VERIFIED), recorded.condition(ConditionType.VERIFIED)
    if new is None or not new.is_true or (old is not None and old.is_true):
        return None
    return Announcement(EventType.NORMAL, Reason.Verified, new.message)


def _new_reason_to_wait(recorded: RecordedStatus, status: Status) -> Announcement | None:
    """Until a test loads, each new thing that it waits for is worth a warning."""
    if status.verdict is not None or status.phase not in (Phase.QUEUED, Phase.STARTING, Phase.VERIFYING):
        return None
    new, old = status.condition(ConditionType.VERIFIED), recorded.condition(ConditionType.VERIFIED)
    if new is None or not new.is_false or (old is not None and old.reason == new.reason):
        return None
    return Announcement(EventType.WARNING, reason_of_name(new.reason), new.message)


def _since(completed: Condition | None) -> str:
    return completed.last_transition_time if completed is not None else ""


def _name(identity: Identity, run_id: str, announcement: Announcement) -> str:
    text = f"{identity.uid}/{run_id}/{announcement.since}/{announcement.reason}/{announcement.message}"
    return f"{identity.name[:200]}.{hashlib.sha256(text.encode()).hexdigest()[:16]}"
