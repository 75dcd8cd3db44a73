"""Rows of a template that are compressed beforehand, except the bytes that every use of them writes anew."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from loadgen.records.marks import Slot

Offsets = NDArray[np.intp]

ABSENT: Final = 2**62
"""The offset of a mark in a row that does not have it; beyond any file, also after sums with lengths."""

# A segment knows nothing of the rows before it, and so its first row is the largest.
_SEGMENT_ROWS: Final = 100


class RowPacker(Protocol):
    """Compresses rows into segments. Each segment begins and ends with a byte, and can stand anywhere in a stream."""

    def pack(self, text: bytes) -> bytes:
        """The text, compressed."""
        ...

    def keep(self, text: bytes) -> tuple[bytes, int]:
        """The text, uncompressed in the stream, and where in the result it begins; what ended before is complete."""
        ...

    def end_segment(self) -> bytes:
        """What completes the segment."""
        ...


@dataclass(frozen=True, slots=True)
class PackedRows:
    """Rows in segments: segment n has the rows from `first_rows[n]` on, and begins at `starts[n]` in the data.

    Both lists end with the end of the last segment. `marks` are the offsets in the data as those of a Template are.
    """

    data: NDArray[np.uint8]
    first_rows: list[int]
    starts: list[int]
    marks: Offsets

    def segments_within(self, first_row: int, last_row: int) -> slice:
        """The segments whose rows are all from `first_row` to below `last_row`."""
        return slice(bisect_left(self.first_rows, first_row), bisect_right(self.first_rows, last_row) - 1)


class PackedDraft:
    """Packed rows in the making."""

    def __init__(self, packer: RowPacker, slots: Sequence[Slot]) -> None:
        self._packer = packer
        self._widths = [slot.source.width for slot in slots]
        self._data = bytearray()
        self._marks: list[Offsets] = []
        self._rows = 0
        self._first_rows = [0]
        self._starts = [0]

    def add(self, data: bytes, marks: Offsets) -> None:
        """Pack more rows; the marks are offsets in their data, shape (slots, rows)."""
        packed_marks = np.full(marks.shape, ABSENT, np.intp)
        end = 0
        for slot, row in _in_order(marks):
            begin = int(marks[slot, row])
            self._data += self._packer.pack(data[end:begin])
            end = begin + self._widths[slot]
            kept, offset = self._packer.keep(data[begin:end])
            packed_marks[slot, row] = len(self._data) + offset
            self._data += kept
        self._data += self._packer.pack(data[end:])
        self._marks.append(packed_marks)
        self._rows += marks.shape[1]
        if self._rows - self._first_rows[-1] >= _SEGMENT_ROWS:
            self._end_segment()

    def finish(self) -> PackedRows:
        """All rows so far."""
        if self._rows > self._first_rows[-1]:
            self._end_segment()
        data = np.frombuffer(self._data, np.uint8)
        return PackedRows(data, self._first_rows, self._starts, np.hstack(self._marks))

    def _end_segment(self) -> None:
        self._data += self._packer.end_segment()
        self._first_rows.append(self._rows)
        self._starts.append(len(self._data))


def _in_order(marks: Offsets) -> Iterable[tuple[int, int]]:
    """Slot and row of each mark that is there, in the order of the offsets."""
    order = np.argsort(marks, axis=None, kind="stable")[: np.count_nonzero(marks != ABSENT)]
    slots, rows = np.unravel_index(order, marks.shape)
    return zip(slots.tolist(), rows.tolist(), strict=True)
