"""A rendered block of rows, and where in it the bytes lie that every use of it writes anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadgen.records.marks import Slot
from loadgen.records.packing import ABSENT, Offsets, PackedDraft, PackedRows
from loadgen.records.phones import Advances, PhoneBook, PhoneNumbers
from loadgen.records.rendering import Rendering


@dataclass(frozen=True, slots=True)
class DrawnRows:
    """Rows as columns of texts in the file's order, with marks.

    For each row there is the index of its phone's area code in AREA_CODES; `has_copied_id` marks those that are to have
    the client_id of another row. It is None if there are none.
    """

    columns: tuple[Sequence[str], ...]
    area_indices: NDArray[np.intp]
    has_copied_id: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """Rows as bytes, row r being data[ends[r]:ends[r + 1]].

    `marks`, shape (slots, rows), are the offsets of the bytes to write in each row, ABSENT where there are none.
    `area_indices` point into AREA_CODES and `phone_steps` are distances as PhoneBook counts them, one a row;
    `phone_advances` are those of the whole template, one an area code.
    `packed` has the same rows; it is None if the format does not compress.
    """

    data: NDArray[np.uint8]
    ends: Offsets
    marks: Offsets
    area_indices: NDArray[np.intp]
    phone_steps: PhoneNumbers
    phone_advances: Advances
    has_copied_id: NDArray[np.bool_] | None = None
    packed: PackedRows | None = None

    @property
    def rows(self) -> int:
        return len(self.area_indices)

    def size_bytes(self, first_row: int, rows: int) -> int:
        return int(self.ends[first_row + rows] - self.ends[first_row])


@dataclass(frozen=True, slots=True)
class _RenderedSlice:
    """Some of a draft's rows; the offsets count from the slice's start, and `ends` lacks the leading 0."""

    size_bytes: int
    ends: Offsets
    marks: Offsets
    drawn_rows: DrawnRows


class TemplateDraft:
    """A template in the making, some rows at a time, since rendering a whole one would hold up everything else."""

    def __init__(self, rendering: Rendering, slots: Sequence[Slot]) -> None:
        self.rows = 0
        self._rendering = rendering
        self._slots = slots
        self._data = bytearray()
        self._slices: list[_RenderedSlice] = []
        packer = rendering.new_packer()
        self._packed = None if packer is None else PackedDraft(packer, slots)
        self._unpacked_data = b""

    def add(self, drawn_rows: DrawnRows) -> None:
        """Render more rows. They must be packed before others are added.

        Raises ValueError when a mark is not in every row exactly once, or at most once where it may be absent, as a
        field that holds one would cause.
        """
        rows = self._rendering.rows(drawn_rows.columns)
        data = b"".join(rows)
        ends = np.cumsum([len(row) for row in rows], dtype=np.intp)
        marks = _marks(np.frombuffer(data, np.uint8), ends, self._slots)
        self.rows += len(rows)
        # Joining two megabytes in the end would hold the event loop for a millisecond more.
        self._data += data
        self._slices.append(_RenderedSlice(len(data), ends, marks, drawn_rows))
        self._unpacked_data = data

    def pack(self) -> None:
        """Compress the rows that were added last, if the format compresses."""
        if self._packed is not None:
            self._packed.add(self._unpacked_data, self._slices[-1].marks)

    def finish(self, phones: PhoneBook) -> Template:
        """The template of all rows so far."""
        slices = self._slices
        starts = np.cumsum([0, *(piece.size_bytes for piece in slices[:-1])]).tolist()
        areas = np.concatenate([piece.drawn_rows.area_indices for piece in slices])
        copy_flags = [piece.drawn_rows.has_copied_id for piece in slices if piece.drawn_rows.has_copied_id is not None]
        return Template(
            data=np.frombuffer(self._data, np.uint8),
            ends=np.concatenate([[0], *(piece.ends + start for piece, start in zip(slices, starts, strict=True))]),
            marks=np.hstack([piece.marks + start for piece, start in zip(slices, starts, strict=True)]),
            area_indices=areas,
            phone_steps=phones.steps(areas),
            phone_advances=phones.advances(areas),
            has_copied_id=np.concatenate(copy_flags) if copy_flags else None,
            packed=None if self._packed is None else self._packed.finish(),
        )


def _marks(data: NDArray[np.uint8], ends: Offsets, slots: Sequence[Slot]) -> Offsets:
    """The offset of each slot's mark in each row, shape (slots, rows)."""
    marks = np.full((len(slots), len(ends)), ABSENT, np.intp)
    for offsets, slot in zip(marks, slots, strict=True):
        rows, places = _find_mark(data, ends, slot)
        offsets[rows] = places
        if not slot.may_be_absent and len(rows) < len(ends):
            raise ValueError(f"the mark {slot.mark!r} must stand in every row exactly once")
    return marks


def _find_mark(data: NDArray[np.uint8], ends: Offsets, slot: Slot) -> tuple[Offsets, Offsets]:
    """The rows that have a slot's mark, and where."""
    places = np.flatnonzero(data == ord(slot.character))
    width = slot.source.width
    first, last = places[::width], places[width - 1 :: width]
    rows = np.searchsorted(ends, first, side="right")
    is_whole = len(places) % width == 0 and (last - first == width - 1).all() and (last < ends[rows]).all()
    if not is_whole or (rows[1:] == rows[:-1]).any():
        raise ValueError(f"the mark {slot.mark!r} must stand in every row exactly once")
    return rows, first
