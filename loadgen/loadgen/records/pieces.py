"""Pieces of a batch: rows of a template with numbers of their own, or rows of a chunk that is already composed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from loadgen.records.buffers import Buffers
from loadgen.records.marks import Slot
from loadgen.records.phones import PhoneNumbers
from loadgen.records.sources import PieceRows
from loadgen.records.space import RecordSpace
from loadgen.records.template import Offsets, Template

CHUNK_ROWS: Final = 2_500
"""Rows of a template, and the most that one chunk of a batch holds."""

_COUNT: Final = np.arange(CHUNK_ROWS, dtype=np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class TemplatePiece:
    """Consecutive rows of one template with the numbers that are theirs."""

    space: RecordSpace
    buffers: Buffers
    slots: Sequence[Slot]
    slack_bytes: int
    template: Template
    first_row: int
    rows: int
    first_number: int
    phone_bases: PhoneNumbers
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
        template = self.template
        rows = slice(self.first_row, self.first_row + self.rows)
        start, end = int(template.ends[rows.start]), int(template.ends[rows.stop])
        size = end - start
        data = self.buffers.get(size + self.slack_bytes)
        data[:size] = template.data[start:end]
        numbers = self.phone_bases[template.area_indices[rows]] + template.phone_steps[rows]
        numbers -= self.phone_capacity * (numbers >= self.phone_capacity)
        piece_rows = PieceRows(
            self.space,
            _COUNT[: self.rows] + np.uint64(self.first_number),
            numbers,
            self.has_copied_id,
            self.duplicate_of,
        )
        marks_of_slots = template.marks[:, rows] - start if start else template.marks[:, rows]
        for slot, marks in zip(self.slots, marks_of_slots, strict=True):
            # What a row does not have is written behind the last row.
            offsets = np.minimum(marks, size) if slot.may_be_absent else marks
            for offset, words in slot.source.parts(piece_rows):
                _write(data, offsets + offset if offset else offsets, words)
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

    @property
    def first_row_data(self) -> bytes:
        return bytes(self.data[: self.first_row_bytes])

    @property
    def first_client_id(self) -> str:
        return self.space.client_id(self.first_number)

    def client_ids(self) -> Iterator[str]:
        yield from self.space.client_ids(self.first_number, self.rows)
