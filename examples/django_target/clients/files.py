"""Uploaded files as rows of text: CSV and XLSX look the same from here on."""

import csv
import io
import zlib
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import PurePath
from typing import Any
from zipfile import BadZipFile

from django.core.files.uploadedfile import UploadedFile
from openpyxl import load_workbook

_CONTENT_TYPES = {
    "text/csv": ".csv",
    "application/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}

# openpyxl lets the errors of zipfile, zlib and ElementTree through, whose ParseError is a SyntaxError.
_BAD_WORKBOOK = (BadZipFile, zlib.error, EOFError, LookupError, ValueError, SyntaxError)


class UnreadableFile(Exception):  # noqa: N818 - it is the file that is unreadable, nothing here went wrong
    """The file cannot be read as a table; the message says why."""


def read_rows(upload: UploadedFile) -> Iterator[list[str]]:
    """Yield the header row and then every row with a value in it, each cell as text.

    The format comes from the file name's extension, else from the part's content type. Raises UnreadableFile.
    """
    extension = PurePath(upload.name or "").suffix.lower()
    if extension not in {".csv", ".xlsx"}:
        extension = _CONTENT_TYPES.get(upload.content_type or "", extension)
    if extension == ".csv":
        return _csv_rows(upload)
    if extension == ".xlsx":
        return _xlsx_rows(upload)
    raise UnreadableFile(f"{upload.name!r} is neither CSV nor XLSX")


def _csv_rows(upload: UploadedFile) -> Iterator[list[str]]:
    # The signature that Excel writes before the first column's name belongs to no name.
    text = io.TextIOWrapper(upload.file, encoding="utf-8-sig", newline="")
    try:
        for row in csv.reader(text):
            if row:
                yield row
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnreadableFile(f"not a CSV file in UTF-8: {error}") from error
    finally:
        text.detach()


def _xlsx_rows(upload: UploadedFile) -> Iterator[list[str]]:
    try:
        workbook = load_workbook(upload.file, read_only=True, data_only=True)
    except _BAD_WORKBOOK as error:
        raise UnreadableFile(f"not an XLSX file: {error}") from error
    try:
        width = 0
        for cells in workbook.worksheets[0].iter_rows(values_only=True):
            row = [_text_of(cell) for cell in cells]
            if any(row):
                # A sheet leaves out the empty cells at a row's end.
                width = width or len(row)
                yield row + [""] * (width - len(row))
    except _BAD_WORKBOOK as error:
        raise UnreadableFile(f"not an XLSX file: {error}") from error
    finally:
        workbook.close()


def _text_of(cell: Any) -> str:
    if cell is None:
        return ""
    if type(cell) is str:
        return cell
    if isinstance(cell, datetime):
        # Excel knows no date without a time.
        return cell.date().isoformat() if cell.time() == time.min else cell.isoformat()
    return str(cell)
