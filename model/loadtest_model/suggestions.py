"""Suggestions for mistyped words."""

import difflib
from collections.abc import Iterable

_MOST_SHOWN = 12


def suggestion(word: str, valid_words: Iterable[str]) -> str:
    """The end of a message about a wrong word: the similar words, or else the first dozen of the valid ones."""
    choices = list(valid_words)
    by_lower = {choice.lower(): choice for choice in choices}
    similar = [by_lower[choice] for choice in difflib.get_close_matches(word.lower(), by_lower, n=3)]
    if similar:
        return f"did you mean {' or '.join(similar)}?"
    remainder = "" if len(choices) <= _MOST_SHOWN else f" and {len(choices) - _MOST_SHOWN} more"
    return f"there is {', '.join(choices[:_MOST_SHOWN])}{remainder}"
