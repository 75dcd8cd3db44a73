"""Columns of texts: choices, codes of one shape, keys, and running text."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from loadgen.profiling.proposals import LEAST_ROWS, ColumnValues, Confirmable, Json, Proposal, share_weights
from loadtest_model.records.patterns import LEAST_UNIQUE_DIGITS

MOST_CHOICES: Final = 30
MOST_FORCED_CHOICES: Final = 256
_ROWS_PER_CHOICE: Final = 4
_LONGEST_VALUE: Final = 256
_LONGEST_PATTERN: Final = 60
_LEAST_SHARE: Final = 0.6
"""Of the values that have the commonest shape."""
_LONGEST_CAPITALS: Final = 8
_MOST_UNIQUE_CHARACTERS: Final = 12
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UUID_PATTERN: Final = "########-####-4###-8###-############"


def propose_choice(values: ColumnValues, *, is_forced: bool = False) -> Proposal | None:
    """A choice, with placeholders until the owner confirms; None if the values are too many.

    `is_forced` says that the owner has called the column a choice.
    """
    counts = Counter(values.filled).most_common()
    is_few = len(counts) <= MOST_CHOICES and len(values.filled) >= max(LEAST_ROWS, _ROWS_PER_CHOICE * len(counts))
    is_possible = len(counts) <= MOST_FORCED_CHOICES and values.longest <= _LONGEST_VALUE
    if not is_possible or not (is_few or is_forced):
        return None
    weights = share_weights([count for _, count in counts])
    choices = [value for value, _ in counts]
    shares = ", ".join(f"{value} ({weight} %)" for value, weight in zip(choices, weights, strict=True))
    number = f"{len(counts)} choice{'' if len(counts) == 1 else 's'}"
    return Proposal(
        {"kind": "choice", "values": _placeholders(len(counts), values.longest), "weights": weights},
        notes=(f"{number}, for which placeholders stand; --choices writes those of the file, or write them here",),
        confirmable=Confirmable(f"{number}: {shares}", {"kind": "choice", "values": choices, "weights": weights}),
    )


def propose_pattern(values: ColumnValues) -> Proposal | None:
    """A pattern if most values have one shape, with digits or capitals in it; None otherwise."""
    if values.filled and all(map(_UUID.fullmatch, values.filled)):
        return Proposal({"kind": "pattern", "pattern": _UUID_PATTERN, "unique": True})
    shapes = Counter(map(shape_of, values.filled))
    ((shape, count),) = shapes.most_common(1)
    if count < _LEAST_SHARE * len(values.filled) or not _is_code(shape, values.filled):
        return None
    is_unique = values.is_key
    if is_unique and shape.replace("\\#", "").count("#") < LEAST_UNIQUE_DIGITS:
        return None
    notes = [] if len(shapes) == 1 else [f"the shape of {100 * count // len(values.filled)} % of the values"]
    members = [value for value in values.filled if shape_of(value) == shape]
    if any(character.islower() for value in members for character in value):
        notes.append("letters are capitals")
    parameters: Json = {"kind": "pattern", "pattern": shape, **({"unique": True} if is_unique else {})}
    fixed_shape = _with_fixed_characters(members)
    confirmable = None
    if fixed_shape != shape and _unique_digits(fixed_shape) >= (LEAST_UNIQUE_DIGITS if is_unique else 0):
        confirmable = Confirmable(f"pattern {fixed_shape}", {**parameters, "pattern": fixed_shape})
        notes.append("some characters are the same in all values; --choices writes them")
    return Proposal(parameters, notes=tuple(notes), confirmable=confirmable)


def propose_text(values: ColumnValues) -> Proposal:
    """A key or a text of the file's length."""
    if values.is_key and (values.is_named_as_key or not any(" " in value for value in values.filled)):
        width = min(_MOST_UNIQUE_CHARACTERS, max(2, values.longest))
        return Proposal({"kind": "unique", "width": width})
    if values.longest < 5:
        return Proposal({"kind": "pattern", "pattern": "?" * values.longest}, notes=("letters are capitals",))
    return Proposal({"kind": "faker", "provider": "text", "arguments": {"max_nb_chars": min(values.longest, 2_000)}})


def shape_of(value: str) -> str:
    """The pattern of a value: its digits and letters stand for any, and other ASCII characters for themselves."""
    return "".join(map(_shape_of_character, value))


def _shape_of_character(character: str) -> str:
    if character in "0123456789":
        return "#"
    # Of other scripts' signs nobody knows what they tell.
    if character.isalnum() or not character.isascii():
        return "?"
    return f"\\{character}" if character in "#?\\" else character


def _is_code(shape: str, values: Sequence[str]) -> bool:
    if len(shape) > _LONGEST_PATTERN or not shape.isprintable():
        return False
    has_digits = "#" in shape.replace("\\#", "")
    return has_digits or all(
        len(value) <= _LONGEST_CAPITALS and value.isupper() and value.isascii() for value in values
    )


def _with_fixed_characters(values: Sequence[str]) -> str:
    """The shape of values of one shape, with the characters that are the same in all of them."""
    return "".join(
        _escape(characters[0]) if len(set(characters)) == 1 else _shape_of_character(characters[0])
        for characters in zip(*values, strict=True)
    )


def _escape(character: str) -> str:
    return f"\\{character}" if character in "#?\\" else character


def _unique_digits(shape: str) -> int:
    return shape.replace("\\#", "").count("#")


def _placeholders(count: int, longest: int) -> list[str]:
    """So many different texts, no longer than those of the file if they can be."""
    texts = [f"choice {number}" for number in range(1, count + 1)]
    if max(map(len, texts)) <= longest:
        return texts
    letters = [chr(ord("A") + number % 26) for number in range(count)]
    return letters if count <= 26 else [f"{letter}{number}" for number, letter in enumerate(letters)]
