"""A keyed bijection of the numbers of a power-of-two range: neighbours end up far apart, and none meet."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Odd constants of the 64-bit finalizer of SplitMix (Steele, Lea, Flood 2014); an odd factor has an inverse
# modulo any power of two, whatever bits are cut off above.
_FACTOR_1 = np.uint64(0xBF58476D1CE4E5B9)
_FACTOR_2 = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True, slots=True)
class Scatter:
    """A bijection of 0 .. 2**bits - 1 onto itself, for 2 <= bits <= 64; each key gives another one.

    Every step can be undone: an exclusive or with the key, products with odd factors modulo 2**bits, and
    exclusive ors of a number with its own upper half.
    """

    bits: int
    key: int

    @property
    def size(self) -> int:
        return 1 << self.bits

    def __call__(self, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The images of the numbers, which must lie in the range; same shape."""
        mask = np.uint64(2**self.bits - 1)
        half = np.uint64((self.bits + 1) // 2)
        image = numbers ^ (np.uint64(self.key & 0xFFFF_FFFF_FFFF_FFFF) & mask)
        for factor in (_FACTOR_1, _FACTOR_2):
            image *= factor
            image &= mask
            image ^= image >> half
        return image

    def image_of(self, number: int) -> int:
        """The image of one number, without what a call of NumPy costs."""
        mask = self.size - 1
        image = (number ^ self.key) & mask
        for factor in (int(_FACTOR_1), int(_FACTOR_2)):
            image = image * factor & mask
            image ^= image >> (self.bits + 1) // 2
        return image
