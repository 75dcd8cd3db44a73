"""The columns of a run's files: the client's, as `spec.records.fields` changes them."""

import re
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from msgspec.structs import replace

from loadtest_model.plan.errors import PlanError
from loadtest_model.reasons import Reason
from loadtest_model.records.columns import CLIENT_COLUMNS, Column
from loadtest_model.records.providers import PROVIDERS
from loadtest_model.spec.fields import FIELD_KINDS, Characters, Field
from loadtest_model.spec.records import Fields
from loadtest_model.suggestions import suggestion
from loadtest_model.values import WireValue

Conversion = Literal["", "lower", "upper", "mail"]

MILLION: Final = 1_000_000
DEFAULT_PLACES: Final = 2
MOST_ARGUMENT_CHARACTERS: Final = 256
MOST_VARYING: Final = 18
"""How many fields may be written anew in every row beside the client's own, those within templates counted again."""

_MOST_UNITS: Final = 10**18
_CLIENT_NAMES: Final = tuple(column.name for column in CLIENT_COLUMNS)
_NUMBERS: Final = frozenset(column.name for column in CLIENT_COLUMNS if column.number)
VARYING_CLIENTS: Final = frozenset(("client_id", "email", "phone", "address"))
_CONVERSIONS: Final = ("lower", "upper", "mail")
_TOKEN: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NO_XML: Final = re.compile("[\ufffe\uffff]")


class TemplatePart(WireValue, frozen=True, kw_only=True):
    """A piece of a template: literal text, or else the field of a client column or of a column that was added."""

    text: str = ""
    client: str = ""
    column: str = ""
    conversion: Conversion = ""


