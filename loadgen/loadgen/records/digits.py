"""Numbers as characters of a fixed width, and a bijection of the numbers of so many decimal digits."""

from dataclasses import dataclass
from enum import Enum
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


_SINGLES: Final = {each: np.frombuffer(each.value.encode(), np.uint8) for each in Alphabet}
_PAIRS: Final = {
    each: np.array([ord(first) | ord(second) << 8 for first in each.value for second in each.value], np.uint16)
    for each in Alphabet
}


def words_of(
    numbers: NDArray[np.uint64], width: int, alphabet: Alphabet
) -> list[tuple[int, NDArray[np.unsignedinteger]]]:
    """Each number in `width` characters: words of 8, 4, 2 or 1 of them, the first lowest, and where each word begins.

    What is above the highest number of so many characters is cut off.
    """
    parts = []
    at = 0
    for size, word_type in _WORD_TYPES.items():
        while width - at >= size:
            below = width - at - size
            parts.append((at, _word(numbers // np.uint64(alphabet.base**below), size, alphabet).astype(word_type)))
            at += size
    return parts


def _word(numbers: NDArray[np.uint64], size: int, alphabet: Alphabet) -> NDArray[np.uint64]:
    """The last `size` characters of each number."""
    if size == 1:
        return _SINGLES[alphabet][(numbers % np.uint64(alphabet.base)).astype(np.intp)].astype(np.uint64)
    square = np.uint64(alphabet.base**2)
    words = np.zeros_like(numbers)
    for place in reversed(range(size // 2)):
        pairs = _PAIRS[alphabet][(numbers % square).astype(np.intp)].astype(np.uint64)
        words |= pairs << np.uint64(16 * place)
        numbers = numbers // square
    return words


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
    mixed = (numbers ^ np.uint64(key)) * _FACTOR
    return mixed >> np.uint64(32)
