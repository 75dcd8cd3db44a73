r"""Patterns of codes, such as `??-#####`, for regular expressions of one shape, such as `^[A-Z]{2}-\d{5}$`."""

import re
from typing import Final

_DIGIT: Final = "#"
_LETTER: Final = "?"
_CLASSES: Final = {
    **dict.fromkeys((r"\d", "[0-9]", "[A-Z0-9]", "[0-9A-Z]"), _DIGIT),
    **dict.fromkeys(("[A-Z]", "[A-Za-z]", "[a-zA-Z]"), _LETTER),
}
# A class, an escaped character or a plain one, and how often it comes.
_PART: Final = re.compile(r"(\[[^]]+\]|\\.|[^][\\(){}.*+?|^$])(?:\{(\d{1,2})(?:,\d{0,2})?\}|([+*?]))?")
_ANCHORED: Final = re.compile(r"(?:\^|\\A)(.*[^\\])(?:\$|\\Z)", re.DOTALL)
_LEAST_TIMES: Final = {"": 1, "+": 1, "*": 0, "?": 0}


def pattern_of(regex: str, longest: int) -> str | None:
    """A pattern whose texts all match a regular expression; None if its shape is another, or they would be too long."""
    anchored = _ANCHORED.fullmatch(regex)
    if anchored is None:
        # What stands before or after it may be anything, and nothing tells what.
        return None
    body, pattern, position = anchored[1], "", 0
    while position < len(body):
        match = _PART.match(body, position)
        if match is None or (filler := _filler(match[1])) is None:
            return None
        pattern += filler * (int(match[2]) if match[2] else _LEAST_TIMES[match[3] or ""])
        position = match.end()
    texts = [_filled(pattern, digit, letter) for digit, letter in (("0", "A"), ("9", "Z"), ("5", "K"))]
    is_right = all(0 < len(text) <= longest and re.search(regex, text) for text in texts)
    return pattern if is_right else None


def _filler(part: str) -> str | None:
    """What stands in a pattern for a part of a regular expression."""
    if part in _CLASSES:
        return _CLASSES[part]
    if part[0] == "[" or (part[0] == "\\" and part[1].isalnum()):
        return None
    character = part[-1]
    return f"\\{character}" if character in (_DIGIT, _LETTER, "\\") else character


def _filled(pattern: str, digit: str, letter: str) -> str:
    """A text of a pattern, with the same digit and the same letter everywhere."""
    fillers = {_DIGIT: digit, _LETTER: letter}
    return re.sub(r"\\(.)|[#?]", lambda match: match[1] or fillers[match[0]], pattern)
