"""The columns of a file of records."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class CellKind(StrEnum):
    """What a cell of a sheet holds if it is no text and no number."""

    TEXT = "text"
    DATE = "date"
    DATE_TIME = "datetime"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, and what its fields are beside texts; an empty field of a number column is null.

    `cell` is the kind of cell that a sheet has for them, and `date_format` how it shows a date or a time.
    """

    name: str
    is_number: bool = False
    cell: CellKind = CellKind.TEXT
    date_format: str = ""
    true_text: str = ""
    false_text: str = ""


CLIENT_COLUMNS: Final = (
    Column("client_id"),
    Column("first_name"),
    Column("last_name"),
    Column("email"),
    Column("phone"),
    Column("address"),
    Column("city"),
    Column("province"),
    Column("postal_code"),
    Column("date_of_birth", cell=CellKind.DATE),
    Column("language"),
    Column("status"),
    Column("balance", is_number=True),
    Column("created_at", cell=CellKind.DATE_TIME),
    Column("updated_at", cell=CellKind.DATE_TIME),
)
"""The columns of client records, in the order that their fields stand in."""
