"""What follows once a test has completed: results are archived and go, messages are sent, and the test itself goes.

None of it changes what is on record of the run.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from loadtest_model.reasons import Reason
from loadtest_model.report.afterwards import MOST_WEBHOOKS, Afterwards, MessageState, StatusArchive, StatusMessage
from loadtest_model.report.status import Condition, ConditionType, Phase
from loadtest_model.spec.retention import Retention
from loadtest_model.spec.thresholds import BASELINE_WORD
from loadtest_model.values import seconds_of
from loadtest_operator.decide.actions import Action, ArchiveResults, DeleteTest, RemoveResults, SendMessages
from loadtest_operator.decide.decision import Decision
from loadtest_operator.facts.observation import Observation, ObservedResults
from loadtest_operator.facts.resources import instant, rfc3339

MESSAGE_SECONDS: Final = 3_600.0
"""How long after the end of a run a message about it is tried. A webhook that is added later hears of later runs.

A message that an operator left unsent is tried once more, however late the next operator comes.
"""

_AGAIN_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Aftermath:
    """What to do and to say of the time after the end. `requeue_seconds` None waits for the next event."""

    afterwards: Afterwards
    actions: tuple[Action, ...] = ()
    requeue_seconds: float | None = None


def decide_aftermath(observation: Observation, *, is_settled: bool) -> Aftermath:
    """What follows the end of a test. It is deleted only if its pods are gone and nothing waits to be
    archived or sent.
    """
    messages = recorded_messages(observation)
    due = due_webhooks(observation, messages)
    record = observation.test.record
    pending = _pending_messages(due, record.completed_at or rfc3339(observation.now))
    expiry = expiry_of(observation)
    afterwards = Afterwards(
        expires_at=None if expiry is None else rfc3339(expiry),
        messages=(*messages, *pending)[:MOST_WEBHOOKS],
        archive=archive_of(observation),
    )
    unarchived = unarchived_results(observation)
    actions: list[Action] = [
        RemoveResults(each.name, each.uid) for each in excess_results(observation) if each not in unarchived
    ]
    actions += [ArchiveResults(each) for each in unarchived]
    if due:
        actions.append(SendMessages(due, max(0.0, message_seconds_left(observation))))
    if expiry is None or pending or unarchived:
        # The end of the last message, and of archiving, asks for the next turn.
        return Aftermath(afterwards, tuple(actions))
    seconds_left = (expiry - observation.now).total_seconds()
    if seconds_left > 0:
        return Aftermath(afterwards, tuple(actions), seconds_left)
    if is_settled and _is_recorded(observation, afterwards):
        actions.append(DeleteTest())
    return Aftermath(afterwards, tuple(actions), _AGAIN_SECONDS)


def excess_results(observation: Observation) -> tuple[ObservedResults, ...]:
    """The results of the oldest runs, beyond those that the spec keeps. Those of the run that ended last stay.

    So do those of the runs that a threshold on the baseline compares with.
    """
    test = observation.test
    if test.spec is None:
        return ()
    latest = test.record.results_name
    newest_first = sorted(
        observation.results, key=lambda each: (each.name == latest, each.created_at, each.name), reverse=True
    )
    kept = newest_first[: test.spec.results.keep]
    if any(BASELINE_WORD in text for text in test.spec.thresholds or ()):
        # Failed runs in a row must not push out what they are held against.
        kept += [each for each in newest_first if each.verdict == Reason.Passed][: test.spec.baseline.runs]
    return tuple(each for each in newest_first if each not in kept)


def unarchived_results(observation: Observation) -> tuple[ObservedResults, ...]:
    """The results whose files have to be archived before they may go, those of earlier runs included."""
    if not observation.archives_results:
        return ()
    return tuple(each for each in observation.results if not each.archived_under)


def archive_of(observation: Observation) -> StatusArchive | None:
    """What became of the files of the run that ended last."""
    latest = observation.test.record.results_name
    results = next((each for each in observation.results if each.name == latest), None)
    if results is None or not (results.archived_under or results.archive_failure):
        return None
    if results.archived_under:
        return StatusArchive(under=results.archived_under)
    return StatusArchive(failure=results.archive_failure)


def expiry_of(observation: Observation) -> datetime | None:
    """When the test is to be deleted; None if it stays. One whose results could not be written is their only record."""
    record, spec = observation.test.record, observation.test.spec
    results_complete = record.condition(ConditionType.RESULTS_COMPLETE)
    seconds = None if spec is None else ttl_seconds(spec.results, record.verdict)
    if seconds is None or record.completed_at is None:
        return None
    if results_complete is not None and results_complete.reason == Reason.ResultsNotWritten:
        return None
    return instant(record.completed_at) + timedelta(seconds=seconds)


def ttl_seconds(retention: Retention, verdict: str | None) -> float | None:
    """The seconds after which a test that ended with a verdict is deleted; None if it stays."""
    ttl = retention.ttl
    if ttl is None:
        return None
    ttl_by_verdict = {
        Reason.Passed: ttl.passed,
        Reason.Failed: ttl.failed,
        Reason.Inconclusive: ttl.inconclusive,
    }
    text = next((text for reason, text in ttl_by_verdict.items() if reason == verdict), None)
    return None if text is None else seconds_of(text)


def recorded_messages(observation: Observation) -> tuple[StatusMessage, ...]:
    """What became of the messages about the run: what is on record, and what ended since."""
    recorded = tuple(each for each in observation.test.record.messages if each.state is not MessageState.PENDING)
    names = {message.webhook for message in recorded}
    new = tuple(message for message in observation.message_ends if message.webhook not in names)
    return (*recorded, *new)[:MOST_WEBHOOKS]


def with_owed_messages(observation: Observation, decision: Decision) -> Decision:
    """The decision in which an end has the messages that are owed, so that the next operator sends them, however late.

    Nobody hears of a test that is being deleted.
    """
    status = decision.status
    if status is None or status.phase is not Phase.COMPLETED or observation.test.is_deleting:
        return decision
    owed = _concerned_webhooks(observation, status.verdict, status.condition(ConditionType.SUCCEEDED))
    messages = _pending_messages(owed[:MOST_WEBHOOKS], status.completed_at or rfc3339(observation.now))
    return replace(decision, status=structs.replace(status, messages=messages))


def _pending_messages(webhooks: tuple[str, ...], ended_at: str) -> tuple[StatusMessage, ...]:
    return tuple(StatusMessage(webhook=name, state=MessageState.PENDING, at=ended_at) for name in webhooks)


def due_webhooks(observation: Observation, messages: tuple[StatusMessage, ...]) -> tuple[str, ...]:
    """The webhooks that have to hear of the end of this run, by their names: those that are owed a message by the
    record, and for an hour also those that the installation has got since.
    """
    record = observation.test.record
    handled_webhooks = {message.webhook for message in messages}
    names = dict.fromkeys(each.webhook for each in record.messages if each.state is MessageState.PENDING)
    if message_seconds_left(observation) > 0:
        names |= dict.fromkeys(
            _concerned_webhooks(observation, record.verdict, record.condition(ConditionType.SUCCEEDED))
        )
    return tuple(name for name in names if name not in handled_webhooks)[: MOST_WEBHOOKS - len(messages)]


def _concerned_webhooks(observation: Observation, verdict: str | None, succeeded: Condition | None) -> tuple[str, ...]:
    """The webhooks that ask for such an end. Nobody hears of a run of which only an annotation was restored."""
    is_restored = succeeded is not None and succeeded.reason == Reason.FinishedEarlier
    if verdict is None or is_restored:
        return ()
    namespace = observation.test.identity.namespace
    return tuple(rule.name for rule in observation.webhooks if rule.concerns(namespace, verdict))


def message_seconds_left(observation: Observation) -> float:
    """How long a message about the run may still be tried."""
    ended_at = observation.test.record.completed_at
    return 0.0 if ended_at is None else MESSAGE_SECONDS - observation.seconds_since(instant(ended_at))


def _is_recorded(observation: Observation, afterwards: Afterwards) -> bool:
    """Whether the status says already when the test goes, so that nobody loses it unannounced."""
    return observation.test.record.expires_at == afterwards.expires_at
