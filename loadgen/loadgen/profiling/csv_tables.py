"""Tables from CSV files, with their dialects."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from loadgen.profiling.tables import Table, UnreadableTableError, table_of

_DELIMITERS: Final = (",", ";", "\t", "|")
_HEAD_BYTES: Final = 65_536
_HEAD_ROWS: Final = 50
_BOM: Final = b"\xef\xbb\xbf"
_NUMBER: Final = re.compile(r"-?[0-9]+([.,][0-9]+)?")


def read_csv(path: Path, most_rows: int) -> Table:
    """The first rows of a CSV file. Raises UnreadableTableError, and OSError if it cannot be opened."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return _read(path, head, encoding, most_rows)
        except UnicodeDecodeError:
            continue
    raise UnreadableTableError("is neither UTF-8 nor Windows-1252")


def _read(path: Path, head: bytes, encoding: str, most_rows: int) -> Table:
    head_text = head.decode(encoding, "ignore" if len(head) == _HEAD_BYTES else "strict")
    delimiter = _delimiter_of(head_text)
    with _open_text(path, encoding) as file:
        try:
            reader = (row for row in csv.reader(file, delimiter=delimiter) if row)
            header = next(reader, [])
            rows = list(islice(reader, most_rows))
        except csv.Error as error:
            raise UnreadableTableError(f"is no CSV: {error}") from error
    return table_of(header, rows, _dialect_of(head, head_text, delimiter, encoding))


@contextmanager
def _open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    # csv.reader wants line ends as they are.
    with path.open(encoding=encoding, newline="") as file:
        yield file


def _delimiter_of(head: str) -> str:
    """The delimiter by which the first rows have most fields, and as many as the header."""

    def rank(delimiter: str) -> tuple[float, int]:
        rows = list(islice((row for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if row), 20))
        if not rows:
            return 0, 0
        width = len(rows[0])
        # The head may end within a row.
        whole_rows = rows[:-1] or rows
        return sum(len(row) == width for row in whole_rows) / len(whole_rows) if width > 1 else 0, width

    return max(_DELIMITERS, key=rank)


def _dialect_of(head: bytes, text: str, delimiter: str, encoding: str) -> Mapping[str, str | bool]:
    """What differs from the standard dialect."""
    dialect: dict[str, str | bool] = {}
    if delimiter != ",":
        dialect["delimiter"] = delimiter
    if (quoting := _quoting_of(text, delimiter)) != "minimal":
        dialect["quoting"] = quoting
    if head.startswith(_BOM):
        dialect["bom"] = True
    if encoding == "cp1252":
        dialect["encoding"] = encoding
    if "\n" in text and "\r\n" not in text:
        dialect["lineEnd"] = "LF"
    return dialect


def _quoting_of(text: str, delimiter: str) -> str:
    """Which fields of the first rows stand in quotes, as far as lines without line ends in them tell."""
    field = re.compile(rf'(?:^|{re.escape(delimiter)})("(?:[^"]|"")*"|[^"{re.escape(delimiter)}]*)')
    lines = [line for line in text.splitlines()[1:_HEAD_ROWS] if line and line.count('"') % 2 == 0]
    fields = [match for line in lines for match in field.findall(line) if match]
    quoted_fields = [match for match in fields if match.startswith('"')]
    # Quotes that a field needs tell nothing of the others.
    if all(delimiter in match or '"' in match[1:-1] for match in quoted_fields):
        return "minimal"
    if len(quoted_fields) == len(fields):
        return "all"
    return "nonnumeric" if _are_quoted_unless_numbers(fields) else "minimal"


def _are_quoted_unless_numbers(fields: Sequence[str]) -> bool:
    return all(match.startswith('"') != (_NUMBER.fullmatch(match) is not None) for match in fields)
