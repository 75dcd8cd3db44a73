"""Fields of a pattern such as `(###) ###-####`: random digits and letters, or digits of a number of their own."""

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadgen.records.digits import Alphabet, words_of
from loadgen.records.fields import RowSlice, TextMaker, Texts
from loadgen.records.sources import ByteSource, MarkWords, PieceRows, UniqueCode
from loadgen.records.words import Words
from loadtest_model.records.patterns import Fill, PatternPart

_MOST_DIGITS: Final = 18
_MOST_LETTERS: Final = 13
"""What one draw can hold, which is below 2**63."""


@dataclass(frozen=True, slots=True)
class NumberDigits:
    """Some digits of each record's own number: `width` of them, which `digits_after` others follow."""

    number: UniqueCode
    width: int
    digits_after: int

    def parts(self, rows: PieceRows) -> list[MarkWords]:
        digits = self.number.numbers(rows) // np.uint64(10**self.digits_after) % np.uint64(10**self.width)
        return words_of(digits, self.width, Alphabet.DIGITS)

    def in_case(self, is_lower: bool) -> ByteSource:
        del is_lower
        return self


def pattern(parts: Sequence[PatternPart], words: Words, marks: Mapping[int, str]) -> TextMaker:
    """Texts of a pattern's parts; `marks` are those that stand for a number's digits, by the place of their part."""
    makers = [_part_maker(part, words, marks.get(place, "")) for place, part in enumerate(parts)]

    def make(rows: RowSlice) -> Texts:
        columns = [maker(rows.count) for maker in makers]
        return ["".join(fields) for fields in zip(*columns, strict=True)]

    return make


def _part_maker(part: PatternPart, words: Words, mark: str) -> Callable[[int], Texts]:
    match part.fill:
        case Fill.DIGITS:
            return lambda count: _draw_texts(words, string.digits, part.width, _MOST_DIGITS, count)
        case Fill.LETTERS:
            return lambda count: _draw_texts(words, string.ascii_uppercase, part.width, _MOST_LETTERS, count)
        case Fill.NUMBER:
            return lambda count: [mark] * count
        case Fill.TEXT:
            return lambda count: [part.text] * count


def _draw_texts(words: Words, alphabet: str, width: int, most_at_once: int, count: int) -> Texts:
    """Texts of so many characters of the alphabet, of which each is as likely as the others."""
    texts = [""] * count
    for first in range(0, width, most_at_once):
        size = min(most_at_once, width - first)
        numbers = words.within(len(alphabet) ** size, count).tolist()
        texts = [text + _text_of(number, alphabet, size) for text, number in zip(texts, numbers, strict=True)]
    return texts


def _text_of(number: int, alphabet: str, size: int) -> str:
    characters = []
    for _ in range(size):
        number, place = divmod(number, len(alphabet))
        characters.append(alphabet[place])
    return "".join(characters)