class ColumnPlan(WireValue, frozen=True, kw_only=True):
    """A column of the file. Kind `client` is the client column `source`; the others are those of a spec's fields.

    `low` and `high` bound, inclusively, an integer, a decimal in units of its last place, a date in days and a
    datetime in seconds since 1970. An argument that is a text may be JSON.
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
    parts: tuple[TemplatePart, ...] = ()
    null_millionths: int = 0

    @property
    def is_number(self) -> bool:
        return self.kind in ("integer", "decimal") or (self.kind == "client" and self.source in _NUMBERS)

    @property
    def capacity(self) -> int | None:
        """How many values a unique column has; None for the others."""
        return (10 if self.digits else 32) ** self.width if self.kind == "unique" else None


CLIENT_PLANS: Final = tuple(ColumnPlan(name=name, kind="client", source=name) for name in _CLIENT_NAMES)


def columns_of(plans: Sequence[ColumnPlan]) -> tuple[Column, ...]:
    """What the file formats know of the columns."""
    return tuple(Column(plan.name, plan.is_number) for plan in plans)


def compile_columns(fields: Fields) -> tuple[ColumnPlan, ...]:
    """The columns in the file's order.

    Raises PlanError with the path of what is wrong, its value, and what it may have meant.
    """
    names = _client_names(fields)
    added = {field.name: _Compiler(index, field) for index, field in enumerate(fields.add)}
    if len(added) < len(fields.add):
        twice = next(field.name for field in fields.add if [each.name for each in fields.add].count(field.name) > 1)
        raise records_error("fields.add", f"has two columns named {twice!r}")
    lookup = _Lookup(names, frozenset(added))
    columns = {name: ColumnPlan(name=name, kind="client", source=source) for name, source in names.items()}
    # A column that takes the place of another keeps it, as a dictionary does.
    columns |= {name: compiler.compile(lookup) for name, compiler in added.items()}
    if not columns:
        raise records_error("fields.drop", "leaves no column; a file needs at least one")
    _refuse_circles(columns)
    plans = _ordered(columns, fields.order)
    _refuse_too_many_varying(plans)
    return plans


def records_error(path: str, message: str) -> PlanError:
    return PlanError(Reason.RecordsInvalid, f"spec.records.{path} {message}")


def _client_names(fields: Fields) -> dict[str, str]:
    """The client column behind each name in the file, in the order of client records."""
    for path, given in (("rename", list(fields.rename)), ("drop", fields.drop)):
        for name in given:
            if name not in _CLIENT_NAMES:
                raise records_error(
                    f"fields.{path}", f"names {name!r}, which is no client column; {suggestion(name, _CLIENT_NAMES)}"
                )
    names: dict[str, str] = {}
    for source in _CLIENT_NAMES:
        if source in fields.drop:
            continue
        name = fields.rename.get(source, source)
        if name in names:
            raise records_error("fields.rename", f"gives two columns the name {name!r}: {names[name]} and {source}")
        names[name] = source
    return names


def _ordered(columns: Mapping[str, ColumnPlan], order: Sequence[str]) -> tuple[ColumnPlan, ...]:
    for name in order:
        if name not in columns:
            raise records_error(
                "fields.order", f"names {name!r}, which is no column of the file; {suggestion(name, columns)}"
            )
    first = dict.fromkeys(order)
    if len(first) < len(order):
        raise records_error("fields.order", "names a column twice")
    return tuple(columns[name] for name in (*first, *(name for name in columns if name not in first)))


class _Lookup:
    """Finds the column that a template names: by its name in the file, else as a client column that is not in it."""

    def __init__(self, client_names: Mapping[str, str], added: frozenset[str]) -> None:
        self._client_names = client_names
        self._added = added

    def find(self, name: str, own_name: str) -> TemplatePart | None:
        if name in self._added and name != own_name:
            return TemplatePart(column=name)
        # Its own name is that of the client column which it stands in for.
        source = self._client_names.get(name, name)
        return TemplatePart(client=source) if source in _CLIENT_NAMES else None

    def names_for(self, own_name: str) -> list[str]:
        return [*self._client_names, *(self._added - {own_name}), *_CLIENT_NAMES]


class _Compiler:
    """Compiles one field."""

    def __init__(self, index: int, field: Field) -> None:
        self._field = field
        self._path = f"fields.add[{index}]"

    def compile(self, lookup: _Lookup) -> ColumnPlan:
        field = self._field
        self._check_kind()
        for path, text in (("name", field.name), ("prefix", field.prefix), ("value", field.value)):
            self._check_text(path, text)
        plan = ColumnPlan(name=field.name, kind=field.kind, null_millionths=round(field.null_share * MILLION))
        match field.kind:
            case "unique":
                digits = field.characters == Characters.DIGITS
                plan = replace(plan, prefix=field.prefix or "", width=field.width, digits=digits)
            case "faker":
                plan = replace(plan, provider=self._provider(), arguments=self._arguments())
            case "choice":
                plan = replace(plan, values=tuple(field.values or ()), weights=self._weights())
            case "integer" | "decimal":
                places = 0 if field.kind == "integer" else field.places or DEFAULT_PLACES
                low, high = self._units("min", field.min, places), self._units("max", field.max, places)
                self._check_order("min", low, "max", high)
                plan = replace(plan, places=places, low=low, high=high)
            case "date" | "datetime":
                low, high = self._moment("earliest", field.earliest), self._moment("latest", field.latest)
                self._check_order("earliest", low, "latest", high)
                plan = replace(plan, low=low, high=high)
            case "constant":
                plan = replace(plan, text=field.value)
            case _:
                plan = replace(plan, parts=self._parts(lookup))
        return plan

    def _refusal(self, name: str, message: str) -> PlanError:
        return records_error(f"{self._path}.{name}", f"{message} (column {self._field.name!r})")

    def _check_kind(self) -> None:
        field = self._field
        if field.kind not in FIELD_KINDS:
            raise self._refusal("kind", f"is {field.kind!r}; {suggestion(field.kind, FIELD_KINDS)}")

    def _check_text(self, path: str, text: str | None) -> None:
        if text and _NO_XML.search(text):
            raise self._refusal(path, f"is {text!r}; U+FFFE and U+FFFF are no characters")

    def _provider(self) -> str:
        provider = self._field.provider or ""
        if provider not in PROVIDERS:
            raise self._refusal("provider", f"is {provider!r}, which is no provider; {suggestion(provider, PROVIDERS)}")
        return provider

    def _arguments(self) -> dict[str, int | str]:
        given = self._field.arguments or {}
        known = PROVIDERS[self._field.provider or ""]
        for name, value in given.items():
            if name not in known:
                hint = suggestion(name, known) if known else "it takes none"
                raise self._refusal("arguments", f"has {name!r}, which {self._field.provider} does not take; {hint}")
            if isinstance(value, str) and len(value) > MOST_ARGUMENT_CHARACTERS:
                raise self._refusal(f"arguments.{name}", f"is longer than {MOST_ARGUMENT_CHARACTERS} characters")
        return given

    def _weights(self) -> tuple[int, ...]:
        values, weights = self._field.values or [], self._field.weights
        if weights is None:
            return (1,) * len(values)
        if len(weights) != len(values):
            raise self._refusal("weights", f"has {len(weights)} numbers, but there are {len(values)} values")
        if not any(weights):
            raise self._refusal("weights", "are all 0; at least one value must have a weight")
        return tuple(weights)

    def _units(self, name: str, bound: float | None, places: int) -> int:
        units = Decimal(repr(bound)).scaleb(places)
        if units != int(units):
            what = f"has more than {places} places" if places else "is no whole number"
            raise self._refusal(name, f"is {bound!r}, which {what}")
        if abs(units) > _MOST_UNITS:
            raise self._refusal(name, f"is {bound!r}, which has more than 18 digits with its {places} places")
        return int(units)

    def _moment(self, name: str, text: str | None) -> int:
        """Days or seconds since 1970. A day stands for its first second."""
        text = text or ""
        try:
            if self._field.kind == "date":
                return (date.fromisoformat(text) - date(1970, 1, 1)).days
            return int(datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00Z").timestamp())
        except ValueError as error:
            example = "2020-01-31" if self._field.kind == "date" else "2020-01-31T08:00:00Z"
            raise self._refusal(name, f"is {text!r}, which is no {self._field.kind} like {example}") from error

    def _check_order(self, least: str, low: int, most: str, high: int) -> None:
        if low > high:
            first, last = (str(getattr(self._field, name)).removesuffix(".0") for name in (least, most))
            raise self._refusal(least, f"is {first}, which is above {most}, {last}")

    def _parts(self, lookup: _Lookup) -> tuple[TemplatePart, ...]:
        text = self._field.template or ""
        self._check_text("template", text)
        parts: list[TemplatePart] = []
        literal, end = "", 0
        for token in _TOKEN.finditer(text):
            literal += text[end : token.start()]
            end = token.end()
            if token[0] in ("{{", "}}"):
                literal += token[0][0]
            elif token[1] is None:
                raise self._refusal(
                    "template", f"is {text!r}, with a single {token[0]}; write {token[0] * 2} for a brace"
                )
            else:
                parts += [TemplatePart(text=literal)] if literal else []
                parts.append(self._reference(token[1], lookup))
                literal = ""
        literal += text[end:]
        return (*parts, TemplatePart(text=literal)) if literal else tuple(parts)

    def _reference(self, name: str, lookup: _Lookup) -> TemplatePart:
        found = lookup.find(name, self._field.name)
        if found is not None:
            return found
        before, _, conversion = name.rpartition(":")
        found = lookup.find(before, self._field.name)
        if found is None:
            raise self._refusal(
                "template",
                f"names {name!r}, which is no column; {suggestion(before or name, lookup.names_for(self._field.name))}",
            )
        if conversion not in _CONVERSIONS:
            hint = suggestion(conversion, _CONVERSIONS)
            raise self._refusal("template", f"has {name!r}, but nothing makes a field {conversion!r}; {hint}")
        return replace(found, conversion=conversion)


def _refuse_circles(columns: Mapping[str, ColumnPlan]) -> None:
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise records_error("fields.add", f"has templates that need each other: {' -> '.join((*above, name))}")
        if name not in done:
            for part in columns[name].parts:
                if part.column:
                    visit(part.column, (*above, name))
            done.add(name)

    for name in columns:
        visit(name, ())


def varying_count(plans: Sequence[ColumnPlan], numbers: Set[str] = frozenset()) -> int:
    """How many fields of a row are written anew in every row, beside the client's own and those within templates again.

    `numbers` are the integers and decimals among them.
    """
    columns = {plan.name: plan for plan in plans}

    def count(plan: ColumnPlan) -> int:
        own = plan.kind == "unique" or plan.name in numbers
        clients = sum(part.client in VARYING_CLIENTS for part in plan.parts)
        return own + clients + sum(count(columns[part.column]) for part in plan.parts if part.column)

    return sum(map(count, plans))


def _refuse_too_many_varying(plans: Sequence[ColumnPlan]) -> None:
    """Integers and decimals are not counted: those for which no place is left change only as rows are rendered."""
    count = varying_count(plans)
    if count > MOST_VARYING:
        raise records_error(
            "fields.add",
            f"has {count} fields that differ in every row (kind unique, and client_id, email, phone, address and kind"
            f" unique in each template); at most {MOST_VARYING} can",
        )
