"""CSV files: what the composer makes is the file."""

from collections.abc import Sequence
from typing import Final

from loadgen.formats.interfaces import FileBody
from loadgen.records import CLIENT_COLUMNS, Batch, Column, CsvRendering
from loadtest_model.plan.records import STANDARD_DIALECT, DialectPlan
from loadtest_model.spec.records import Encoding
from loadtest_model.spec.target import Format


class CsvFormat:
    """Values with delimiters between them, in the dialect."""

    name: Final = Format.CSV

    def __init__(self, columns: Sequence[Column] = CLIENT_COLUMNS, dialect: DialectPlan = STANDARD_DIALECT) -> None:
        self.rendering = CsvRendering(columns, dialect)
        self.content_type = "text/csv" if dialect.encoding == Encoding.UTF_8 else "text/csv; charset=windows-1252"

    async def encode(self, batch: Batch) -> FileBody:
        return batch
