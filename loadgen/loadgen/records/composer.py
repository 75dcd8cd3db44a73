"""Compose batches of unique client records at the speed of copying memory.

A few templates hold rendered rows. For each batch some are drawn and copied, and in the copy the unique bytes
are written anew: the code in client_id and e-mail, the phone's last seven digits, and the house number's last
two. These fields have fixed widths, so a batch's length is known when it is drawn. Now and then a template is
replaced by newly rendered rows, so that people vary as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadgen.records.buffers import Buffers
from loadgen.records.people import People
from loadgen.records.phones import Numbers, PhoneBook, phone_words
from loadgen.records.pools import Pools
from loadgen.records.rendering import CsvRendering, Rendering
from loadgen.records.space import ROWS_PER_POD, RecordSpace, code_words, lower_case
from loadgen.records.template import Offsets, Template, TemplateDraft
from loadgen.records.words import Words
from loadtest_model.phone_space import PHONES_PER_AREA_CODE

CHUNK_ROWS: Final = 2_500
"""Rows of a template, and the most that one chunk of a batch holds."""

_TEMPLATES: Final = 8
_FIRST_TEMPLATES: Final = 2
# A row costs a hundred times as much to render as to copy, so few are; more while the templates are still few.
_ROWS_PER_NEW_ROW: Final = 400
_ROWS_PER_NEW_ROW_AT_FIRST: Final = 50
_RENDERED_AT_ONCE: Final = 125  # About a millisecond; a whole template would stall the event loop for 20.

# Batches below an eighth of a chunk are cut from one composed chunk; the composing costs more than the copy.
_CUT_BELOW_ROWS: Final = CHUNK_ROWS // 8
_KEPT_BUFFERS: Final = 8
_JOIN_BELOW_BYTES: Final = 65_536

_PEOPLE_STREAM: Final = 2
_CHOICE_STREAM: Final = 3

_COUNT: Final = np.arange(CHUNK_ROWS, dtype=np.uint64)
_PAIR_OF_DIGITS: Final = np.array([int.from_bytes(f"{n:02}".encode(), "little") for n in range(100)], np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Consecutive rows of one template with the numbers that are theirs."""

    space: RecordSpace
    buffers: Buffers
    template: Template
    first_row: int
    rows: int
    first_number: int
    phone_bases: Numbers

    @property
    def size_bytes(self) -> int:
        return self.template.size_bytes(self.first_row, self.rows)

    def view(self) -> memoryview:
        """The rows, read-only, in memory that is theirs while the view or a slice of it is referenced."""
        template = self.template
        rows = slice(self.first_row, self.first_row + self.rows)
        start, end = int(template.ends[rows.start]), int(template.ends[rows.stop])
        data = self.buffers.get(end - start)
        data[:] = template.data[start:end]
        scattered = self.space.scatter(_COUNT[: self.rows] + np.uint64(self.first_number))
        codes = code_words(scattered)
        clients, emails, phones, houses = template.marks[:, rows] - start
        _write(data, clients, codes)
        _write(data, emails, lower_case(codes))
        numbers = self.phone_bases[template.area_indices[rows]] + template.phone_steps[rows]
        numbers -= PHONES_PER_AREA_CODE * (numbers >= PHONES_PER_AREA_CODE)
        _write(data, phones, phone_words(numbers))
        # 16 of the code's bits decide, so that no further draw is needed.
        hundredths = ((scattered >> np.uint64(8)) & np.uint64(0xFFFF)) * np.uint64(100) >> np.uint64(16)
        _write(data, houses, _PAIR_OF_DIGITS[hundredths.astype(np.intp)])
        return data.data.toreadonly()


def _write(data: NDArray[np.uint8], offsets: Offsets, words: NDArray[np.unsignedinteger]) -> None:
    """Put each word, lowest byte first, at its offset."""
    width = words.itemsize
    anywhere = np.ndarray((len(data) - width + 1,), f"<u{width}", data, strides=(1,))
    anywhere[offsets] = words


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """Rows of a chunk that is already composed."""

    data: memoryview
    first_number: int
    rows: int

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def view(self) -> memoryview:
        return self.data


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One file's worth of records, not yet composed.

    `rows` does not count the header; `content_length` is in bytes and counts everything.
    """

    rows: int
    content_length: int
    _space: RecordSpace = field(repr=False)
    _head: bytes = field(repr=False)
    _pieces: tuple[_Piece | _Cut, ...] = field(repr=False)
    _tail: bytes = field(repr=False)

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The file's bytes, composed as they are asked for; at each call the same.

        A chunk's memory is not written again while the chunk or a slice of it is referenced, so it may be
        kept for as long as it is needed.
        """
        parts = self._parts()
        if self.content_length < _JOIN_BELOW_BYTES:
            yield b"".join(parts)
        else:
            yield from parts

    @property
    def first_client_id(self) -> str | None:
        """The id in the first row, or None where there is none."""
        return self._space.client_ids(self._pieces[0].first_number, 1)[0] if self._pieces else None

    def client_ids(self) -> Iterator[str]:
        """The ids of all rows in the file's order."""
        for piece in self._pieces:
            yield from self._space.client_ids(piece.first_number, piece.rows)

    def _parts(self) -> Iterator[bytes | memoryview]:
        yield self._head
        for piece in self._pieces:
            yield piece.view()
        if self._tail:
            yield self._tail


