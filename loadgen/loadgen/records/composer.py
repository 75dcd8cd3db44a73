"""Compose batches of unique client records at the speed of copying memory.

A few templates hold rendered rows. For each batch some are drawn and copied, and in the copy the bytes that differ in
every row are written anew: the code in client_id and e-mail, the phone's last seven digits, the house number's last
two, and those of the fields that users add. These have fixed widths, so a batch's length is known when it is drawn.
Now and then a template is replaced by newly rendered rows, so that people vary as well.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from loadgen.records.phones import PhoneBook
from loadgen.records.pieces import CHUNK_ROWS, ComposedPiece, FilePart, TemplatePiece
from loadgen.records.pools import Pools
from loadgen.records.rendering import CsvRendering, Rendering
from loadgen.records.row_maker import RowMaker
from loadgen.records.row_names import RowNames
from loadgen.records.space import RecordSpace
from loadgen.records.template_pool import RecordNumbers, TemplatePool
from loadgen.records.words import Words
from loadtest_model.plan.columns import MILLION, columns_of
from loadtest_model.plan.records import RecordsPlan
from loadtest_model.records.phone_space import phones_per_area_code

_WRONG_ROWS: Final = 500
"""Rows of a template of wrong rows."""

_FIRST_TEMPLATES: Final = 2
# Batches below an eighth of a chunk are cut from one composed chunk; the composing costs more than the copy.
_CUT_BELOW_ROWS: Final = CHUNK_ROWS // 8
_CHOICE_STREAM: Final = 3
_WRONG_CHOICE_STREAM: Final = 7


class Batch(Struct, eq=False):
    """One file's worth of records, not yet composed.

    `rows` does not count the header; `valid_rows` are those that are not wrong on purpose. `content_length` is in bytes
    and counts everything.
    """

    rows: int
    valid_rows: int
    content_length: int
    _row_names: RowNames
    _has_ids: bool
    _head: bytes
    _pieces: tuple[TemplatePiece | ComposedPiece, ...]
    _tail: bytes

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

    def parts(self) -> Iterator[FilePart]:
        """The same bytes in parts, for a format that compresses them."""
        yield FilePart(self._head)
        for piece in self._pieces:
            yield from piece.parts()
        yield FilePart(self._tail)

    @property
    def first_client_id(self) -> str | None:
        """The id in the first row, or None where there is none."""
        return self._pieces[0].first_client_id if self._pieces and self._has_ids else None

    @property
    def first_row_name(self) -> str:
        """What finds the first row in the target, such as `client_id 48H0RBGCV500EB0G5VNF`; empty without rows."""
        return self._row_names.name(self._pieces[0].first_row_data) if self._pieces else ""

    @property
    def look_up_key(self) -> str | None:
        """What a read-back looks the first row up by, or None where there is nothing."""
        if not self._row_names.look_up_column:
            return self.first_client_id
        return self._row_names.look_up_field(self._pieces[0].first_row_data) if self._pieces else None

    def client_ids(self) -> Iterator[str]:
        """The ids of all rows in the file's order; none where the file has no column for them."""
        if self._has_ids:
            for piece in self._pieces:
                yield from piece.client_ids()


