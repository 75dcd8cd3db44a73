"""Compose batches of unique client records at the speed of copying memory.

A few templates hold rendered rows. For each batch some are drawn and copied, and in the copy the bytes that differ in
every row are written anew: the code in client_id and e-mail, the phone's last seven digits, the house number's last
two, and those of the fields that users add. These have fixed widths, so a batch's length is known when it is drawn.
Now and then a template is replaced by newly rendered rows, so that people vary as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadgen.records.buffers import Buffers
from loadgen.records.marks import Slot
from loadgen.records.phones import Numbers, PhoneBook
from loadgen.records.pools import Pools
from loadgen.records.rendering import CsvRendering, Rendering
from loadgen.records.row_maker import RowMaker
from loadgen.records.sources import Rows
from loadgen.records.space import ROWS_PER_POD, RecordSpace
from loadgen.records.template import Offsets, Template, TemplateDraft
from loadgen.records.words import Words
from loadtest_model.plan.columns import MILLION, columns_of
from loadtest_model.plan.records import RecordsPlan
from loadtest_model.records.phone_space import phones_per_area_code

CHUNK_ROWS: Final = 2_500
"""Rows of a template, and the most that one chunk of a batch holds."""

_WRONG_ROWS: Final = 500
"""Rows of a template of wrong rows."""

_TEMPLATES: Final = 8
_FIRST_TEMPLATES: Final = 2
# A row costs a hundred times as much to render as to copy, so few are; more while the templates are still few.
_ROWS_PER_NEW_ROW: Final = 2_000
_ROWS_PER_NEW_ROW_AT_FIRST: Final = 200
_RENDERED_AT_ONCE: Final = 50  # About a millisecond in XLSX; a whole template would stall the event loop for 50.

# Batches below an eighth of a chunk are cut from one composed chunk; the composing costs more than the copy.
_CUT_BELOW_ROWS: Final = CHUNK_ROWS // 8
_KEPT_BUFFERS: Final = 8

_CHOICE_STREAM: Final = 3
_WRONG_CHOICE_STREAM: Final = 7

_COUNT: Final = np.arange(CHUNK_ROWS, dtype=np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Consecutive rows of one template with the numbers that are theirs."""

    space: RecordSpace
    buffers: Buffers
    slots: Sequence[Slot]
    slack_bytes: int
    template: Template
    first_row: int
    rows: int
    first_number: int
    phone_bases: Numbers
    phone_capacity: int
    duplicate_of: int

    @property
    def size_bytes(self) -> int:
        return self.template.size_bytes(self.first_row, self.rows)

    @property
    def duplicated(self) -> NDArray[np.bool_] | None:
        """The rows that have the client_id of number `duplicate_of`."""
        every = self.template.duplicated
        return None if every is None else every[self.first_row : self.first_row + self.rows]

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
        fresh = Rows(
            self.space,
            _COUNT[: self.rows] + np.uint64(self.first_number),
            numbers,
            self.duplicated,
            self.duplicate_of,
        )
        marks_of_slots = template.marks[:, rows] - start if start else template.marks[:, rows]
        for slot, marks in zip(self.slots, marks_of_slots, strict=True):
            # What a row does not have is written behind the last row.
            offsets = np.minimum(marks, size) if slot.may_be_absent else marks
            for at, words in slot.source.parts(fresh):
                _write(data, offsets + at if at else offsets, words)
        return data.data[:size].toreadonly()

    @property
    def first_client_id(self) -> str:
        duplicated = self.duplicated
        is_copy = duplicated is not None and bool(duplicated[0])
        return self.space.client_id(self.duplicate_of if is_copy else self.first_number)

    def client_ids(self) -> Iterator[str]:
        own = self.space.client_ids(self.first_number, self.rows)
        if self.duplicated is None:
            yield from own
            return
        before = self.space.client_id(self.duplicate_of)
        for client_id, duplicated in zip(own, self.duplicated.tolist(), strict=True):
            yield before if duplicated else client_id


def _write(data: NDArray[np.uint8], offsets: Offsets, words: NDArray[np.unsignedinteger]) -> None:
    """Put each word, lowest byte first, at its offset."""
    width = words.itemsize
    anywhere = np.ndarray((len(data) - width + 1,), f"<u{width}", data, strides=(1,))
    anywhere[offsets] = words


class _Cut(NamedTuple):
    """Rows of a chunk that is already composed."""

    data: memoryview
    space: RecordSpace
    first_number: int
    rows: int

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def view(self) -> memoryview:
        return self.data

    @property
    def first_client_id(self) -> str:
        return self.space.client_id(self.first_number)

    def client_ids(self) -> Iterator[str]:
        yield from self.space.client_ids(self.first_number, self.rows)


