"""Files of generated records for tests, and the cells that they must show."""

import csv
import io
from collections.abc import Sequence

from loadgen.formats import FileFormat, file_format
from loadgen.records import CLIENT_COLUMNS, Column, Composer, RecordSpace, load_pools

Cell = str | float | None


def composer_for(rows_format: FileFormat, seed: int = 1) -> Composer:
    """A composer of the format's rows; two of the same seed draw the same records in every format."""
    return Composer(RecordSpace(seed=seed, run_tag=1), load_pools(), rows_format.rendering)


async def record_file(name: str, rows: int, seed: int = 1) -> bytes:
    """A whole file in the format of this name."""
    rows_format = file_format(name)
    return b"".join((await rows_format.encode(composer_for(rows_format, seed).compose(rows))).chunks())


async def record_table(rows: int, seed: int = 1) -> list[list[str]]:
    """The records with their header, as the CSV file of the same seed shows them."""
    text = (await record_file("csv", rows, seed)).decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def typed_table(table: Sequence[Sequence[str]]) -> list[list[Cell]]:
    """The table as a sheet shows it: numbers in the columns that hold them, nothing where a field is empty."""
    header, *rows = table
    return [list(header), *([_typed_cell(*pair) for pair in zip(CLIENT_COLUMNS, row, strict=True)] for row in rows)]


def _typed_cell(column: Column, field: str) -> Cell:
    if not field:
        return None
    return float(field) if column.is_number else field
