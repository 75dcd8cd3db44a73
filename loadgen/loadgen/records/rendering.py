"""How records become the rows of a file: the seam between the composer and the file formats."""

import csv
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

COLUMNS: Final = (
    "client_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "address",
    "city",
    "province",
    "postal_code",
    "date_of_birth",
    "language",
    "status",
    "balance",
    "created_at",
    "updated_at",
)
"""The header of a file of client records, in the order of the fields."""

# Characters that no text of ours holds stand where the composer writes later, one for each byte of the field;
# none of them is quoted or escaped by a writer, nor are the letters, digits and hyphens that replace them.
CLIENT_MARK: Final = "\x01" * 8
EMAIL_MARK: Final = "\x02" * 8
PHONE_MARK: Final = "\x03" * 8
HOUSE_MARK: Final = "\x04" * 2


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

    def rows(self, records: Iterable[Sequence[str]]) -> list[bytes]:
        """Each record as one row; marks pass through as they are, one byte a character."""
        ...


class _Lines:
    """A file of the kind that csv.writer wants, which keeps each row apart."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, line: str) -> None:
        self.lines.append(line.encode())


class CsvRendering:
    """Comma-separated rows as csv.writer makes them by default (RFC 4180), in UTF-8."""

    tail: Final = b""

    def __init__(self) -> None:
        (self.head,) = self.rows([COLUMNS])

    def rows(self, records: Iterable[Sequence[str]]) -> list[bytes]:
        lines = _Lines()
        csv.writer(lines).writerows(records)
        return lines.lines
