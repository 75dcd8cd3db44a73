"""Dates, times and booleans as cells of their own kind (ECMA-376 part 1, 18.3.1.4 and 18.17.4)."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from loadtest_model.records.columns import CellKind, Column

_EPOCH: Final = date(1899, 12, 30)
_FIRST_DAY: Final = date(1900, 3, 1)
"""Sheets count a 29th of February in 1900, which there was not, so earlier days have no number that all agree on."""
_SECONDS_PER_DAY: Final = 86_400

_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_ISO_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_DIRECTIVES: Final = {"Y": "yyyy", "y": "yy", "m": "mm", "d": "dd", "H": "hh", "M": "mm", "S": "ss", "%": '"%"'}

FieldCell = Callable[[str], str | None]
"""The cell of a field; None if the field is no value of that kind, and so a text."""


def cell_maker(column: Column, style: int) -> FieldCell | None:
    """What makes the cells of a column of dates, times or booleans; None for the other columns."""
    match column.cell:
        case CellKind.DATE:
            return lambda field: _number_cell(_day(field), style)
        case CellKind.DATE_TIME:
            return lambda field: _number_cell(_moment(field), style)
        case CellKind.BOOLEAN:
            cells = {column.true_text: '<c t="b"><v>1</v></c>', column.false_text: '<c t="b"><v>0</v></c>'}
            return cells.get
        case CellKind.TEXT:
            return None


def sheet_format(date_format: str) -> str:
    """A format of dates, such as `%d/%m/%Y`, in the words of a sheet, such as `dd"/"mm"/"yyyy`."""
    parts = re.split("%(.)", date_format)
    return "".join(_DIRECTIVES[part] if index % 2 else "".join(map(_quote, part)) for index, part in enumerate(parts))


def _quote(character: str) -> str:
    return '\\"' if character == '"' else f'"{character}"'


def _number_cell(number: str | None, style: int) -> str | None:
    return None if number is None else f'<c s="{style}"><v>{number}</v></c>'


def _day(field: str) -> str | None:
    if _ISO_DATE.fullmatch(field) is None:
        return None
    try:
        day = date.fromisoformat(field)
    except ValueError:
        return None
    return str((day - _EPOCH).days) if day >= _FIRST_DAY else None


def _moment(field: str) -> str | None:
    if _ISO_DATE_TIME.fullmatch(field) is None:
        return None
    moment = datetime.fromisoformat(field)
    day = _day(field[:10])
    if day is None:
        return None
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    # The next number up, which is less than a microsecond later: LibreOffice cuts off a second that is not whole.
    return repr(math.nextafter(int(day) + seconds / _SECONDS_PER_DAY, math.inf)) if seconds else day
