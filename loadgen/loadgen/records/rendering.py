"""How records become the rows of a file: the seam between the composer and the file formats."""

import csv
from collections.abc import Sequence
from typing import Final, Protocol

from loadtest_model.columns import CLIENT_COLUMNS

COLUMNS: Final = tuple(column.name for column in CLIENT_COLUMNS)
"""The header of a file of client records, in the order of the fields."""

# Characters that no text of ours holds stand where the composer writes later, one for each byte of the field;
# none of them is quoted or escaped by a writer, nor are the letters, digits and hyphens that replace them.
CLIENT_MARK: Final = "\x01" * 8
EMAIL_MARK: Final = "\x02" * 8
PHONE_MARK: Final = "\x03" * 8
HOUSE_MARK: Final = "\x04" * 2

_LINE_END: Final = "\r\n"


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


class _LastLine:
    """A file of the kind that csv.writer wants, which keeps the line last written."""

    line = ""

    def write(self, line: str) -> None:
        self.line = line


class CsvRendering:
    """Comma-separated rows as csv.writer makes them by default (RFC 4180), in UTF-8.

    A field's quoting depends on the field alone, and csv.writer looks at every character twice. So the fields
    that may need quotes go through it, and rows are joined from the results; this takes a third of the time.
    """

    tail: Final = b""

    def __init__(self) -> None:
        self._last = _LastLine()
        self._writer = csv.writer(self._last)
        (self.head,) = self.rows([[column] for column in COLUMNS])

    def rows(self, columns: Sequence[Sequence[str]]) -> list[bytes]:
        quoted = [self._quoted(column) for column in columns]
        return [f"{','.join(fields)}{_LINE_END}".encode() for fields in zip(*quoted, strict=True)]

    def _quoted(self, column: Sequence[str]) -> Sequence[str]:
        if not _may_need_quotes("".join(column)):
            return column
        return [self._quote(field) if _may_need_quotes(field) else field for field in column]

    def _quote(self, field: str) -> str:
        self._writer.writerow((field,))
        return self._last.line.removesuffix(_LINE_END)


def _may_need_quotes(text: str) -> bool:
    return "," in text or '"' in text or "\n" in text or "\r" in text
