"""Tables from the first sheet of XLSX files, read by the standard library (ECMA-376 part 1, 18.3)."""

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Final
from xml.etree import ElementTree

from loadgen.profiling.tables import Table, UnreadableTableError, table_of

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - cells have no time zone
_BUILT_IN_DATES: Final = frozenset((*range(14, 23), *range(45, 48)))
_LITERALS: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_REFERENCE: Final = re.compile(r"([A-Z]+)[0-9]+")
_LARGEST_SHARED_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Workbook:
    """What cells refer to: texts by their number, and which styles show dates."""

    texts: Sequence[str]
    date_styles: frozenset[int]


def read_sheet(path: Path, most_rows: int) -> Table:
    """The first rows of the first sheet. Raises UnreadableTableError, and OSError if it cannot be opened."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            sheets = sorted(name for name in names if re.fullmatch(r"xl/worksheets/sheet[0-9]+\.xml", name))
            if not sheets:
                raise UnreadableTableError("is no XLSX file: it has no sheet")
            workbook = _Workbook(_shared_texts(archive, names), _date_styles(archive, names))
            with archive.open(sheets[0]) as file:
                kinds: set[str] = set()
                rows = _rows(file, workbook, kinds)
                header = next(rows, [])
                body = [row for row in islice(rows, most_rows) if any(row)]
    except (zipfile.BadZipFile, ElementTree.ParseError) as error:
        raise UnreadableTableError(f"is no XLSX file: {error}") from error
    return table_of(header, body, {"cells": "typed"} if kinds else {})


def _shared_texts(archive: zipfile.ZipFile, names: Sequence[str]) -> list[str]:
    if "xl/sharedStrings.xml" not in names:
        return []
    if archive.getinfo("xl/sharedStrings.xml").file_size > _LARGEST_SHARED_BYTES:
        raise UnreadableTableError("has more than 256 MB of texts; give a file of fewer rows")
    root = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))  # noqa: S314 - the user's own file, and expat bounds entities
    return ["".join(text.text or "" for text in item.iter(f"{_MAIN}t")) for item in root]


def _date_styles(archive: zipfile.ZipFile, names: Sequence[str]) -> frozenset[int]:
    """The styles whose number format has a day or a year in it."""
    if "xl/styles.xml" not in names:
        return frozenset()
    root = ElementTree.fromstring(archive.read("xl/styles.xml"))  # noqa: S314 - the user's own file, and expat bounds entities
    own_dates = {
        int(number_format.get("numFmtId", "0"))
        for number_format in root.iter(f"{_MAIN}numFmt")
        if re.search("[dyDY]", _LITERALS.sub("", number_format.get("formatCode", "")))
    }
    styles = root.find(f"{_MAIN}cellXfs")
    numbers = [int(style.get("numFmtId", "0")) for style in styles] if styles is not None else []
    return frozenset(place for place, number in enumerate(numbers) if number in own_dates | _BUILT_IN_DATES)


def _rows(file: IO[bytes], workbook: _Workbook, kinds: set[str]) -> Iterator[list[str]]:
    """Rows of texts; `kinds` gathers the kinds of cells that are neither texts nor numbers."""
    for _, element in ElementTree.iterparse(file):  # noqa: S314 - the user's own file, and expat bounds entities
        if element.tag == f"{_MAIN}row":
            row: list[str] = []
            for cell in element:
                place = _place(cell, len(row))
                row += [""] * (place - len(row))
                row.append(_text(cell, workbook, kinds))
            element.clear()
            yield row


def _place(cell: ElementTree.Element, next_place: int) -> int:
    match = _REFERENCE.fullmatch(cell.get("r", ""))
    if match is None:
        return next_place
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return max(number - 1, next_place)


def _text(cell: ElementTree.Element, workbook: _Workbook, kinds: set[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_MAIN}t"))
    value = cell.findtext(f"{_MAIN}v") or ""
    if not value or kind in ("str", "e"):
        return value
    if kind == "s":
        return workbook.texts[int(value)]
    if kind == "b":
        kinds.add("boolean")
        return "true" if value == "1" else "false"
    if int(cell.get("s", "0")) in workbook.date_styles:
        kinds.add("date")
        return _moment_text(float(value))
    number = float(value)
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)


def _moment_text(days: float) -> str:
    moment = _EPOCH + timedelta(seconds=round(days * 86_400))
    return f"{moment:%Y-%m-%d}" if days == int(days) else f"{moment:%Y-%m-%dT%H:%M:%S}Z"