@dataclass(slots=True, eq=False)
class Batch:
    """One file's worth of records, not yet composed.

    `rows` does not count the header; `valid_rows` are those that are not wrong on purpose. `content_length` is in bytes
    and counts everything.
    """

    rows: int
    valid_rows: int
    content_length: int
    _has_ids: bool = field(repr=False)
    _head: bytes = field(repr=False)
    _pieces: tuple[_Piece | _Cut, ...] = field(repr=False)
    _tail: bytes = field(repr=False)

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The file's bytes, composed as they are asked for; at each call the same.

        A chunk's memory is not written again while the chunk or a slice of it is referenced, so it may be
        kept for as long as it is needed.
        """
        yield self._head
        for piece in self._pieces:
            yield piece.view()
        if self._tail:
            yield self._tail

    @property
    def first_client_id(self) -> str | None:
        """The id in the first row, or None where there is none."""
        return self._pieces[0].first_client_id if self._pieces and self._has_ids else None

    def client_ids(self) -> Iterator[str]:
        """The ids of all rows in the file's order; none where the file has no column for them."""
        if self._has_ids:
            for piece in self._pieces:
                yield from piece.client_ids()


class _Numbers:
    """The numbers that a pod has left, and its place among the phones."""

    def __init__(self, space: RecordSpace, phones: PhoneBook) -> None:
        self.space = space
        self.phones = phones
        self.next_number = 0

    def take(self, rows: int) -> int:
        """The first of the next numbers. Raises OverflowError when the pod has not so many left."""
        if self.next_number + rows > ROWS_PER_POD:
            raise OverflowError(f"the pod's {ROWS_PER_POD} record numbers are used up")
        self.next_number += rows
        return self.next_number - rows


class _Templates:
    """Templates of rows of one kind, rendered anew little by little."""

    def __init__(self, maker: RowMaker, rendering: Rendering, choices: Words, numbers: _Numbers, rows: int) -> None:
        self.rows = rows
        self._maker = maker
        self._rendering = rendering
        self._choices = choices
        self._numbers = numbers
        self._buffers = Buffers(_KEPT_BUFFERS)
        self._templates: list[Template] = []
        self._draft = TemplateDraft(rendering, maker.slots)
        self._rows_until_rendering = 0
        self._slack_bytes = max((slot.source.width for slot in maker.slots if slot.may_be_absent), default=0)

    def render_first(self, count: int) -> None:
        while len(self._templates) < count:
            self._render()

    def draw(self, rows: int, duplicate_of: int = 0) -> _Piece:
        """The next rows, at most as many as a template has; duplicates are of the record with that number."""
        first_number = self._numbers.take(rows)
        template = self._templates[self._choices.one_below(len(self._templates))]
        first_row = self._choices.one_below(template.rows - rows + 1)
        phones = self._numbers.phones
        bases = phones.take(template.area_indices, first_row, rows)
        return _Piece(
            space=self._numbers.space,
            buffers=self._buffers,
            slots=self._maker.slots,
            slack_bytes=self._slack_bytes,
            template=template,
            first_row=first_row,
            rows=rows,
            first_number=first_number,
            phone_bases=bases,
            phone_capacity=phones.capacity,
            duplicate_of=duplicate_of,
        )

    def render_when_due(self, rows: int) -> None:
        """Render one slice for every so many rows drawn, but never more than one a call."""
        self._rows_until_rendering -= rows
        if self._rows_until_rendering <= 0:
            few = len(self._templates) < _TEMPLATES
            self._rows_until_rendering += _RENDERED_AT_ONCE * (_ROWS_PER_NEW_ROW_AT_FIRST if few else _ROWS_PER_NEW_ROW)
            self._render()

    def _render(self) -> None:
        # Either takes up to two milliseconds, so they are not done at once.
        if self._draft.rows < self.rows:
            self._draft.add(self._maker.draw(_RENDERED_AT_ONCE))
        else:
            if len(self._templates) == _TEMPLATES:
                del self._templates[0]
            self._templates.append(self._draft.finish(self._numbers.phones))
            self._draft = TemplateDraft(self._rendering, self._maker.slots)


