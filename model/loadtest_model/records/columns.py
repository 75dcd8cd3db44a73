"""The columns of a file of records."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, and whether its fields are numbers; an empty field of a number column is null."""

    name: str
    is_number: bool = False


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
    Column("date_of_birth"),
    Column("language"),
    Column("status"),
    Column("balance", is_number=True),
    Column("created_at"),
    Column("updated_at"),
)
"""The columns of client records, in the order that their fields stand in."""
