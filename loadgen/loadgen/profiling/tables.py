"""A file of records as texts, with what else has to be known to write one like it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


class UnreadableTableError(ValueError):
    """A file that is no table; the message says where and why, without the file's values."""


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of a file: columns of texts of the same length, by their names in the file's order.

    Dates and times are in ISO form where the file has cells of that kind. `dialect` has what differs from the standard
    dialect, by the names of a spec.
    """

    columns: Mapping[str, Sequence[str]]
    rows: int
    dialect: Mapping[str, str | bool] = field(default_factory=dict)


def table_of(
    header: Sequence[str], rows: Sequence[Sequence[str]], dialect: Mapping[str, str | bool] | None = None
) -> Table:
    """The table of rows under a header; a row that ends early has empty fields. Raises UnreadableTableError."""
    names = [name.strip() for name in header]
    if not any(names):
        raise UnreadableTableError("has no header row")
    for place, name in enumerate(names, 1):
        if not name:
            raise UnreadableTableError(f"has no name for its column {place}")
        if name in names[: place - 1]:
            raise UnreadableTableError(f"has two columns named {name!r}")
    for number, row in enumerate(rows, 2):
        if len(row) > len(names):
            raise UnreadableTableError(f"has {len(row)} fields in row {number}, but {len(names)} in its header")
    columns = {name: [row[place] if place < len(row) else "" for row in rows] for place, name in enumerate(names)}
    return Table(columns, len(rows), dialect or {})
