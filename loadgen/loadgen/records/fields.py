"""Fields that users add, a column of texts at a time; what differs in every row is left as marks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadgen.records.dates import DateTexts
from loadgen.records.faking import FakedValues
from loadgen.records.marks import MARK_CHARACTERS
from loadgen.records.pools import mail_name
from loadgen.records.words import Indices, Words
from loadtest_model.plan.columns import ColumnPlan, Conversion

Texts = Sequence[str]


@dataclass(frozen=True, slots=True)
class RowSlice:
    """Rows that are being rendered: their client columns, and the added columns so far, by name.

    `french` is 1 for a row in French and 0 for one in English.
    """

    count: int
    french: Indices
    clients: Mapping[str, Texts]
    added: Mapping[str, Texts]


TextMaker = Callable[[RowSlice], Texts]


def constant(plan: ColumnPlan) -> TextMaker:
    return lambda rows: [plan.text] * rows.count


def unique(plan: ColumnPlan, mark: str) -> TextMaker:
    text = plan.prefix + mark
    return lambda rows: [text] * rows.count


def choice(plan: ColumnPlan, words: Words) -> TextMaker:
    return lambda rows: [plan.values[place] for place in words.choose(plan.weights, rows.count).tolist()]


def dates_or_times(plan: ColumnPlan, words: Words, dates: DateTexts) -> TextMaker:
    """Dates or times from the lowest to the highest."""
    write = dates.dates if plan.kind == "date" else dates.times
    first = np.datetime64(plan.low, "D") if plan.kind == "date" else np.datetime64(plan.low, "s")
    return lambda rows: write(first + words.within(plan.high - plan.low + 1, rows.count).astype(np.int64))


def faked_values(values: FakedValues) -> TextMaker:
    return lambda rows: values.draw(rows.french)


def numbers(plan: ColumnPlan, words: Words, mark: str = "") -> TextMaker:
    """Integers or decimals from the lowest to the highest.

    Where there is a mark it stands for the last digits of every number that has these digits, and all of whose
    neighbours up to the next round number lie in the range; so each number stays as likely as the others.
    """
    span = plan.high - plan.low + 1
    return lambda rows: [_number(plan, plan.low + step, mark) for step in words.within(span, rows.count).tolist()]


def marked_digits(plan: ColumnPlan) -> int:
    """How many last digits of a number differ in every row; they must be few enough for most numbers to have them."""
    span = plan.high - plan.low + 1
    if plan.places:
        return min(plan.places, 2) if span >= 1_000 else 1 if span >= 20 else 0
    return 4 if span >= 10_000_000 else 2 if span >= 10_000 else 1 if span >= 20 else 0


def _number(plan: ColumnPlan, units: int, mark: str) -> str:
    size = abs(units)
    sign = "-" if units < 0 else ""
    if mark and _has_block(plan, size, len(mark), sign):
        digits = str(size // 10 ** len(mark)).rjust(plan.places + 1 - len(mark), "0")
        digits = (digits if size >= 10 ** len(mark) or plan.places else "") + mark
    else:
        digits = str(size).rjust(plan.places + 1, "0")
    return f"{sign}{digits[: -plan.places]}.{digits[-plan.places :]}" if plan.places else f"{sign}{digits}"


def _has_block(plan: ColumnPlan, size: int, width: int, sign: str) -> bool:
    """Whether all numbers that differ in the last digits alone lie in the range, and are written as long."""
    block: int = 10**width
    first = size - size % block
    if first == 0 and (sign or (width > 1 and not plan.places)):
        return False
    low, high = (-first - block + 1, -first) if sign else (first, first + block - 1)
    return plan.low <= low and high <= plan.high


def concatenation(parts: Sequence[tuple[TextMaker, Conversion, Mapping[int, str]]]) -> TextMaker:
    """Texts of parts: of each what makes it, how it is converted, and the marks that take the place of its own."""

    def make(rows: RowSlice) -> Texts:
        columns = [
            [_CONVERSIONS[conversion](text).translate(marks) for text in maker(rows)]
            for maker, conversion, marks in parts
        ]
        return ["".join(fields) for fields in zip(*columns, strict=True)]

    return make


def client_column(name: str) -> TextMaker:
    return lambda rows: rows.clients[name]


def added_column(name: str) -> TextMaker:
    return lambda rows: rows.added[name]


def with_nulls(maker: TextMaker, words: Words, millionths: int) -> TextMaker:
    """So many of a million fields empty."""

    def make(rows: RowSlice) -> Texts:
        kept_flags = (words.below(1_000_000, rows.count) >= millionths).tolist()
        return [text if is_kept else "" for text, is_kept in zip(maker(rows), kept_flags, strict=True)]

    return make


def _mail(text: str) -> str:
    return mail_name(text, other_characters=MARK_CHARACTERS)


_CONVERSIONS: Final[Mapping[Conversion, Callable[[str], str]]] = {
    "": lambda text: text,
    "lower": str.lower,
    "upper": str.upper,
    "mail": _mail,
}
