"""How records become the rows of a file: the seam between the composer and the file formats."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from typing import Final, Protocol

from loadgen.records.packing import RowPacker
from loadtest_model.plan.records import STANDARD_DIALECT, DialectPlan
from loadtest_model.records.columns import CLIENT_COLUMNS, Column
from loadtest_model.spec.records import Encoding, LineEnd, Quoting

_LINE_ENDS: Final = {LineEnd.CRLF: "\r\n", LineEnd.LF: "\n"}


class Rendering(Protocol):
    """The rows of one format as bytes that can stand one after the other in any choice and order."""

    @property
    def head(self) -> bytes:
        """What precedes the first row, the header row included."""
        ...

    @property
    def tail(self) -> bytes:
        """What follows the last row."""
        ...

    def rows(self, columns: Sequence[Sequence[str]]) -> list[bytes]:
        """One row for each record, whose fields stand at the same place in every column.

        Marks pass through as they are, one byte a character.
        """
        ...

    def fields(self, row: bytes) -> list[str]:
        """The fields of one row that was rendered."""
        ...

    def new_packer(self) -> RowPacker | None:
        """What compresses rows beforehand, or None if they are sent as they are.

        Rows that are packed have the characters of marks nowhere else.
        """
        ...


class _LineBuffer:
    """A file of the kind that csv.writer wants, which keeps the line last written."""

    line = ""

    def write(self, line: str) -> None:
        self.line = line


class CsvRendering:
    """Rows as csv.writer makes them in the dialect; the standard one is its default (RFC 4180), in UTF-8.

    A field's quoting depends on the field and its column alone, and csv.writer looks at every character twice. So the
    fields that may need quotes go through it, and rows are joined from the results; this takes a third of the time.
    """

    tail: Final = b""

    def __init__(self, columns: Sequence[Column] = CLIENT_COLUMNS, dialect: DialectPlan = STANDARD_DIALECT) -> None:
        self._dialect = dialect
        self._line_end = _LINE_ENDS[dialect.line_end]
        self._special = (dialect.delimiter, '"', "\n", "\r")
        self._line_buffer = _LineBuffer()
        self._writer = csv.writer(self._line_buffer, delimiter=dialect.delimiter, lineterminator=self._line_end)
        may_quote = dialect.quoting != Quoting.MINIMAL
        self._quotes_all = [may_quote] * len(columns)
        (header,) = self.rows([[column.name] for column in columns])
        self._quotes_all = [
            may_quote and not (column.is_number and dialect.quoting == Quoting.NONNUMERIC) for column in columns
        ]
        self.head = b"\xef\xbb\xbf" + header if dialect.bom else header

    def rows(self, columns: Sequence[Sequence[str]]) -> list[bytes]:
        quoted_columns = [
            [_quote_always(field) for field in column] if quotes_all else self._quote_column(column)
            for column, quotes_all in zip(columns, self._quotes_all, strict=True)
        ]
        lines = [
            f"{self._dialect.delimiter.join(fields)}{self._line_end}" for fields in zip(*quoted_columns, strict=True)
        ]
        if self._dialect.encoding == Encoding.UTF_8:
            return [line.encode() for line in lines]
        return [_encode_cp1252(line) for line in lines]

    def fields(self, row: bytes) -> list[str]:
        text = row.decode("utf-8" if self._dialect.encoding == Encoding.UTF_8 else "cp1252")
        lines = io.StringIO(text.removesuffix(self._line_end), newline="")
        return next(csv.reader(lines, delimiter=self._dialect.delimiter))

    def new_packer(self) -> None:
        return None

    def _quote_column(self, column: Sequence[str]) -> Sequence[str]:
        if not self._may_need_quotes("".join(column)):
            return column
        return [self._quote(field) if self._may_need_quotes(field) else field for field in column]

    def _quote(self, field: str) -> str:
        self._writer.writerow((field,))
        return self._line_buffer.line.removesuffix(self._line_end)

    def _may_need_quotes(self, text: str) -> bool:
        return any(character in text for character in self._special)


def _quote_always(field: str) -> str:
    return '"' + field.replace('"', '""') + '"'


def _encode_cp1252(line: str) -> bytes:
    """The line with each letter that Windows-1252 lacks as its base letter, or else as a question mark."""
    try:
        return line.encode("cp1252")
    except UnicodeEncodeError:
        return "".join(map(_base_letter, line)).encode("cp1252", "replace")


def _base_letter(letter: str) -> str:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return unicodedata.normalize("NFKD", letter)[0]
    return letter
