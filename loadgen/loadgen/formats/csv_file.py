"""CSV files: what the composer makes is the file."""

from typing import Final

from loadgen.formats.seam import FileBody
from loadgen.records import Batch, CsvRendering


class CsvFormat:
    """Comma-separated values in UTF-8."""

    name: Final = "csv"
    extension: Final = ".csv"
    content_type: Final = "text/csv"

    def __init__(self) -> None:
        self.rendering = CsvRendering()

    async def encode(self, batch: Batch) -> FileBody:
        return batch
