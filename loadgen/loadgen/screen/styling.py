"""Colours of a terminal, and how wide a text is that has some."""

import re
from typing import Final

GREEN, RED, YELLOW, CYAN, BOLD, DIM = "32", "31", "33", "36", "1", "2"

_SEQUENCE: Final = re.compile(r"\x1b\[[0-9;]*m")
_RESET: Final = "\x1b[0m"


def paint(text: str, code: str, in_colour: bool) -> str:
    """The text in a colour or style, or as it is where nothing is coloured."""
    return f"\x1b[{code}m{text}{_RESET}" if in_colour and text else text


def visible_length(text: str) -> int:
    """The number of characters that a terminal shows of a text."""
    return len(_SEQUENCE.sub("", text))


def clip_to_width(text: str, width: int) -> str:
    """The text cut to so many visible characters; colours that are begun are ended."""
    if visible_length(text) <= width:
        return text
    parts, remaining = [], width
    for part in re.split(f"({_SEQUENCE.pattern})", text):
        if _SEQUENCE.fullmatch(part):
            parts.append(part)
        else:
            parts.append(part[:remaining])
            remaining -= len(parts[-1])
    return "".join(parts)
