"""What a mistyped word may have meant."""

import difflib
from collections.abc import Iterable

_MOST_SHOWN = 12


def suggestion(word: str, words: Iterable[str]) -> str:
    """The rest of a message on a wrong word: the words that are like it, else the first dozen that there are."""
    known = list(words)
    by_lower = {each.lower(): each for each in known}
    like = [by_lower[each] for each in difflib.get_close_matches(word.lower(), by_lower, n=3)]
    if like:
        return f"did you mean {' or '.join(like)}?"
    more = "" if len(known) <= _MOST_SHOWN else f" and {len(known) - _MOST_SHOWN} more"
    return f"there is {', '.join(known[:_MOST_SHOWN])}{more}"
