"""A rendered block of rows, and where in it the bytes lie that every use of it writes anew."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadgen.records.people import Drawn
from loadgen.records.phones import Numbers, PhoneBook
from loadgen.records.rendering import CLIENT_MARK, EMAIL_MARK, HOUSE_MARK, PHONE_MARK, Rendering

Offsets = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Template:
    """Rows as bytes. Row r is data[ends[r]:ends[r + 1]]; the other arrays have one element a row.

    `clients`, `emails`, `phones` and `houses` are the offsets of the marked bytes, `area_indices` point into
    AREA_CODES, and `phone_steps` are the rows' distances as PhoneBook counts them.
    """

    data: NDArray[np.uint8]
    ends: Offsets
    clients: Offsets
    emails: Offsets
    phones: Offsets
    houses: Offsets
    area_indices: NDArray[np.intp]
    phone_steps: Numbers

    def size_bytes(self, first_row: int, rows: int) -> int:
        return int(self.ends[first_row + rows] - self.ends[first_row])


class TemplateDraft:
    """A template in the making, some rows at a time, since rendering a whole one would hold up everything else."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering
        self._rows: list[bytes] = []
        self._areas: list[NDArray[np.intp]] = []

    @property
    def rows(self) -> int:
        return len(self._rows)

    def add(self, drawn: Drawn) -> None:
        self._rows += self._rendering.rows(drawn.rows)
        self._areas.append(drawn.area_indices)

    def finish(self, phones: PhoneBook) -> Template:
        """The template of the rows so far.

        Raises ValueError when a mark is not in every row exactly once, as a field that holds one would cause.
        """
        data = np.frombuffer(b"".join(self._rows), np.uint8)
        areas = np.concatenate(self._areas)
        ends = np.zeros(len(self._rows) + 1, np.intp)
        np.cumsum([len(row) for row in self._rows], out=ends[1:])
        return Template(
            data=data,
            ends=ends,
            clients=_offsets(data, CLIENT_MARK, ends),
            emails=_offsets(data, EMAIL_MARK, ends),
            phones=_offsets(data, PHONE_MARK, ends),
            houses=_offsets(data, HOUSE_MARK, ends),
            area_indices=areas,
            phone_steps=phones.steps(areas),
        )


def _offsets(data: NDArray[np.uint8], mark: str, ends: Offsets) -> Offsets:
    places = np.flatnonzero(data == ord(mark[0]))
    offsets = places[:: len(mark)].copy()
    rows = len(ends) - 1
    whole = len(places) == rows * len(mark) and bool(np.all(places[len(mark) - 1 :: len(mark)] - offsets < len(mark)))
    if not whole or not np.all((ends[:-1] <= offsets) & (offsets < ends[1:])):
        raise ValueError(f"the mark {mark!r} must stand in every row exactly once")
    return offsets
