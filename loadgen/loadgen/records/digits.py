"""Numbers as characters of a fixed width, and a bijection of the numbers of so many decimal digits."""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import product
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from loadgen.records.space import ALPHABET

_FACTOR: Final = np.uint64(0xBF58476D1CE4E5B9)
_WORD_TYPES: Final = {8: np.uint64, 4: np.uint32, 2: np.uint16, 1: np.uint8}


class Alphabet(Enum):
    """The characters that a number is written in."""

    DIGITS = "0123456789"
    BASE_32 = ALPHABET

    @property
    def base(self) -> int:
        return len(self.value)


@cache
def _table(alphabet: Alphabet, size: int, place: int) -> NDArray[np.uint64]:
    """The characters of every number that has so many, in the place of a word that they belong to."""
    texts = ("".join(letters) for letters in product(alphabet.value, repeat=size))
    return np.array([int.from_bytes(text.encode(), "little") << 8 * place for text in texts], np.uint64)


_CHARACTERS_AT_ONCE: Final = {Alphabet.DIGITS: 4, Alphabet.BASE_32: 2}
"""How many characters are looked up at once, where there are so many; the tables have 10,000 and 1,024 entries."""


def words_of(
    numbers: NDArray[np.uint64], width: int, alphabet: Alphabet
) -> list[tuple[int, NDArray[np.unsignedinteger]]]:
    """Each number in `width` characters: words of 8, 4, 2 or 1 of them, the first lowest, and where each word begins.

    The numbers must be below the alphabet's base to the power of the width.
    """
    parts = []
    at = 0
    for size, word_type in _WORD_TYPES.items():
        while width - at >= size:
            below = alphabet.base ** (width - at - size)
            numbers_of_word = numbers if below == 1 else numbers // np.uint64(below)
            parts.append((at, _word(numbers_of_word, size, alphabet).astype(word_type, copy=False)))
            at += size
            if at < width:
                numbers = numbers - numbers_of_word * np.uint64(below)
    return parts


def _word(numbers: NDArray[np.uint64], size: int, alphabet: Alphabet) -> NDArray[np.uint64]:
    """The characters of each number, of which there are `size`."""
    step = min(size, _CHARACTERS_AT_ONCE[alphabet])
    base = np.uint64(alphabet.base**step)
    words = np.zeros_like(numbers)
    for place in range(size - step, 0, -step):
        # A quotient and a product take a fraction of a remainder's time.
        quotients = numbers // base
        words |= _table(alphabet, step, place)[(numbers - quotients * base).view(np.int64)]
        numbers = quotients
    return words | _table(alphabet, step, 0)[numbers.view(np.int64)]


@dataclass(frozen=True, slots=True)
class DecimalScatter:
    """A bijection of 0 .. 10**digits - 1 onto itself, for 2 <= digits <= 18; each tuple of keys gives another one.

    The number's two halves are moved in turn, each by a hash of the other, modulo its own size (Feistel); so every
    step can be undone.
    """

    ROUNDS: ClassVar[int] = 4

    digits: int
    keys: tuple[int, ...]

    @property
    def size(self) -> int:
        return int(10**self.digits)

    def __call__(self, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The images of the numbers, which must lie in the range; same shape."""
        low_size = np.uint64(10 ** (self.digits // 2))
        high_size = np.uint64(10 ** (self.digits - self.digits // 2))
        high, low = numbers // low_size, numbers % low_size
        for turn, key in enumerate(self.keys):
            if turn % 2:
                low = (low + _hash(high, key) % low_size) % low_size
            else:
                high = (high + _hash(low, key) % high_size) % high_size
        return high * low_size + low


def _hash(numbers: NDArray[np.uint64], key: int) -> NDArray[np.uint64]:
    hashes = (numbers ^ np.uint64(key)) * _FACTOR
    return hashes >> np.uint64(32)
