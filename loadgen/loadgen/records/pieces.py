"""Pieces of a batch: rows of a template with numbers of their own, or rows of a chunk that is already composed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from loadgen.records.buffers import Buffers
from loadgen.records.marks import Slot
from loadgen.records.packing import Offsets
from loadgen.records.phones import Advances, numbers_of_rows
from loadgen.records.sources import MarkWords, PieceRows
from loadgen.records.space import RecordSpace
from loadgen.records.template import Template

CHUNK_ROWS: Final = 2_500
"""Rows of a template, and the most that one chunk of a batch holds."""


class FilePart(NamedTuple):
    """Consecutive bytes of a file before it is compressed, and what they are compressed, if that is known already."""

    plain: bytes | memoryview
    packed: memoryview | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TemplatePiece:
    """Consecutive rows of one template with the numbers that are theirs."""

    space: RecordSpace
    buffers: Buffers
    packed_buffers: Buffers
    slots: Sequence[Slot]
    slack_bytes: int
    template: Template
    first_row: int
    rows: int
    first_number: int
    phone_bases: Advances
    phone_capacity: int
    duplicate_of: int

    @property
    def size_bytes(self) -> int:
        return self.template.size_bytes(self.first_row, self.rows)

    @property
    def has_copied_id(self) -> NDArray[np.bool_] | None:
        """The rows that have the client_id of number `duplicate_of`."""
        flags = self.template.has_copied_id
        return None if flags is None else flags[self.first_row : self.first_row + self.rows]

    def view(self) -> memoryview:
        """The rows, read-only, in memory that is theirs while the view or a slice of it is referenced."""
        return self._plain_view(self._row_words())

    def parts(self) -> Iterator[FilePart]:
        """The rows in parts. Whole segments of packed rows are compressed already, and the rows around them are not."""
        words = self._row_words()
        plain = self._plain_view(words)
        packed = self.template.packed
        last_row = self.first_row + self.rows
        segments = slice(0, 0) if packed is None else packed.segments_within(self.first_row, last_row)
        if packed is None or segments.stop <= segments.start:
            yield FilePart(plain)
            return
        first_packed, last_packed = packed.first_rows[segments.start], packed.first_rows[segments.stop]
        begin, end = self._plain_offset(first_packed), self._plain_offset(last_packed)
        if begin:
            yield FilePart(plain[:begin])
        rows = slice(first_packed - self.first_row, last_packed - self.first_row)
        source = packed.data[packed.starts[segments.start] : packed.starts[segments.stop]]
        marks = packed.marks[:, first_packed:last_packed] - packed.starts[segments.start]
        packed_words = [[(at, row_words[rows]) for at, row_words in slot_words] for slot_words in words]
        yield FilePart(plain[begin:end], self._overwrite(self.packed_buffers, source, marks, packed_words))
        if end < len(plain):
            yield FilePart(plain[end:])

    def _plain_offset(self, row: int) -> int:
        """Where in the view a row of the template begins."""
        return self.template.size_bytes(self.first_row, row - self.first_row)

    def _row_words(self) -> list[list[MarkWords]]:
        """For each slot the words of all rows."""
        template = self.template
        rows = slice(self.first_row, self.first_row + self.rows)
        numbers = numbers_of_rows(
            self.phone_bases, template.area_indices[rows], template.phone_steps[rows], self.phone_capacity
        )
        piece_rows = PieceRows(
            self.space,
            self.first_number,
            numbers,
            self.has_copied_id,
            self.duplicate_of,
        )
        return [slot.source.parts(piece_rows) for slot in self.slots]

    def _plain_view(self, words: list[list[MarkWords]]) -> memoryview:
        template = self.template
        rows = slice(self.first_row, self.first_row + self.rows)
        start, end = int(template.ends[rows.start]), int(template.ends[rows.stop])
        marks = template.marks[:, rows] - start if start else template.marks[:, rows]
        return self._overwrite(self.buffers, template.data[start:end], marks, words)

    def _overwrite(
        self, buffers: Buffers, source: NDArray[np.uint8], marks: Offsets, words: list[list[MarkWords]]
    ) -> memoryview:
        """A copy of the source with the words at their marks."""
        size = len(source)
        data = buffers.get(size + self.slack_bytes)
        data[:size] = source
        for slot, slot_marks, slot_words in zip(self.slots, marks, words, strict=True):
            # What a row does not have is written behind the last row.
            offsets = np.minimum(slot_marks, size) if slot.may_be_absent else slot_marks
            for at, row_words in slot_words:
                _write(data, offsets + at if at else offsets, row_words)
        return data.data[:size].toreadonly()

    @property
    def first_row_data(self) -> bytes:
        """The first row as it stands in the file."""
        return bytes(replace(self, rows=1).view())

    @property
    def first_client_id(self) -> str:
        has_copied_id = self.has_copied_id
        is_copy = has_copied_id is not None and bool(has_copied_id[0])
        return self.space.client_id(self.duplicate_of if is_copy else self.first_number)

    def client_ids(self) -> Iterator[str]:
        own_ids = self.space.client_ids(self.first_number, self.rows)
        if self.has_copied_id is None:
            yield from own_ids
            return
        copied_id = self.space.client_id(self.duplicate_of)
        for client_id, is_copy in zip(own_ids, self.has_copied_id.tolist(), strict=True):
            yield copied_id if is_copy else client_id


def _write(data: NDArray[np.uint8], offsets: Offsets, words: NDArray[np.unsignedinteger]) -> None:
    """Put each word, lowest byte first, at its offset."""
    width = words.itemsize
    windows = np.ndarray((len(data) - width + 1,), f"<u{width}", data, strides=(1,))
    windows[offsets] = words


class ComposedPiece(Struct, frozen=True, eq=False):
    """Rows of a chunk that is already composed."""

    data: memoryview
    space: RecordSpace
    first_number: int
    rows: int
    first_row_bytes: int

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def view(self) -> memoryview:
        return self.data

    def parts(self) -> Iterator[FilePart]:
        yield FilePart(self.data)

    @property
    def first_row_data(self) -> bytes:
        return bytes(self.data[: self.first_row_bytes])

    @property
    def first_client_id(self) -> str:
        return self.space.client_id(self.first_number)

    def client_ids(self) -> Iterator[str]:
        yield from self.space.client_ids(self.first_number, self.rows)