class Composer:
    """Draws batches of records that belong to one pod. Two with the same arguments draw the same batches.

    Making one renders the first templates, which takes about 40 ms. Raises FieldRefusedError for a field whose values
    cannot be made. `has_rendered` says whether the last batch came with the rendering of new rows, which takes a
    millisecond or two.
    """

    def __init__(
        self,
        space: RecordSpace,
        pools: Pools,
        rendering: Rendering | None = None,
        records: RecordsPlan | None = None,
        look_up_column: str = "",
    ) -> None:
        plan = records or RecordsPlan(seed=space.seed, run_tag=space.run_tag)
        self._rendering = rendering or CsvRendering(columns_of(plan.columns), plan.dialect)
        capacity = phones_per_area_code(plan.contact)
        self._numbers = RecordNumbers(space, PhoneBook(space.seed, space.pod_index, space.pod_count, capacity))
        self._row_names = RowNames(plan.columns, self._rendering, look_up_column)
        self._has_ids = any(column.source == "client_id" for column in plan.columns)
        choices = Words(space.seed, _CHOICE_STREAM, space.pod_index)
        self._right_templates = TemplatePool(
            RowMaker(plan, space, pools), self._rendering, choices, self._numbers, CHUNK_ROWS
        )
        self._right_templates.render_first(_FIRST_TEMPLATES)
        self._wrong_templates: TemplatePool | None = None
        self._wrong_millionths = 0
        self._drawn_rows = self._wrong_rows = 0
        if plan.invalid is not None:
            maker = RowMaker(plan, space, pools, wrong=True)
            choices = Words(space.seed, _WRONG_CHOICE_STREAM, space.pod_index)
            self._wrong_templates = TemplatePool(maker, self._rendering, choices, self._numbers, _WRONG_ROWS)
            self._wrong_templates.render_first(1)
            self._wrong_millionths = plan.invalid.millionths
        self.has_rendered = False
        self._composed_chunk: TemplatePiece | None = None
        self._composed_data = memoryview(b"")
        self._composed_ends: list[int] = []
        self._cut_rows = 0

    def compose(self, rows: int) -> Batch:
        """Draw the next `rows` records. Their numbers are spent, whether or not the batch is ever sent.

        No rows give a file with its header alone. Raises ValueError for a negative number and OverflowError
        when the pod has no numbers left.
        """
        if rows < 0:
            raise ValueError(f"rows is {rows}; a batch cannot have fewer than none")
        self.has_rendered = False
        wrong_rows = 0 if self._wrong_templates is None else self._wrong_rows_due(rows)
        pieces = self._pieces(rows, wrong_rows)
        head, tail = self._rendering.head, self._rendering.tail
        content_length = len(head) + len(tail)
        for piece in pieces:
            content_length += piece.size_bytes
        return Batch(rows, rows - wrong_rows, content_length, self._row_names, self._has_ids, head, pieces, tail)

    def _wrong_rows_due(self, rows: int) -> int:
        """How many of the next rows are wrong: as many as the share wants of all so far, but one is always right."""
        self._drawn_rows += rows
        missing_rows = self._drawn_rows * self._wrong_millionths // MILLION - self._wrong_rows
        wrong_rows = min(missing_rows, max(0, rows - 1))
        self._wrong_rows += wrong_rows
        return wrong_rows

    def _pieces(self, rows: int, wrong_rows: int) -> tuple[TemplatePiece | ComposedPiece, ...]:
        right_rows = rows - wrong_rows
        if rows < _CUT_BELOW_ROWS:
            composed_pieces = self._composed_pieces(right_rows)
            return (
                (*composed_pieces, *self._wrong_pieces(wrong_rows, composed_pieces[-1]))
                if wrong_rows
                else composed_pieces
            )
        self.has_rendered |= self._right_templates.render_if_due(right_rows)
        if not wrong_rows:
            return tuple(
                self._right_templates.draw(min(CHUNK_ROWS, rows - first)) for first in range(0, rows, CHUNK_ROWS)
            )
        return tuple(self._mixed_pieces(right_rows, wrong_rows))

    def _mixed_pieces(self, right_rows: int, wrong_rows: int) -> Iterator[TemplatePiece]:
        """Right rows a chunk at a time, after each one its part of the wrong ones."""
        for first in range(0, right_rows, CHUNK_ROWS):
            last = min(first + CHUNK_ROWS, right_rows)
            right = self._right_templates.draw(last - first)
            yield right
            yield from self._wrong_pieces(wrong_rows * last // right_rows - wrong_rows * first // right_rows, right)

    def _wrong_pieces(self, rows: int, right: TemplatePiece | ComposedPiece) -> Iterator[TemplatePiece]:
        """Wrong rows; those with the id of another have that of the last row of the right ones before them."""
        if self._wrong_templates is not None:
            self.has_rendered |= self._wrong_templates.render_if_due(rows, may_render=not self.has_rendered)
            for first in range(0, rows, _WRONG_ROWS):
                yield self._wrong_templates.draw(min(_WRONG_ROWS, rows - first), right.first_number + right.rows - 1)

    def _composed_pieces(self, rows: int) -> tuple[ComposedPiece, ...]:
        # Composing a chunk takes as long as a step of the rendering, so one call does not do both.
        chunk = self._composed_chunk
        has_enough = chunk is not None and self._cut_rows + rows <= chunk.rows
        self.has_rendered |= self._right_templates.render_if_due(rows, may_render=has_enough)
        if chunk is not None and has_enough:
            return (self._cut(chunk, rows),) if rows else ()
        pieces = []
        while rows > 0:
            if chunk is None or self._cut_rows == chunk.rows:
                chunk = self._composed_chunk = self._right_templates.draw(CHUNK_ROWS)
                self._composed_data = chunk.view()
                self._composed_ends = chunk.template.ends.tolist()  # The piece is the whole template.
                self._cut_rows = 0
            piece = self._cut(chunk, min(rows, chunk.rows - self._cut_rows))
            pieces.append(piece)
            rows -= piece.rows
        return tuple(pieces)

    def _cut(self, chunk: TemplatePiece, rows: int) -> ComposedPiece:
        """The next rows of the composed chunk, which must have so many left."""
        first, ends = self._cut_rows, self._composed_ends
        self._cut_rows = last = first + rows
        start = ends[first]
        return ComposedPiece(
            self._composed_data[start : ends[last]],
            chunk.space,
            chunk.first_number + first,
            rows,
            ends[first + 1] - start,
        )
