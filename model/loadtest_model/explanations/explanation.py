"""What people are told of a cause."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """A cause in a few words, in a sentence or two, and what to do about it, naming the setting or the field."""

    title: str
    meaning: str
    next_step: str
