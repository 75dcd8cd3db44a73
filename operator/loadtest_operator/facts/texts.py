"""Texts that others wrote, made fit for one line of a log or a status."""

from typing import Final

from loadtest_model.quantities import clip

LONGEST_MESSAGE: Final = 1_024
"""What a condition's message may have."""


def escape(text: str) -> str:
    """A text whose line ends, control characters and invisible ones are written as Python would write them."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def shorten(text: str, limit: int = LONGEST_MESSAGE) -> str:
    """A text in one line and within the limit, its cut end marked."""
    return clip(escape(text), limit)
