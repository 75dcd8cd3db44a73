"""The file formats that batches are uploaded in."""

from collections.abc import Sequence

from loadgen.formats.csv_file import CsvFormat
from loadgen.formats.interfaces import FileBody, FileFormat
from loadgen.formats.xlsx_file import XlsxFormat
from loadgen.records import CLIENT_COLUMNS, Column
from loadtest_model.plan.records import STANDARD_DIALECT, DialectPlan


def file_format(
    name: str, columns: Sequence[Column] = CLIENT_COLUMNS, dialect: DialectPlan = STANDARD_DIALECT
) -> FileFormat:
    """The format with this name, for files with these columns. An XLSX file takes cells and dates from the dialect.

    Raises ValueError, naming the formats there are.
    """
    if name == CsvFormat.name:
        return CsvFormat(columns, dialect)
    if name == XlsxFormat.name:
        return XlsxFormat(columns, dialect)
    raise ValueError(f"{name!r} is not a file format; there is {CsvFormat.name}, {XlsxFormat.name}")


__all__ = ["CsvFormat", "FileBody", "FileFormat", "XlsxFormat", "file_format"]
