"""Memory for chunks, used again only when nobody can see what it held."""

import weakref

import numpy as np
from numpy.typing import NDArray

_ROUND_BYTES = 65_536


class Buffers:
    """A pool of byte arrays. Fresh memory would cost as much as composing: the kernel clears each page first."""

    def __init__(self, most_free_blocks: int) -> None:
        self._most_free_blocks = most_free_blocks
        self._free: list[NDArray[np.uint8]] = []

    def get(self, size_bytes: int) -> NDArray[np.uint8]:
        """An array of this size with any content.

        It is the caller's for as long as the array itself or a memoryview of it, or of a part of it, is
        referenced. NumPy's views do not count: they refer to the memory behind the array.
        """
        block = self._free.pop() if self._free else None
        if block is None or len(block) < size_bytes:
            block = np.empty(-(-size_bytes // _ROUND_BYTES) * _ROUND_BYTES, np.uint8)
        buffer = np.frombuffer(block, np.uint8, size_bytes)
        weakref.finalize(buffer, self._give_back, block).atexit = False
        return buffer

    def _give_back(self, block: NDArray[np.uint8]) -> None:
        if len(self._free) < self._most_free_blocks:
            self._free.append(block)