class Composer:
    """Draws batches of records that belong to one pod. Two with the same arguments draw the same batches.

    Making one renders the first templates, which takes about 40 ms. Raises FieldRefusedError for a field whose values
    cannot be made.
    """

    def __init__(
        self,
        space: RecordSpace,
        pools: Pools,
        rendering: Rendering | None = None,
        records: RecordsPlan | None = None,
    ) -> None:
        plan = records or RecordsPlan(seed=space.seed, run_tag=space.run_tag)
        self._rendering = rendering or CsvRendering(columns_of(plan.columns), plan.dialect)
        capacity = phones_per_area_code(plan.contact)
        self._numbers = _Numbers(space, PhoneBook(space.seed, space.pod_index, space.pod_count, capacity))
        self._has_ids = any(column.source == "client_id" for column in plan.columns)
        choices = Words(space.seed, _CHOICE_STREAM, space.pod_index)
        self._right = _Templates(RowMaker(plan, space, pools), self._rendering, choices, self._numbers, CHUNK_ROWS)
        self._right.render_first(_FIRST_TEMPLATES)
        self._wrong: _Templates | None = None
        self._wrong_millionths = 0
        self._drawn_rows = self._wrong_rows = 0
        if plan.invalid is not None:
            maker = RowMaker(plan, space, pools, wrong=True)
            choices = Words(space.seed, _WRONG_CHOICE_STREAM, space.pod_index)
            self._wrong = _Templates(maker, self._rendering, choices, self._numbers, _WRONG_ROWS)
            self._wrong.render_first(1)
            self._wrong_millionths = plan.invalid.millionths
        self._composed: _Piece | None = None
        self._composed_data = memoryview(b"")
        self._cut_rows = 0

    def compose(self, rows: int) -> Batch:
        """Draw the next `rows` records. Their numbers are spent, whether or not the batch is ever sent.

        No rows give a file with its header alone. Raises ValueError for a negative number and OverflowError
        when the pod has no numbers left.
        """
        if rows < 0:
            raise ValueError(f"rows is {rows}; a batch cannot have fewer than none")
        wrong_rows = self._wrong_rows_due(rows)
        pieces = self._pieces(rows, wrong_rows)
        head, tail = self._rendering.head, self._rendering.tail
        return Batch(
            rows=rows,
            valid_rows=rows - wrong_rows,
            content_length=len(head) + sum(piece.size_bytes for piece in pieces) + len(tail),
            _has_ids=self._has_ids,
            _head=head,
            _pieces=pieces,
            _tail=tail,
        )

    def _wrong_rows_due(self, rows: int) -> int:
        """How many of the next rows are wrong: as many as the share wants of all so far, but one is always right."""
        if self._wrong is None:
            return 0
        self._drawn_rows += rows
        due = self._drawn_rows * self._wrong_millionths // MILLION - self._wrong_rows
        wrong_rows = min(due, max(0, rows - 1))
        self._wrong_rows += wrong_rows
        return wrong_rows

    def _pieces(self, rows: int, wrong_rows: int) -> tuple[_Piece | _Cut, ...]:
        right_rows = rows - wrong_rows
        if rows < _CUT_BELOW_ROWS:
            cuts = tuple(self._cuts(right_rows))
            return (*cuts, *self._wrong_pieces(wrong_rows, cuts[-1])) if wrong_rows else cuts
        self._right.render_when_due(right_rows)
        if not wrong_rows:
            return tuple(self._right.draw(min(CHUNK_ROWS, rows - first)) for first in range(0, rows, CHUNK_ROWS))
        return tuple(self._mixed(right_rows, wrong_rows))

    def _mixed(self, right_rows: int, wrong_rows: int) -> Iterator[_Piece]:
        """Right rows a chunk at a time, after each one its part of the wrong ones."""
        for first in range(0, right_rows, CHUNK_ROWS):
            last = min(first + CHUNK_ROWS, right_rows)
            right = self._right.draw(last - first)
            yield right
            yield from self._wrong_pieces(wrong_rows * last // right_rows - wrong_rows * first // right_rows, right)

    def _wrong_pieces(self, rows: int, right: _Piece | _Cut) -> Iterator[_Piece]:
        """Wrong rows; those with the id of another have that of the last row of the right ones before them."""
        if self._wrong is not None:
            self._wrong.render_when_due(rows)
            for first in range(0, rows, _WRONG_ROWS):
                yield self._wrong.draw(min(_WRONG_ROWS, rows - first), right.first_number + right.rows - 1)

    def _cuts(self, rows: int) -> Iterator[_Cut]:
        while rows > 0:
            if self._composed is None or self._cut_rows == self._composed.rows:
                self._right.render_when_due(CHUNK_ROWS)
                self._composed = self._right.draw(CHUNK_ROWS)
                self._composed_data = self._composed.view()
                self._cut_rows = 0
            piece, first = self._composed, self._cut_rows
            last = min(first + rows, piece.rows)
            ends = piece.template.ends  # The piece is the whole template.
            yield _Cut(
                self._composed_data[ends[first] : ends[last]], piece.space, piece.first_number + first, last - first
            )
            self._cut_rows = last
            rows -= last - first
