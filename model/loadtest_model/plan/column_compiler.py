"""Compiles `spec.records.fields` to the columns of a run's files."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from loadtest_model.plan.columns import (
    CLIENT_NAMES,
    MILLION,
    MOST_VARYING_FIELDS,
    ColumnPlan,
    TemplatePart,
    varying_field_count,
)
from loadtest_model.plan.errors import PlanError
from loadtest_model.reasons import Reason
from loadtest_model.records.patterns import pattern_parts
from loadtest_model.records.providers import PROVIDERS
from loadtest_model.spec.fields import DATE_FORMAT_PATTERN, FIELD_KINDS, Characters, Field
from loadtest_model.spec.records import Fields
from loadtest_model.suggestions import suggestion

DEFAULT_PLACES: Final = 2
BOOLEAN_TEXTS: Final = ("true", "false")
MOST_ARGUMENT_CHARACTERS: Final = 256
_MOST_UNITS: Final = 10**18
_CONVERSIONS: Final = ("lower", "upper", "mail")
_TOKEN: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NO_XML: Final = re.compile("[\ufffe\uffff]")


def compile_columns(fields: Fields) -> tuple[ColumnPlan, ...]:
    """The columns in the file's order.

    Raises PlanError with the path of what is wrong, its value, and what it may have meant.
    """
    names = _client_names(fields)
    compilers = {field.name: _FieldCompiler(index, field) for index, field in enumerate(fields.add)}
    if len(compilers) < len(fields.add):
        repeated_name = next(
            field.name for field in fields.add if [other.name for other in fields.add].count(field.name) > 1
        )
        raise records_error("fields.add", f"has two columns named {repeated_name!r}")
    lookup = _ColumnLookup(names, frozenset(compilers))
    columns = {name: ColumnPlan(name=name, kind="client", source=source) for name, source in names.items()}
    # A column that takes the place of another keeps it, as a dictionary does.
    columns |= {name: compiler.compile(lookup) for name, compiler in compilers.items()}
    if not columns:
        path = "fields.drop" if fields.only is None else "fields.only"
        raise records_error(path, "leaves no column; a file needs at least one")
    _refuse_cycles(columns)
    plans = _put_in_order(columns, fields.order)
    _refuse_too_many_varying(plans)
    return plans


def records_error(path: str, message: str) -> PlanError:
    return PlanError(Reason.RecordsInvalid, f"spec.records.{path} {message}")


def _client_names(fields: Fields) -> dict[str, str]:
    """The client column behind each name in the file, in the order of client records."""
    names_by_path = {"rename": list(fields.rename), "drop": fields.drop, "only": fields.only or []}
    for path, names_in_spec in names_by_path.items():
        for name in names_in_spec:
            if name not in CLIENT_NAMES:
                raise records_error(
                    f"fields.{path}", f"names {name!r}, which is no client column; {suggestion(name, CLIENT_NAMES)}"
                )
    names: dict[str, str] = {}
    for source in CLIENT_NAMES:
        if source in fields.drop or (fields.only is not None and source not in fields.only):
            continue
        name = fields.rename.get(source, source)
        if name in names:
            raise records_error("fields.rename", f"gives two columns the name {name!r}: {names[name]} and {source}")
        names[name] = source
    return names


def _put_in_order(columns: Mapping[str, ColumnPlan], order: Sequence[str]) -> tuple[ColumnPlan, ...]:
    for name in order:
        if name not in columns:
            raise records_error(
                "fields.order", f"names {name!r}, which is no column of the file; {suggestion(name, columns)}"
            )
    first = dict.fromkeys(order)
    if len(first) < len(order):
        raise records_error("fields.order", "names a column twice")
    return tuple(columns[name] for name in (*first, *(name for name in columns if name not in first)))


class _ColumnLookup:
    """Finds the column that a template names: by its name in the file, else as a client column that is not in it."""

    def __init__(self, client_names: Mapping[str, str], added_names: frozenset[str]) -> None:
        self._client_names = client_names
        self._added_names = added_names

    def find(self, name: str, own_name: str) -> TemplatePart | None:
        if name in self._added_names and name != own_name:
            return TemplatePart(column=name)
        # Its own name is that of the client column which it stands in for.
        source = self._client_names.get(name, name)
        return TemplatePart(client=source) if source in CLIENT_NAMES else None

    def names_for(self, own_name: str) -> list[str]:
        return [*self._client_names, *(self._added_names - {own_name}), *CLIENT_NAMES]


class _FieldCompiler:
    """Compiles one field."""

    def __init__(self, index: int, field: Field) -> None:
        self._field = field
        self._path = f"fields.add[{index}]"

    def compile(self, lookup: _ColumnLookup) -> ColumnPlan:
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
                plan = replace(plan, values=tuple(field.values or ()), weights=self._weights(field.values or []))
            case "boolean":
                values = field.values or BOOLEAN_TEXTS
                if values[0] == values[1]:
                    raise self._refusal("values", f"are both {values[0]!r}; true and false must differ")
                plan = replace(plan, values=tuple(values), weights=self._weights(values))
            case "integer" | "decimal":
                places = 0 if field.kind == "integer" else field.places or DEFAULT_PLACES
                low, high = self._units("min", field.min, places), self._units("max", field.max, places)
                self._check_order("min", low, "max", high)
                plan = replace(plan, places=places, low=low, high=high)
            case "date" | "datetime":
                low, high = self._instant("earliest", field.earliest), self._instant("latest", field.latest)
                self._check_order("earliest", low, "latest", high)
                plan = replace(plan, low=low, high=high, date_format=self._date_format())
            case "pattern":
                plan = replace(plan, text=self._pattern(), is_unique=bool(field.unique))
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
        arguments = self._field.arguments or {}
        parameters = PROVIDERS[self._field.provider or ""]
        for name, value in arguments.items():
            if name not in parameters:
                hint = suggestion(name, parameters) if parameters else "it takes none"
                raise self._refusal("arguments", f"has {name!r}, which {self._field.provider} does not take; {hint}")
            if isinstance(value, str) and len(value) > MOST_ARGUMENT_CHARACTERS:
                raise self._refusal(f"arguments.{name}", f"is longer than {MOST_ARGUMENT_CHARACTERS} characters")
        return arguments

    def _date_format(self) -> str:
        date_format = self._field.format or ""
        if self._field.kind == "date" and re.search(DATE_FORMAT_PATTERN, date_format or "%Y") is None:
            raise self._refusal("format", f"is {date_format!r}; a date has %Y %y %m %d alone")
        return date_format

    def _pattern(self) -> str:
        pattern = self._field.pattern or ""
        self._check_text("pattern", pattern)
        try:
            pattern_parts(pattern, unique=bool(self._field.unique))
        except ValueError as error:
            raise self._refusal("pattern", f"is {pattern!r}, which {error}") from error
        return pattern

    def _weights(self, values: Sequence[str]) -> tuple[int, ...]:
        weights = self._field.weights
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
            fault = f"has more than {places} places" if places else "is no whole number"
            raise self._refusal(name, f"is {bound!r}, which {fault}")
        if abs(units) > _MOST_UNITS:
            raise self._refusal(name, f"is {bound!r}, which has more than 18 digits with its {places} places")
        return int(units)

    def _instant(self, name: str, text: str | None) -> int:
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

    def _parts(self, lookup: _ColumnLookup) -> tuple[TemplatePart, ...]:
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

    def _reference(self, name: str, lookup: _ColumnLookup) -> TemplatePart:
        part = lookup.find(name, self._field.name)
        if part is not None:
            return part
        column_name, _, conversion = name.rpartition(":")
        part = lookup.find(column_name, self._field.name)
        if part is None:
            hint = suggestion(column_name or name, lookup.names_for(self._field.name))
            raise self._refusal("template", f"names {name!r}, which is no column; {hint}")
        if conversion not in _CONVERSIONS:
            hint = suggestion(conversion, _CONVERSIONS)
            raise self._refusal("template", f"has {name!r}, but nothing makes a field {conversion!r}; {hint}")
        return replace(part, conversion=conversion)


def _refuse_cycles(columns: Mapping[str, ColumnPlan]) -> None:
    finished_columns: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise records_error("fields.add", f"has templates that need each other: {' -> '.join((*path, name))}")
        if name not in finished_columns:
            for part in columns[name].parts:
                if part.column:
                    visit(part.column, (*path, name))
            finished_columns.add(name)

    for name in columns:
        visit(name, ())


def _refuse_too_many_varying(plans: Sequence[ColumnPlan]) -> None:
    """Integers and decimals are not counted: those for which no place is left change only as rows are rendered."""
    count = varying_field_count(plans)
    if count > MOST_VARYING_FIELDS:
        raise records_error(
            "fields.add",
            f"has {count} fields that differ in every row (kind unique, each run of digits of a unique pattern, and"
            f" client_id, email, phone, address and such columns in each template); at most {MOST_VARYING_FIELDS} can",
        )
