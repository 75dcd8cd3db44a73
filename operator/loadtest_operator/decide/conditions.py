"""The conditions of a LoadTest: the machine-readable truth from which the phase is a summary."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from loadtest_model.reasons import AnyReason, Reason, reason_of_name
from loadtest_model.report.status import Condition, ConditionStatus, ConditionType, Phase
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.facts.texts import shortened

_TELLING: Final = {
    Phase.QUEUED: ConditionType.VERIFIED,
    Phase.STARTING: ConditionType.VERIFIED,
    Phase.VERIFYING: ConditionType.VERIFIED,
    Phase.RUNNING: ConditionType.RUNNING,
    Phase.STOPPING: ConditionType.RUNNING,
    Phase.COMPLETED: ConditionType.SUCCEEDED,
}
_UNREMARKABLE: Final[frozenset[str]] = frozenset(
    {
        Reason.NotVerified,
        Reason.Verifying,
        Reason.Acknowledged,
        Reason.Echoed,
        Reason.Proven,
        Reason.NotStarted,
        Reason.Started,
        Reason.Passed,
    }
)


@dataclass(frozen=True)
class Mark:
    """What one condition says."""

    status: ConditionStatus
    reason: AnyReason
    message: str = ""

    @classmethod
    def true(cls, reason: AnyReason, message: str = "") -> Self:
        return cls(ConditionStatus.TRUE, reason, message)

    @classmethod
    def false(cls, reason: AnyReason, message: str = "") -> Self:
        return cls(ConditionStatus.FALSE, reason, message)

    @classmethod
    def unknown(cls, reason: AnyReason, message: str = "") -> Self:
        return cls(ConditionStatus.UNKNOWN, reason, message)

    @property
    def is_true(self) -> bool:
        return self.status is ConditionStatus.TRUE

    @property
    def is_false(self) -> bool:
        return self.status is ConditionStatus.FALSE


_NOT_VERIFIED: Final = Mark.unknown(Reason.NotVerified, "the target has not been verified yet")
_NOT_STARTED: Final = Mark.false(Reason.NotStarted, "the load has not started")
_NOT_KNOWN: Final = Mark.unknown(Reason.InProgress)
_NOT_ENDED: Final = Mark.false(Reason.InProgress)


@dataclass(frozen=True)
class Marks:
    """What all conditions say. `Ready` mirrors `succeeded`; `Stalled` is true of an end that is no success."""

    verified: Mark = _NOT_VERIFIED
    running: Mark = _NOT_STARTED
    results_complete: Mark = _NOT_KNOWN
    completed: Mark = _NOT_ENDED
    succeeded: Mark = _NOT_KNOWN


def conditions(marks: Marks, previous: tuple[Condition, ...], now: datetime, generation: int) -> tuple[Condition, ...]:
    """The conditions in their order; a transition time moves only with the status."""
    stalled, succeeded = _NOT_ENDED, marks.succeeded
    if marks.completed.is_true:
        stalled = (Mark.false if succeeded.is_true else Mark.true)(succeeded.reason, succeeded.message)
    said = {
        ConditionType.VERIFIED: marks.verified,
        ConditionType.RUNNING: marks.running,
        ConditionType.RESULTS_COMPLETE: marks.results_complete,
        ConditionType.COMPLETED: marks.completed,
        ConditionType.SUCCEEDED: succeeded,
        ConditionType.READY: succeeded,
        ConditionType.STALLED: stalled,
    }
    held = {condition.type: condition for condition in previous}
    return tuple(
        Condition(
            type=kind,
            status=mark.status,
            reason=mark.reason,
            message=shortened(mark.message),
            last_transition_time=_transition(held.get(kind), mark, now),
            observed_generation=generation,
        )
        for kind, mark in said.items()
    )


def telling_reason(phase: Phase, made: tuple[Condition, ...]) -> str | None:
    """The reason of the condition that says why a test stands where it does; None while all goes its way."""
    telling = _TELLING[phase]
    found = next((condition for condition in made if condition.type == telling), None)
    return None if found is None or found.reason in _UNREMARKABLE else found.reason


def mark_of(condition: Condition | None, otherwise: Mark) -> Mark:
    """What a condition on record says."""
    if condition is None:
        return otherwise
    return Mark(condition.status, reason_of_name(condition.reason), condition.message)


def _transition(held: Condition | None, mark: Mark, now: datetime) -> str:
    if held is not None and held.status == mark.status:
        return held.last_transition_time
    return rfc3339(now)
