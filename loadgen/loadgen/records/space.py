"""The numbers that one pod of one run may give to records, and the codes that stand for them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadgen.records.code_order import CodeOrder, joined
from loadgen.records.words import Words
from loadtest_model.measurement.run_rows import RUN_CHARACTERS

MAX_PODS: Final = 1_000
ROWS_PER_POD: Final = 2**40
"""How many records one pod can number: more than 60 hours at five million a second."""

CODE_LENGTH: Final = 8
"""Characters of the code that tells a pod's records apart; it follows the prefix in every unique field."""

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U."""

_PAIR_TEXTS: Final = tuple(first + second for first in ALPHABET for second in ALPHABET)

# For each pair of characters in a code, the ten bits that it stands for and its bytes, in their place in a word.
_PAIR_WORDS: Final = np.frombuffer("".join(_PAIR_TEXTS).encode(), "<u2").astype(np.uint64)
_PAIRS: Final = tuple(_PAIR_WORDS << np.uint64(16 * place) for place in range(CODE_LENGTH // 2))
_PAIR_OF_DIGITS: Final = np.array([int.from_bytes(f"{n:02}".encode(), "little") for n in range(100)], np.uint16)

_CODE_BEGINNING: Final = 0xFF_FFFF
_CODE_ENDING: Final = 0xFFFF_FFFF_FF00_0000
"""The three characters of a code that the rows of a block differ in, and the five that they share."""

_LOWER: Final = np.uint64(0x2020_2020_2020_2020)
_KEY_STREAM: Final = 0


@dataclass(frozen=True)
class RecordSpace:
    """What makes a pod's records its own: no two spaces that differ in run tag or pod index share an id.

    `run_tag` is a 48-bit number, one for each run; `seed` fixes everything else that is drawn.
    Raises ValueError for a number out of its range.
    """

    seed: int
    run_tag: int
    pod_index: int = 0
    pod_count: int = 1

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it must not be negative")
        if not 0 <= self.run_tag < 2**48:
            raise ValueError(f"run_tag is {self.run_tag}; it must be a 48-bit number")
        if not 1 <= self.pod_count <= MAX_PODS:
            raise ValueError(f"pod_count is {self.pod_count}; it must be from 1 to {MAX_PODS}")
        if not 0 <= self.pod_index < self.pod_count:
            raise ValueError(f"pod_index is {self.pod_index}; it must be below pod_count, {self.pod_count}")

    @cached_property
    def prefix(self) -> str:
        """The 12 characters that every id of this pod in this run begins with: ten of the run, two of the pod."""
        return run_prefix(self.run_tag) + _base32(self.pod_index, 2)

    @cached_property
    def code_order(self) -> CodeOrder:
        """The order in which the pod's numbers turn into codes."""
        first_key, second_key = Words(self.seed, _KEY_STREAM, self.pod_index).raw(2).tolist()
        return CodeOrder((first_key, second_key))

    def codes(self, first_number: int, rows: int) -> NDArray[np.uint64]:
        """The codes of the records with these numbers, the first character in the lowest byte; shape (rows,)."""
        if rows == 0:
            return np.zeros(0, np.uint64)
        return joined(
            [
                self._code_beginnings[run.places] | np.uint64(_code_word(run.ending) & _CODE_ENDING)
                for run in self.code_order.runs(first_number, rows)
            ]
        )

    def house_digits(self, first_number: int, rows: int) -> NDArray[np.uint16]:
        """Two digits for each of these records, as decimal characters; shape (rows,)."""
        if rows == 0:
            return np.zeros(0, np.uint16)
        return joined([self._digit_pairs[run.places] for run in self.code_order.runs(first_number, rows)])

    def client_id(self, number: int) -> str:
        """The id of one record."""
        return self.prefix + _base32(self.code_order.image_of(number), CODE_LENGTH)

    def client_ids(self, first_number: int, rows: int) -> list[str]:
        """The ids of the records with these numbers, 20 characters each."""
        codes = self.codes(first_number, rows).astype("<u8").tobytes().decode()
        return [self.prefix + codes[at : at + CODE_LENGTH] for at in range(0, len(codes), CODE_LENGTH)]

    @cached_property
    def _code_beginnings(self) -> NDArray[np.uint64]:
        """The first characters of the codes of a block."""
        return code_words(self.code_order.beginnings) & np.uint64(_CODE_BEGINNING)

    @cached_property
    def _digit_pairs(self) -> NDArray[np.uint16]:
        """Two digits for each beginning of a code, which decides them, so that no further draw is needed."""
        order = self.code_order
        shares = order.beginnings >> np.uint64(order.bits - order.beginning_bits)
        return _PAIR_OF_DIGITS[(shares * np.uint64(100) >> np.uint64(order.beginning_bits)).astype(np.intp)]


def run_prefix(run_tag: int) -> str:
    """What every id of a run begins with."""
    return _base32(run_tag, RUN_CHARACTERS)


def code_words(scattered: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The code of each 40-bit number: eight base-32 characters, the first in the lowest byte of the word."""
    words = np.zeros_like(scattered)
    for place, pairs in enumerate(_PAIRS):
        bits = scattered >> np.uint64(30 - 10 * place)
        bits &= np.uint64(1023)
        words |= pairs[bits.view(np.int64)]
    return words


def _code_word(number: int) -> int:
    return int.from_bytes(_base32(number, CODE_LENGTH).encode(), "little")


def lower_case(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Codes in lower case. In ASCII a digit has the bit already that a lower-case letter has over a capital."""
    return words | _LOWER


def _base32(number: int, length: int) -> str:
    """A number in an even count of characters."""
    text = ""
    while length > 0:
        text = _PAIR_TEXTS[number & 1023] + text
        number >>= 10
        length -= 2
    return text
