"""The columns of a run's files: the client's, as `spec.records.fields` changes them."""

from collections.abc import Sequence, Set
from typing import Final, Literal

from loadtest_model.records.columns import CLIENT_COLUMNS, CellKind, Column
from loadtest_model.records.patterns import Fill, pattern_parts, unique_digits
from loadtest_model.values import WireValue

Conversion = Literal["", "lower", "upper", "mail"]

MILLION: Final = 1_000_000
MOST_VARYING_FIELDS: Final = 18
"""How many fields may differ in every row, beside the client's own. Fields within templates count again."""

CLIENT_NAMES: Final = tuple(column.name for column in CLIENT_COLUMNS)
VARYING_CLIENT_NAMES: Final = frozenset(("client_id", "email", "phone", "address"))
_NUMBER_NAMES: Final = frozenset(column.name for column in CLIENT_COLUMNS if column.is_number)
_CLIENT_CELLS: Final = {column.name: column.cell for column in CLIENT_COLUMNS}
_CELLS: Final = {"date": CellKind.DATE, "datetime": CellKind.DATE_TIME, "boolean": CellKind.BOOLEAN}


class TemplatePart(WireValue, frozen=True, kw_only=True):
    """A piece of a template: literal text, or else the field of a client column or of a column that was added."""

    text: str = ""
    client: str = ""
    column: str = ""
    conversion: Conversion = ""


class ColumnPlan(WireValue, frozen=True, kw_only=True):
    """A column of the file. Kind `client` is the client column `source`; the others are those of a spec's fields.

    `low` and `high` bound, inclusively, an integer, a decimal in units of its last place, a date in days and a
    datetime in seconds since 1970. `places` is the number of a decimal's places. A unique column has its `prefix` and
    then `width` characters, which are decimal digits if `digits` is true. An argument that is a text may be JSON.
    `values` are those of a choice, or of a boolean what is written for true and for false. `text` is the value of a
    constant, or a pattern, whose values come once if `is_unique` is true. `date_format` is that of a date or a time if
    it differs from the dialect's.
    """

    name: str
    kind: str
    source: str = ""
    prefix: str = ""
    width: int = 0
    digits: bool = False
    provider: str = ""
    arguments: dict[str, int | str] = {}
    values: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()
    low: int = 0
    high: int = 0
    places: int = 0
    text: str = ""
    is_unique: bool = False
    date_format: str = ""
    parts: tuple[TemplatePart, ...] = ()
    null_millionths: int = 0

    @property
    def is_number(self) -> bool:
        return self.kind in ("integer", "decimal") or (self.kind == "client" and self.source in _NUMBER_NAMES)

    @property
    def capacity(self) -> int | None:
        """How many values a unique column has; None for the others."""
        if self.kind == "pattern" and self.is_unique:
            return int(10 ** unique_digits(self.text))
        return int((10 if self.digits else 32) ** self.width) if self.kind == "unique" else None

    @property
    def has_unique_values(self) -> bool:
        """Whether every record has its own value: a unique column without empty fields."""
        return not self.null_millionths and (self.kind == "unique" or (self.kind == "pattern" and self.is_unique))


CLIENT_COLUMN_PLANS: Final = tuple(ColumnPlan(name=name, kind="client", source=name) for name in CLIENT_NAMES)


def columns_of(plans: Sequence[ColumnPlan]) -> tuple[Column, ...]:
    """What the file formats know of the columns."""
    return tuple(_column_of(plan) for plan in plans)


def _column_of(plan: ColumnPlan) -> Column:
    cell = _CLIENT_CELLS[plan.source] if plan.kind == "client" else _CELLS.get(plan.kind, CellKind.TEXT)
    true_text, false_text = plan.values if plan.kind == "boolean" else ("", "")
    return Column(plan.name, plan.is_number, cell, plan.date_format, true_text, false_text)


def varying_field_count(plans: Sequence[ColumnPlan], numbers: Set[str] = frozenset()) -> int:
    """How many fields of a row are written anew in every row.

    The client's own fields are not counted. A field within a template counts again, and a unique pattern counts once
    for each run of its digits.
    `numbers` are the names of the integers and decimals that are written anew.
    """
    columns = {plan.name: plan for plan in plans}

    def count(plan: ColumnPlan) -> int:
        own_fields = int(plan.kind == "unique" or plan.name in numbers)
        if plan.kind == "pattern" and plan.is_unique:
            own_fields = sum(part.fill is Fill.NUMBER for part in pattern_parts(plan.text, unique=True))
        clients = sum(part.client in VARYING_CLIENT_NAMES for part in plan.parts)
        return own_fields + clients + sum(count(columns[part.column]) for part in plan.parts if part.column)

    return sum(map(count, plans))
