"""Columns of integers, decimals and booleans."""

import re
from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from loadgen.profiling.proposals import ColumnValues, Json, Proposal, share_weights, words_of_name

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,14}")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,12})(?:\.([0-9]{1,9}))?")
_MOST_DIGITS: Final = 15
_COMMON_ROWS: Final = 5
"""A bound that so many rows share tells of none of them."""

_BOOLEAN_PAIRS: Final = (
    *(("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("1", "0"), ("on", "off")),
    *(("oui", "non"), ("ja", "nein")),
)
_BOOLEAN_WORDS: Final = frozenset(("is", "has", "can", "active", "enabled", "flag"))


def propose_boolean(values: ColumnValues) -> Proposal | None:
    """A boolean in the file's own words for it, None if the values are something else."""
    counts = Counter(values.filled)
    if len(counts) > 2:
        return None
    for pair in _BOOLEAN_PAIRS:
        texts = next((texts for texts in _spellings(pair) if counts.keys() <= set(texts)), None)
        if texts is None:
            continue
        is_plain = len(pair[0]) > 2 or words_of_name(values.name)[:1] in {(word,) for word in _BOOLEAN_WORDS}
        if len(counts) == 2 or is_plain:
            parameters: Json = {"kind": "boolean"}
            if texts != ("true", "false"):
                parameters["values"] = list(texts)
            if len(counts) == 2:
                parameters["weights"] = share_weights([counts[text] for text in texts])
            return Proposal(parameters)
    return None


def propose_number(values: ColumnValues) -> Proposal | None:
    """An integer or a decimal between bounds like the file's, None if the values are something else."""
    if all(_INTEGER.fullmatch(value) for value in values.filled):
        return _integer(values)
    matches = [_DECIMAL.fullmatch(value) for value in values.filled]
    places = max((len(match[1] or "") for match in matches if match is not None), default=0)
    if not all(matches) or values.longest > _MOST_DIGITS:
        return None
    low, high = _bounds([Decimal(value) for value in values.filled])
    return Proposal({"kind": "decimal", "min": float(low), "max": float(high), "places": places})


def _integer(values: ColumnValues) -> Proposal:
    numbers = [Decimal(value) for value in values.filled]
    span = max(numbers) - min(numbers)
    is_counted = values.is_distinct and span < 2 * len(numbers)
    if min(numbers) >= 0 and (is_counted or (values.is_key and values.is_named_as_key)):
        # A leading 1 keeps zeros out of the front, and nine digits fit into the integers of every database.
        width = min(12, max(8, values.longest - 1))
        return Proposal({"kind": "unique", "prefix": "1", "width": width, "characters": "digits"})
    low, high = _bounds(numbers)
    return Proposal({"kind": "integer", "min": int(low), "max": int(high)})


def _spellings(pair: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    first, second = pair
    return ((first, second), (first.upper(), second.upper()), (first.capitalize(), second.capitalize()))


def _bounds(numbers: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """The range of the numbers, rounded inwards to two digits unless several rows share its end.

    A number within the range of the file is likelier to be valid than one outside.
    """
    counts = Counter(numbers)
    low, high = min(numbers), max(numbers)
    rounded_low = low if counts[low] >= _COMMON_ROWS else _round(low, ROUND_CEILING)
    rounded_high = high if counts[high] >= _COMMON_ROWS else _round(high, ROUND_FLOOR)
    if rounded_low <= rounded_high:
        return rounded_low, rounded_high
    return _round(low, ROUND_FLOOR), _round(high, ROUND_CEILING)


def _round(number: Decimal, rounding: str) -> Decimal:
    """The number with its first two digits alone."""
    if not number:
        return number
    return number.quantize(Decimal(1).scaleb(number.adjusted() - 1), rounding=rounding) + 0
