"""Phone numbers, each given once: one counter per area code, divided among the pods without remainder.

The n-th phone that pod i of N takes from an area code is number n * N + i of that code, so that pods never
meet, and a number comes again only when the code has none left: then the same numbers are given once more,
in the same order.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadgen.records.words import Words
from loadtest_model.records.geography import AREA_CODES
from loadtest_model.records.phone_space import EXCHANGES, PHONES_PER_AREA_CODE, RESERVED_PHONES_PER_AREA_CODE

# Coprime to the number of phones, near its golden section: phones given one after the other lie far apart.
_STRIDES: Final = {PHONES_PER_AREA_CODE: 4_894_831, RESERVED_PHONES_PER_AREA_CODE: 61}
_KEY_STREAM: Final = 1


def _little_endian(text: str) -> int:
    return int.from_bytes(text.encode(), "little")


_EXCHANGE_WORDS: Final = np.array([_little_endian(f"{exchange}-") for exchange in EXCHANGES], np.uint64)
_RESERVED_WORDS: Final = np.array(
    [_little_endian(f"555-01{line:02}") for line in range(RESERVED_PHONES_PER_AREA_CODE)], np.uint64
)


def _line_words() -> NDArray[np.uint64]:
    """The four digits of every line as the upper half of a word; a text for each would take some milliseconds."""
    lines = np.arange(10_000, dtype=np.uint64)
    words = np.zeros_like(lines)
    for place in range(4):
        digits = lines // np.uint64(10 ** (3 - place)) % np.uint64(10)
        words |= (digits + np.uint64(ord("0"))) << np.uint64(32 + 8 * place)
    return words


_LINE_WORDS: Final = _line_words()

PhoneNumbers = NDArray[np.uint32]

Advances = NDArray[np.int64]
"""How far the next number of each area code moves."""


class PhoneBook:
    """One pod's place in every area code's numbers, of which each has `capacity`."""

    def __init__(self, seed: int, pod_index: int, pod_count: int, capacity: int = PHONES_PER_AREA_CODE) -> None:
        stride = _STRIDES[capacity]
        starts = Words(seed, _KEY_STREAM).below(capacity, len(AREA_CODES))
        self.capacity = capacity
        self._next: Advances = (starts + pod_index * stride) % capacity
        self._step = pod_count * stride % capacity

    def steps(self, area_indices: NDArray[np.intp]) -> PhoneNumbers:
        """How far each row lies from its area code's next number when all rows take one in turn.

        `area_indices` point into AREA_CODES, one a row; the result has the same shape.
        """
        order = np.argsort(area_indices, kind="stable")
        in_order = area_indices[order]
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order)) - np.searchsorted(in_order, in_order)
        return (ranks * self._step % self.capacity).astype(np.uint32)

    def take(self, area_indices: NDArray[np.intp], first_row: int, rows: int) -> Advances:
        """Give the rows from `first_row` on a number each; the bases to find them by, one an area code.

        A row's number is its base plus its step (modulo the capacity), the step counted from row 0.
        """
        bases = self.take_all(self.advances(area_indices[first_row : first_row + rows]))
        return (bases - self.advances(area_indices[:first_row])) % self.capacity if first_row else bases

    def advances(self, area_indices: NDArray[np.intp]) -> Advances:
        """How far each area code's next number moves if every row takes one."""
        return np.bincount(area_indices, minlength=len(AREA_CODES)) * self._step % self.capacity

    def take_all(self, advances: Advances) -> Advances:
        """The same for all rows at once, of which the advances are known."""
        bases = self._next
        self._next = (bases + advances) % self.capacity
        return bases


def numbers_of_rows(
    bases: Advances, area_indices: NDArray[np.intp], steps: PhoneNumbers, capacity: int
) -> PhoneNumbers:
    """The number of each row, from what PhoneBook gives."""
    # Words of 32 bits and no look at indices that are right take two thirds of the time here and in phone_words.
    numbers: PhoneNumbers = bases.astype(np.uint32).take(area_indices, mode="clip")
    numbers += steps
    # Where a number is below the capacity, the difference wraps around and is the larger of the two.
    np.minimum(numbers, numbers - np.uint32(capacity), out=numbers)
    return numbers


def phone_words(numbers: PhoneNumbers) -> NDArray[np.uint64]:
    """The text of each number after its area code, `NXX-XXXX`, the first character in the lowest byte."""
    exchanges = numbers // np.uint32(10_000)
    words: NDArray[np.uint64] = _EXCHANGE_WORDS.take(exchanges, mode="clip")
    words |= _LINE_WORDS.take(numbers - exchanges * np.uint32(10_000), mode="clip")
    return words


def reserved_phone_words(numbers: PhoneNumbers) -> NDArray[np.uint64]:
    """The text of each number below 100 as a line that is never assigned, `555-01XX`, likewise."""
    words: NDArray[np.uint64] = _RESERVED_WORDS[numbers]
    return words
