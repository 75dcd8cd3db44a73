"""What a check found, and what helps."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Whether a finding keeps tests from running."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "PROBLEM"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was found, and the remedy; a note may have one, too."""

    level: Level
    subject: str
    text: str
    remedy: str = ""


def ok(subject: str, text: str) -> Finding:
    """A finding that is as it should be."""
    return Finding(Level.OK, subject, text)


def note(subject: str, text: str, remedy: str = "") -> Finding:
    """A finding that is in nobody's way."""
    return Finding(Level.NOTE, subject, text, remedy)


def problem(subject: str, text: str, remedy: str) -> Finding:
    """A finding that keeps tests from running."""
    return Finding(Level.PROBLEM, subject, text, remedy)
