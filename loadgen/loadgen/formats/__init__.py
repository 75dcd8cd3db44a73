"""The file formats that batches are uploaded in."""

from loadgen.formats.csv_file import CsvFormat
from loadgen.formats.seam import FileBody, FileFormat
from loadgen.formats.xlsx_file import XlsxFormat


def file_format(name: str) -> FileFormat:
    """The format with this name.

    Raises ValueError, naming the formats there are.
    """
    formats = (CsvFormat, XlsxFormat)
    for each in formats:
        if each.name == name:
            return each()
    raise ValueError(f"{name!r} is not a file format; there is {', '.join(each.name for each in formats)}")


__all__ = ["CsvFormat", "FileBody", "FileFormat", "XlsxFormat", "file_format"]
