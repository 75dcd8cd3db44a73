"""The conditions of a LoadTest: the machine-readable truth from which the phase is a summary."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from loadtest_model.reasons import AnyReason, Reason, reason_of_name
from loadtest_model.report.status import Condition, ConditionStatus, ConditionType, Phase
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.facts.texts import shorten

_CONDITION_OF_PHASE: Final = {
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
class ConditionValue:
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


_NOT_VERIFIED: Final = ConditionValue.unknown(Reason.NotVerified, "the target has not been verified yet")
_NOT_STARTED: Final = ConditionValue.false(Reason.NotStarted, "the load has not started")
_NOT_KNOWN: Final = ConditionValue.unknown(Reason.InProgress)
_NOT_ENDED: Final = ConditionValue.false(Reason.InProgress)


@dataclass(frozen=True)
class ConditionValues:
    """What all conditions say. `Ready` mirrors `succeeded`; `Stalled` is true of an end that is no success."""

    verified: ConditionValue = _NOT_VERIFIED
    running: ConditionValue = _NOT_STARTED
    results_complete: ConditionValue = _NOT_KNOWN
    completed: ConditionValue = _NOT_ENDED
    succeeded: ConditionValue = _NOT_KNOWN


def conditions(
    marks: ConditionValues, previous: tuple[Condition, ...], now: datetime, generation: int
) -> tuple[Condition, ...]:
    """The conditions in their order; a transition time moves only with the status."""
    stalled, succeeded = _NOT_ENDED, marks.succeeded
    if marks.completed.is_true:
        stalled = (ConditionValue.false if succeeded.is_true else ConditionValue.true)(
            succeeded.reason, succeeded.message
        )
    values_by_type = {
        ConditionType.VERIFIED: marks.verified,
        ConditionType.RUNNING: marks.running,
        ConditionType.RESULTS_COMPLETE: marks.results_complete,
        ConditionType.COMPLETED: marks.completed,
        ConditionType.SUCCEEDED: succeeded,
        ConditionType.READY: succeeded,
        ConditionType.STALLED: stalled,
    }
    previous_by_type = {condition.type: condition for condition in previous}
    return tuple(
        Condition(
            type=kind,
            status=mark.status,
            reason=mark.reason,
            message=shorten(mark.message),
            last_transition_time=_transition_time(previous_by_type.get(kind), mark, now),
            observed_generation=generation,
        )
        for kind, mark in values_by_type.items()
    )


def reason_of_phase(phase: Phase, current: tuple[Condition, ...]) -> str | None:
    """The reason of the condition that says why a test stands where it does; None while all goes its way."""
    condition_type = _CONDITION_OF_PHASE[phase]
    condition_of_phase = next((condition for condition in current if condition.type == condition_type), None)
    return (
        None if condition_of_phase is None or condition_of_phase.reason in _UNREMARKABLE else condition_of_phase.reason
    )


def recorded_value(condition: Condition | None, otherwise: ConditionValue) -> ConditionValue:
    """What a condition on record says."""
    if condition is None:
        return otherwise
    return ConditionValue(condition.status, reason_of_name(condition.reason), condition.message)


def _transition_time(previous: Condition | None, mark: ConditionValue, now: datetime) -> str:
    if previous is not None and previous.status == mark.status:
        return previous.last_transition_time
    return rfc3339(now)
