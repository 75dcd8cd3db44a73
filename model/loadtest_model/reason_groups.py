"""The groups of reasons, and what belongs to every reason: its group, its meaning and the advice."""

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


def reason_member(group: ReasonGroup, meaning: str, advice: str = "") -> tuple[auto, ReasonGroup, str, str]:
    return auto(), group, meaning, advice


class ExplainedReason(StrEnum):
    """A reason, named as conditions and Events show it. `advice` is empty if there is nothing to do."""

    group: ReasonGroup
    meaning: str
    advice: str

    def __new__(cls, name: str, group: ReasonGroup, meaning: str, advice: str) -> Self:
        reason = str.__new__(cls, name)
        reason._value_ = name
        reason.group, reason.meaning, reason.advice = group, meaning, advice
        return reason

    @staticmethod
    def _generate_next_value_(name: str, _start: int, _count: int, _last_values: list[str]) -> str:
        return name

    def with_advice(self, message: str) -> str:
        """A message that ends with what to do about its reason."""
        return f"{message.rstrip('.')}; {self.advice}" if self.advice else message
