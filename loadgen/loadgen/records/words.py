"""Random draws that are the same on every platform: raw PCG64 words and integer arithmetic, no distributions."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


class Words:
    """A stream of PCG64 words that its key, a few non-negative integers, fixes."""

    def __init__(self, *key: int) -> None:
        self._generator = np.random.PCG64(np.random.SeedSequence(key))

    def raw(self, count: int) -> NDArray[np.uint64]:
        """The next 64-bit words, shape (count,)."""
        return self._generator.random_raw(count)

    def below(self, bounds: int | Indices, count: int) -> Indices:
        """Integers from 0 to below the bound, shape (count,); bounds are one or `count` numbers below 2**31.

        A value's probability is off by at most 2**-32 (Lemire 2019, without the rejection step, so that a
        draw always takes one word).
        """
        halves = (self.raw(count) >> np.uint64(32)).astype(np.int64)
        return (halves * bounds) >> 32

    def within(self, bound: int, count: int) -> NDArray[np.uint64]:
        """The same for one bound of up to 2**63: the upper half of each word times the bound."""
        words = self.raw(count)
        half, low = np.uint64(32), np.uint64(0xFFFF_FFFF)
        bound_high, bound_low = np.uint64(bound >> 32), np.uint64(bound & 0xFFFF_FFFF)
        high, rest = words >> half, words & low
        low_product, high_product = high * bound_low, rest * bound_high
        carry = ((low_product & low) + (high_product & low) + (rest * bound_low >> half)) >> half
        products: NDArray[np.uint64] = high * bound_high + (low_product >> half) + (high_product >> half) + carry
        return products

    def one_below(self, bound: int) -> int:
        """One integer from 0 to below the bound, which is below 2**31; it takes one word, as `below` does."""
        return (int(self._generator.random_raw()) >> 32) * bound >> 32

    def choose(self, weights: Sequence[int], count: int) -> Indices:
        """Indices into the weights, each as likely as its weight, shape (count,)."""
        ends = np.fromiter(accumulate(weights), np.int64)
        return np.searchsorted(ends, self.below(int(ends[-1]), count), side="right").astype(np.int64)
