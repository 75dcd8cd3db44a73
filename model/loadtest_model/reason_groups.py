"""The groups and classes of reasons, and what belongs to every reason: group, class, meaning and advice."""

from enum import StrEnum, auto
from typing import Self


class ReasonGroup(StrEnum):
    """What a reason is about, as the documents head it."""

    LINE = "Waiting for its turn"
    TARGET = "The target"
    SPEC = "The spec"
    PODS = "The pods"
    VERIFICATION = "The verification"
    LOAD = "The load"
    RESULTS = "The results"
    VERDICT = "The verdict"
    PHASES = "Events of a phase"


class ReasonClass(StrEnum):
    """Whether a test loaded its target, and if it did not, why, or who can change that."""

    LOAD = "Load"
    """The load or what was measured of it decided."""
    VERIFICATION = "Verification"
    """The test asked for no load: only its target was to be proven, and was."""
    REFUSED = "Refused"
    """The verification did not prove the target."""
    MISCONFIGURED = "Misconfigured"
    """The test names or asks for something that cannot be."""
    NOT_PERMITTED = "NotPermitted"
    """The installation, the namespace or the target does not permit it."""
    PREVENTED = "Prevented"
    """The cluster, the line, the generator or a person kept the load from starting."""


def reason_member(
    group: ReasonGroup, meaning: str, advice: str = "", reason_class: ReasonClass = ReasonClass.LOAD
) -> tuple[auto, ReasonGroup, str, str, ReasonClass]:
    return auto(), group, meaning, advice, reason_class


class ExplainedReason(StrEnum):
    """A reason, named as conditions and Events show it. `advice` is empty if there is nothing to do.

    `reason_class` is the class of a test that ended for this reason before its load.
    """

    group: ReasonGroup
    meaning: str
    advice: str
    reason_class: ReasonClass

    def __new__(cls, name: str, group: ReasonGroup, meaning: str, advice: str, reason_class: ReasonClass) -> Self:
        reason = str.__new__(cls, name)
        reason._value_ = name
        reason.group, reason.meaning, reason.advice, reason.reason_class = group, meaning, advice, reason_class
        return reason

    @staticmethod
    def _generate_next_value_(name: str, _start: int, _count: int, _last_values: list[str]) -> str:
        return name

    def with_advice(self, message: str) -> str:
        """A message that ends with what to do about its reason."""
        return f"{message.rstrip('.')}; {self.advice}" if self.advice else message
