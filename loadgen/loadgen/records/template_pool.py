"""The templates that batches are drawn from, rendered anew little by little, and the numbers of their rows."""

from typing import Final

from loadgen.records.buffers import Buffers
from loadgen.records.phones import PhoneBook
from loadgen.records.pieces import TemplatePiece
from loadgen.records.rendering import Rendering
from loadgen.records.row_maker import RowMaker
from loadgen.records.space import ROWS_PER_POD, RecordSpace
from loadgen.records.template import Template, TemplateDraft
from loadgen.records.words import Words

_TEMPLATES: Final = 8
# A row costs a hundred times as much to render as to copy, so few are; more while the templates are still few.
_ROWS_PER_NEW_ROW: Final = 2_000
_ROWS_PER_NEW_ROW_AT_FIRST: Final = 200
_ROWS_PER_RENDERING: Final = 25  # A whole template would stall the event loop for 50 ms.
_STEPS_PER_RENDERING: Final = 2

_FREE_BUFFERS: Final = 8
_FREE_PACKED_BUFFERS: Final = 32
"""A packed chunk of 400 kB lives until its file is sent."""


class RecordNumbers:
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


class TemplatePool:
    """Templates of rows of one kind, rendered anew little by little."""

    def __init__(
        self, maker: RowMaker, rendering: Rendering, choices: Words, numbers: RecordNumbers, rows: int
    ) -> None:
        self.rows = rows
        self._maker = maker
        self._rendering = rendering
        self._choices = choices
        self._numbers = numbers
        self._buffers = Buffers(_FREE_BUFFERS)
        self._packed_buffers = Buffers(_FREE_PACKED_BUFFERS)
        self._templates: list[Template] = []
        self._draft = TemplateDraft(rendering, maker.slots)
        # Also where nothing compresses: templates of one seed then end at the same batch in every format.
        self._is_to_be_packed = False
        self._rows_until_rendering = 0
        self._slack_bytes = max((slot.source.width for slot in maker.slots if slot.may_be_absent), default=0)

    def render_first(self, count: int) -> None:
        while len(self._templates) < count:
            self._render()

    def draw(self, rows: int, duplicate_of: int = 0) -> TemplatePiece:
        """The next rows, at most as many as a template has; duplicates are of the record with that number."""
        first_number = self._numbers.take(rows)
        template = self._templates[self._choices.one_below(len(self._templates))]
        first_row = self._choices.one_below(template.rows - rows + 1)
        phones = self._numbers.phones
        bases = (
            phones.take_all(template.phone_advances)
            if rows == template.rows
            else phones.take(template.area_indices, first_row, rows)
        )
        return TemplatePiece(
            space=self._numbers.space,
            buffers=self._buffers,
            packed_buffers=self._packed_buffers,
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

    def render_if_due(self, rows: int, *, may_render: bool = True) -> bool:
        """Take a step of the rendering for every so many rows drawn; gives whether one was taken.

        A call takes one step at most, and none if it must not; what is due is then done later.
        """
        self._rows_until_rendering -= rows
        if self._rows_until_rendering > 0 or not may_render:
            return False
        has_few_templates = len(self._templates) < _TEMPLATES
        rows_per_new_row = _ROWS_PER_NEW_ROW_AT_FIRST if has_few_templates else _ROWS_PER_NEW_ROW
        self._rows_until_rendering += _ROWS_PER_RENDERING * rows_per_new_row // _STEPS_PER_RENDERING
        self._render()
        return True

    def _render(self) -> None:
        # Each step takes about a millisecond, so they are not taken at once.
        if self._is_to_be_packed:
            self._draft.pack()
            self._is_to_be_packed = False
        elif self._draft.rows < self.rows:
            self._draft.add(self._maker.draw(_ROWS_PER_RENDERING))
            self._is_to_be_packed = True
        else:
            if len(self._templates) == _TEMPLATES:
                del self._templates[0]
            self._templates.append(self._draft.finish(self._numbers.phones))
            self._draft = TemplateDraft(self._rendering, self._maker.slots)
