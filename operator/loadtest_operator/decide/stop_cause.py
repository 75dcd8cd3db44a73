"""A cause to stop a run before its natural end, and the one that is on record."""

from dataclasses import dataclass
from typing import Final

from loadtest_model.reasons import AnyReason, Reason, reason_of_name
from loadtest_model.report.status import ConditionType
from loadtest_operator.facts.observation import Observation

_NO_CAUSE: Final = frozenset({Reason.Started, Reason.NotStarted, Reason.Finished})
_NATURAL_ENDS: Final = frozenset({Reason.CapacityFound, Reason.OnlyVerified})
"""These causes are how such a run is to end: neither a gap nor a finding."""
_DRAINING: Final = frozenset({Reason.Stopped, Reason.CapacityFound})
_FINDINGS: Final = (Reason.Violation, Reason.VerificationRefused, Reason.Aborted, Reason.OnlyVerified)
"""These causes are no gaps: they are judged by what they are, the gravest first."""
_URGENT: Final = frozenset({Reason.Violation, Reason.VerificationRefused})
"""The fleet is halted for these causes before they are on record: the target's data goes first, and the pods' own last
words have them."""


@dataclass(frozen=True)
class StopCause:
    """A reason to stop, a sentence about it, and how: `allows_draining` lets uploads in flight finish.

    A `is_gap` keeps the run from being judged in full; a violation or a refusal is no gap but a finding of its own, and
    the end of a climb is neither.
    """

    reason: AnyReason
    message: str
    allows_draining: bool = False
    is_gap: bool = True

    @property
    def is_finding(self) -> bool:
        """Whether the run is judged by the cause itself."""
        return not self.is_gap and self.reason not in _NATURAL_ENDS

    @property
    def is_urgent(self) -> bool:
        """Whether the fleet is halted before the cause is on record."""
        return self.reason in _URGENT

    @property
    def rank(self) -> int:
        """The place among several causes: findings come first, the gravest of them before the others."""
        return _FINDINGS.index(self.reason) if self.reason in _FINDINGS else len(_FINDINGS)


def is_on_record(observation: Observation, cause: StopCause) -> bool:
    """Whether the status says already why the run must stop."""
    recorded = recorded_cause(observation)
    return recorded is not None and recorded.reason == cause.reason


def recorded_cause(observation: Observation) -> StopCause | None:
    """The cause that an earlier decision wrote into the condition `Running`."""
    running = observation.test.record.condition(ConditionType.RUNNING)
    if running is None or running.is_true:
        return None
    reason = reason_of_name(running.reason)
    if reason in _NO_CAUSE:
        return None
    return StopCause(
        reason,
        running.message,
        allows_draining=reason in _DRAINING,
        is_gap=reason not in _FINDINGS and reason not in _NATURAL_ENDS,
    )