class Composer:
    """Draws batches of records that belong to one pod. Two with the same arguments draw the same batches.

    Making one renders the first templates, which takes about 40 ms.
    """

    def __init__(self, space: RecordSpace, pools: Pools, rendering: Rendering | None = None) -> None:
        self._space = space
        self._rendering = rendering or CsvRendering()
        self._people = People(pools, Words(space.seed, _PEOPLE_STREAM, space.pod_index), space.prefix)
        self._choices = Words(space.seed, _CHOICE_STREAM, space.pod_index)
        self._phones = PhoneBook(space.seed, space.pod_index, space.pod_count)
        self._buffers = Buffers(_KEPT_BUFFERS)
        self._next_number = 0
        self._templates: list[Template] = []
        self._draft = TemplateDraft(self._rendering)
        self._rows_until_rendering = 0
        self._composed: _Piece | None = None
        self._composed_data = memoryview(b"")
        self._cut_rows = 0
        while len(self._templates) < _FIRST_TEMPLATES:
            self._render()

    def compose(self, rows: int) -> Batch:
        """Draw the next `rows` records. Their numbers are spent, whether or not the batch is ever sent.

        No rows give a file with its header alone. Raises ValueError for a negative number and OverflowError
        when the pod has no numbers left.
        """
        if rows < 0:
            raise ValueError(f"rows is {rows}; a batch cannot have fewer than none")
        pieces = self._pieces(rows)
        head, tail = self._rendering.head, self._rendering.tail
        return Batch(
            rows=rows,
            content_length=len(head) + sum(piece.size_bytes for piece in pieces) + len(tail),
            _space=self._space,
            _head=head,
            _pieces=pieces,
            _tail=tail,
        )

    def _pieces(self, rows: int) -> tuple[_Piece | _Cut, ...]:
        if rows < _CUT_BELOW_ROWS:
            return tuple(self._cuts(rows))
        self._render_when_due(rows)
        return tuple(self._draw(min(CHUNK_ROWS, rows - first)) for first in range(0, rows, CHUNK_ROWS))

    def _cuts(self, rows: int) -> Iterator[_Cut]:
        while rows > 0:
            if self._composed is None or self._cut_rows == self._composed.rows:
                self._render_when_due(CHUNK_ROWS)
                self._composed = self._draw(CHUNK_ROWS)
                self._composed_data = self._composed.view()
                self._cut_rows = 0
            first = self._cut_rows
            last = min(first + rows, self._composed.rows)
            ends = self._composed.template.ends
            yield _Cut(self._composed_data[ends[first] : ends[last]], self._composed.first_number + first, last - first)
            self._cut_rows = last
            rows -= last - first

    def _draw(self, rows: int) -> _Piece:
        if self._next_number + rows > ROWS_PER_POD:
            raise OverflowError(f"the pod's {ROWS_PER_POD} record numbers are used up")
        template = self._templates[self._choices.one_below(len(self._templates))]
        first_row = self._choices.one_below(CHUNK_ROWS - rows + 1)
        first_number = self._next_number
        self._next_number += rows
        bases = self._phones.take(template.area_indices, first_row, rows)
        return _Piece(self._space, self._buffers, template, first_row, rows, first_number, bases)

    def _render_when_due(self, rows: int) -> None:
        """Render one slice for every so many rows drawn, but never more than one a call."""
        self._rows_until_rendering -= rows
        if self._rows_until_rendering <= 0:
            few = len(self._templates) < _TEMPLATES
            self._rows_until_rendering += _RENDERED_AT_ONCE * (_ROWS_PER_NEW_ROW_AT_FIRST if few else _ROWS_PER_NEW_ROW)
            self._render()

    def _render(self) -> None:
        self._draft.add(self._people.draw(_RENDERED_AT_ONCE))
        if self._draft.rows == CHUNK_ROWS:
            if len(self._templates) == _TEMPLATES:
                del self._templates[0]
            self._templates.append(self._draft.finish(self._phones))
            self._draft = TemplateDraft(self._rendering)
