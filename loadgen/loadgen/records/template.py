"""A rendered block of rows, and where in it the bytes lie that every use of it writes anew."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadgen.records.people import Drawn
from loadgen.records.phones import Numbers, PhoneBook
from loadgen.records.rendering import CLIENT_MARK, EMAIL_MARK, HOUSE_MARK, PHONE_MARK, Rendering

Offsets = NDArray[np.intp]

_MARKS: Final = (CLIENT_MARK, EMAIL_MARK, PHONE_MARK, HOUSE_MARK)


@dataclass(frozen=True, slots=True)
class Template:
    """Rows as bytes, row r being data[ends[r]:ends[r + 1]].

    `marks`, shape (4, rows), are the offsets of the bytes to write in each row: those of the client's code,
    the e-mail's code, the phone and the house number. `area_indices` point into AREA_CODES and `phone_steps`
    are distances as PhoneBook counts them, one a row.
    """

    data: NDArray[np.uint8]
    ends: Offsets
    marks: Offsets
    area_indices: NDArray[np.intp]
    phone_steps: Numbers

    def size_bytes(self, first_row: int, rows: int) -> int:
        return int(self.ends[first_row + rows] - self.ends[first_row])


@dataclass(frozen=True, slots=True)
class _Slice:
    """Some of a draft's rows; the offsets count from the slice's start, and `ends` lacks the leading 0."""

    data: bytes
    ends: Offsets
    marks: Offsets
    area_indices: NDArray[np.intp]


class TemplateDraft:
    """A template in the making, some rows at a time, since rendering a whole one would hold up everything else."""

    def __init__(self, rendering: Rendering) -> None:
        self.rows = 0
        self._rendering = rendering
        self._slices: list[_Slice] = []

    def add(self, drawn: Drawn) -> None:
        """Render more rows.

        Raises ValueError when a mark is not in every row exactly once, as a field that holds one would cause.
        """
        rows = self._rendering.rows(drawn.columns)
        data = b"".join(rows)
        ends = np.cumsum([len(row) for row in rows], dtype=np.intp)
        marks = _marks(np.frombuffer(data, np.uint8), ends)
        self.rows += len(rows)
        self._slices.append(_Slice(data, ends, marks, drawn.area_indices))

    def finish(self, phones: PhoneBook) -> Template:
        """The template of all rows so far."""
        slices = self._slices
        starts = np.cumsum([0, *(len(part.data) for part in slices[:-1])]).tolist()
        areas = np.concatenate([part.area_indices for part in slices])
        return Template(
            data=np.frombuffer(b"".join([part.data for part in slices]), np.uint8),
            ends=np.concatenate([[0], *(part.ends + start for part, start in zip(slices, starts, strict=True))]),
            marks=np.hstack([part.marks + start for part, start in zip(slices, starts, strict=True)]),
            area_indices=areas,
            phone_steps=phones.steps(areas),
        )


def _marks(data: NDArray[np.uint8], ends: Offsets) -> Offsets:
    """The offset of each mark in each row, shape (4, rows)."""
    return np.stack([_offsets(data, mark, ends) for mark in _MARKS])


def _offsets(data: NDArray[np.uint8], mark: str, ends: Offsets) -> Offsets:
    places = np.flatnonzero(data == ord(mark[0]))
    width = len(mark)
    if len(places) == len(ends) * width:
        first, last = places[::width], places[width - 1 :: width]
        in_their_rows = (last < ends) & (first[1:] >= ends[:-1]).all()
        if np.all(in_their_rows & (last - first == width - 1)):
            return first
    raise ValueError(f"the mark {mark!r} must stand in every row exactly once")
