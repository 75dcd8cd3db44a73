"""Records as the XML of one worksheet (ECMA-376 part 1, 18.3).

Neither rows nor cells say where they stand: each follows the one before it. So rows can stand in any order, and
an empty cell is written, to hold its place.
"""

import re
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import unescape

from loadgen.formats.deflated_rows import RowDeflater
from loadgen.formats.typed_cells import FieldCell, cell_maker, sheet_format
from loadgen.records import MARK_CHARACTERS, Column
from loadtest_model.plan.records import STANDARD_DIALECT, DialectPlan
from loadtest_model.records.columns import CellKind
from loadtest_model.spec.records import Cells

_EMPTY: Final = "<c/>"

# A text within the cell: readers of all kinds take it, and it costs the target about what a sheet of Excel costs.
_TEXT_BEGIN: Final = '<c t="inlineStr"><is><t>'
_SPACED_TEXT_BEGIN: Final = '<c t="inlineStr"><is><t xml:space="preserve">'
_TEXT_END: Final = "</t></is></c>"

_SPACES: Final = " \t\n\r"
# The composer's marks are never sent; those within numbers become digits.
_DIGIT: Final = f"[0-9{MARK_CHARACTERS}]"
_NUMBER: Final = re.compile(rf"-?{_DIGIT}+(\.{_DIGIT}+)?")
_FORBIDDEN: Final = re.compile(f"(?![{MARK_CHARACTERS}])[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 has no way to hold."""

# A bare carriage return would be read as a line feed.
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


_READ_ESCAPES: Final = {"&#13;": "\r"}
_CELL: Final = re.compile(r"<c(?:/>|(?: [^>]*)?>(?:<is><t[^>]*>|<v>)([^<]*)<.*?</c>)")
"""A cell, with its text or number."""


class SheetRendering:
    """Rows of cells: numbers in the columns that hold them, text elsewhere; an empty field is an empty cell.

    A field of a number column that is no decimal number is a text. In typed cells dates, times and booleans are what
    they are; `date_formats` are then those of the columns with dates and times.
    """

    tail: Final = b"</sheetData></worksheet>"

    def __init__(self, columns: Sequence[Column], dialect: DialectPlan = STANDARD_DIALECT) -> None:
        self._columns = tuple(columns)
        self.date_formats: list[str] = []
        self._cell_makers: list[FieldCell | None] = [None] * len(self._columns)
        if dialect.cells == Cells.TYPED:
            dialect_formats = {CellKind.DATE: dialect.date_format, CellKind.DATE_TIME: dialect.date_time_format}
            for index, column in enumerate(self._columns):
                if column.cell in dialect_formats:
                    self.date_formats.append(sheet_format(column.date_format or dialect_formats[column.cell]))
                self._cell_makers[index] = cell_maker(column, len(self.date_formats))
        self.head = b"<sheetData>" + _row([_text_cell(column.name) for column in columns]).encode()

    def prologue(self, rows: int) -> bytes:
        """What precedes the head of a sheet with so many rows under its header."""
        last_cell = f"{column_letters(len(self._columns))}{rows + 1}"
        return (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            f'<dimension ref="A1:{last_cell}"/>'
        ).encode()

    def rows(self, columns: Sequence[Sequence[str]]) -> list[bytes]:
        """Raises ValueError for a character that XML cannot hold."""
        cells = [
            _cells(column, fields) if maker is None else [maker(field) or _text_cell(field) for field in fields]
            for column, maker, fields in zip(self._columns, self._cell_makers, columns, strict=True)
        ]
        return [_row(row).encode() for row in zip(*cells, strict=True)]

    def fields(self, row: bytes) -> list[str]:
        return [unescape(text, _READ_ESCAPES) for text in _CELL.findall(row.decode())]

    def new_packer(self) -> RowDeflater:
        return RowDeflater()


def column_letters(number: int) -> str:
    """The letters of a column, counted from 1: A to Z, AA to AZ, BA ..."""
    letters = ""
    while number > 0:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _row(cells: Sequence[str]) -> str:
    return f"<row>{''.join(cells)}</row>"


def _cells(column: Column, fields: Sequence[str]) -> list[str]:
    text = "".join(fields)
    if forbidden := _FORBIDDEN.search(text):
        raise ValueError(f"column {column.name} holds U+{ord(forbidden[0]):04X}, which a sheet cannot hold")
    if column.is_number:
        return [f"<c><v>{field}</v></c>" if _NUMBER.fullmatch(field) else _text_cell(field) for field in fields]
    # Looking at all of a column at once takes a quarter of the time.
    if "" not in fields and not _is_escaped(text) and [*map(str.strip, fields)] == [*fields]:
        return [f"{_TEXT_BEGIN}{field}{_TEXT_END}" for field in fields]
    return [_text_cell(field) for field in fields]


def _is_escaped(text: str) -> bool:
    return "&" in text or "<" in text or ">" in text or "\r" in text


def _text_cell(field: str) -> str:
    if not field:
        return _EMPTY
    begin = _SPACED_TEXT_BEGIN if field[0] in _SPACES or field[-1] in _SPACES else _TEXT_BEGIN
    return f"{begin}{field.translate(_ESCAPES)}{_TEXT_END}"
