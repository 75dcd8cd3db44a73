"""Texts that others wrote, made fit for one line of a log or a status."""

from loadtest_model.quantities import LONGEST_TEXT, clip_middle


def escape(text: str) -> str:
    """A text whose line ends, control characters and invisible ones are written as Python would write them."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def shorten(text: str, limit: int = LONGEST_TEXT) -> str:
    """A text in one line and within the limit. What is left out of its middle is marked."""
    return clip_middle(escape(text), limit)
