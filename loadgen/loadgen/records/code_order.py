"""The order in which a pod's numbers turn into codes: those of consecutive numbers are slices of a table."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from loadgen.records.scatter import Scatter

_Word = TypeVar("_Word", bound=np.unsignedinteger)


class Run(NamedTuple):
    """Images that end alike; `places` are those of their beginnings in the table of a CodeOrder."""

    places: slice
    ending: int


@dataclass(frozen=True)
class CodeOrder:
    """A keyed bijection of 0 .. 2**bits - 1 onto itself, by blocks of 2**beginning_bits consecutive numbers.

    The images of a block have one ending, the block's own number scattered. Their beginnings are the numbers from 0 to
    below 2**beginning_bits, scattered, from a place on that differs from block to block. So neighbours begin
    differently, and an index of the target finds them as far apart as any numbers.
    """

    keys: tuple[int, int]
    bits: int = 40
    beginning_bits: int = 15

    @cached_property
    def beginnings(self) -> NDArray[np.uint64]:
        """The beginnings of all images of a block, in their place."""
        numbers = np.arange(self._block, dtype=np.uint64)
        return self._beginning_scatter(numbers) << np.uint64(self.bits - self.beginning_bits)

    def runs(self, first: int, count: int) -> Iterator[Run]:
        """The images of `count` numbers from `first` on."""
        while count > 0:
            block, row = divmod(first, self._block)
            ending = self._ending_scatter.image_of(block)
            place = (row + ending) % self._block
            length = min(count, self._block - row, self._block - place)
            yield Run(slice(place, place + length), ending)
            first += length
            count -= length

    def images(self, first: int, count: int) -> NDArray[np.uint64]:
        """The same as numbers."""
        return joined([self.beginnings[run.places] | np.uint64(run.ending) for run in self.runs(first, count)])

    def image_of(self, number: int) -> int:
        """The image of one number."""
        block, row = divmod(number, self._block)
        ending = self._ending_scatter.image_of(block)
        place = (row + ending) % self._block
        return self._beginning_scatter.image_of(place) << (self.bits - self.beginning_bits) | ending

    @property
    def _block(self) -> int:
        return 1 << self.beginning_bits

    @property
    def _beginning_scatter(self) -> Scatter:
        return Scatter(self.beginning_bits, self.keys[0])

    @property
    def _ending_scatter(self) -> Scatter:
        return Scatter(self.bits - self.beginning_bits, self.keys[1])


def joined(parts: list[NDArray[_Word]]) -> NDArray[_Word]:
    """The parts, one after the other; a single one is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
