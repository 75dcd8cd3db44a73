"""Patterns of texts, such as `(###) ###-####`: which characters are drawn, and which carry a unique number."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby
from typing import Final, NamedTuple

MOST_UNIQUE_DIGITS: Final = 18
LEAST_UNIQUE_DIGITS: Final = 2
_ESCAPE: Final = "\\"


class Fill(StrEnum):
    """What fills a part of a pattern."""

    TEXT = "text"
    DIGITS = "#"
    LETTERS = "?"
    NUMBER = "number"
    """Digits of a number that no other record has."""


class PatternPart(NamedTuple):
    """Consecutive characters that are filled in the same way.

    `text` is what a TEXT part consists of. `digits_after` counts the digits of the number that follow a NUMBER part.
    """

    fill: Fill
    width: int
    text: str = ""
    digits_after: int = 0


def pattern_parts(pattern: str, *, unique: bool = False) -> tuple[PatternPart, ...]:
    """The parts of a pattern. If it is to be unique, its last 18 digits are those of a number.

    Raises ValueError for a pattern that ends with a single backslash, and for one that is to be unique but has fewer
    than two digits.
    """
    parts = [
        PatternPart(fill, len(characters), "".join(characters) if fill is Fill.TEXT else "")
        for fill, characters in (
            (fill, [character for _, character in group])
            for fill, group in groupby(_characters(pattern), key=lambda pair: pair[0])
        )
    ]
    return tuple(_with_number(parts)) if unique else tuple(parts)


def unique_digits(pattern: str) -> int:
    """How many digits of a unique pattern are those of its number."""
    return sum(part.width for part in pattern_parts(pattern, unique=True) if part.fill is Fill.NUMBER)


def _characters(pattern: str) -> Iterator[tuple[Fill, str]]:
    characters = iter(pattern)
    for character in characters:
        if character == _ESCAPE:
            escaped = next(characters, None)
            if escaped is None:
                raise ValueError("ends with a single backslash; write two for one")
            yield Fill.TEXT, escaped
        else:
            yield Fill(character) if character in (Fill.DIGITS, Fill.LETTERS) else Fill.TEXT, character


def _with_number(parts: list[PatternPart]) -> list[PatternPart]:
    """The parts, of which the last digits are made those of the number; a run of digits may be cut in two."""
    reversed_parts: list[PatternPart] = []
    digits_after = 0
    for part in reversed(parts):
        width = min(part.width, MOST_UNIQUE_DIGITS - digits_after) if part.fill is Fill.DIGITS else 0
        if width:
            reversed_parts.append(PatternPart(Fill.NUMBER, width, digits_after=digits_after))
            digits_after += width
        if part.width > width:
            reversed_parts.append(part._replace(width=part.width - width) if width else part)
    if digits_after < LEAST_UNIQUE_DIGITS:
        raise ValueError(f"has {digits_after} of the character #; a unique one needs at least {LEAST_UNIQUE_DIGITS}")
    return reversed_parts[::-1]
