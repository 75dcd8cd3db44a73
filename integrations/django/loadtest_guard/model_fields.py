"""Columns for the fields of a model, as `loadgen` reads them: kinds, bounds and lengths, from the model alone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from loadtest_guard.code_patterns import pattern_of

Json = dict[str, Any]

_MOST: Final = 1_000_000
"""The greatest number of a field that has no bound of its own."""
_LONGEST_TEXT: Final = 200
_LEAST_TEXT: Final = 5
_LEAST_UNIQUE_DIGITS: Final = 2
"""Of a pattern whose values come once."""
_AMPLE_DIGITS: Final = 8
_UUID_PATTERN: Final = "########-####-4###-8###-############"
_UNKNOWN_TEXT: Final = "the name tells nothing of the values, so they are texts at random; write a kind that fits"
_OWN_EMAIL: Final = "{client_id:lower}@example.com"
_OWN_URL: Final = "https://example.com/{client_id:lower}"
_CLIENT_ID_LENGTH: Final = 20

CLIENT_LENGTHS: Final = {
    "first_name": 40,
    "last_name": 40,
    "city": 40,
    "address": 100,
    "province": 2,
    "postal_code": 7,
    "phone": 15,
}
"""How long the synthetic clients' columns of these names may be at most."""
_CLIENT_NAMES: Final = {
    **{name: name for name in CLIENT_LENGTHS},
    **dict.fromkeys(("firstname", "given_name", "forename"), "first_name"),
    **dict.fromkeys(("lastname", "surname", "family_name"), "last_name"),
    **dict.fromkeys(("town",), "city"),
    **dict.fromkeys(("street", "street_address", "address1", "address_line_1"), "address"),
    **dict.fromkeys(("postcode", "postalcode"), "postal_code"),
    **dict.fromkeys(("telephone", "phone_number", "mobile"), "phone"),
}


@dataclass(frozen=True)
class ModelColumn:
    """What fills the column of a field: a column of the synthetic clients, or else a kind with its parameters.

    `notes` say what has to be looked at or completed by hand.
    """

    name: str
    parameters: Json
    client: str = ""
    notes: tuple[str, ...] = ()


def model_columns(model: type[models.Model], names: Sequence[str] = ()) -> list[ModelColumn]:
    """A column for each field of the model that an upload fills, or for those with these names.

    Keys that the database counts and times that Django sets are left out. Raises LookupError for a name of no field.
    """
    fields = {field.name: field for field in model._meta.concrete_fields}
    for name in names:
        if name not in fields:
            raise LookupError(f"{model._meta.label} has no field {name}; it has {', '.join(fields)}")
    chosen_fields = [fields[name] for name in names] or [field for field in fields.values() if _is_filled(field)]
    unique_names = _names_of_unique_fields(model)
    return [column_of(field, is_unique=field.name in unique_names) for field in chosen_fields]


def _is_filled(field: Any) -> bool:
    is_counted = isinstance(field, models.AutoField | models.BigAutoField | models.SmallAutoField)
    is_set = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    return not (is_counted or is_set or getattr(field, "generated", False))


def _names_of_unique_fields(model: type[models.Model]) -> set[str]:
    names = {field.name for field in model._meta.concrete_fields if field.unique}
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and len(constraint.fields) == 1:
            names |= set(constraint.fields)
    return names


def column_of(field: Any, *, is_unique: bool = False) -> ModelColumn:
    """A column for one field."""
    code = _of_code(field, is_unique=is_unique)
    column = _of_choices(field) or _of_value(field) or code or _of_text(field, is_unique=is_unique)
    if is_unique and not _is_unique(column):
        column = _unique_column(field)
    notes = [*column.notes]
    if column is not code and any(type(validator) is RegexValidator for validator in field.validators):
        notes.append("the field has a pattern of its own; write values that match it")
    if (field.null or (field.blank and field.empty_strings_allowed)) and not is_unique:
        notes.append("the field may be empty; add nullShare if the service takes an empty text for none")
    return ModelColumn(field.name, column.parameters, column.client, tuple(notes))


def _is_unique(column: ModelColumn) -> bool:
    text = column.parameters.get("template", "")
    return column.parameters.get("unique", False) or column.parameters.get("kind") == "unique" or "{client_id" in text


def _made(field: Any, kind: str, *notes: str, **parameters: Any) -> ModelColumn:
    return ModelColumn(field.name, {"kind": kind, **parameters}, notes=notes)


def _of_choices(field: Any) -> ModelColumn | None:
    choices = [str(value) for value, _ in field.flatchoices if value not in ("", None)] if field.choices else []
    return _made(field, "choice", values=choices) if choices else None


def _of_value(field: Any) -> ModelColumn | None:
    """The column of a field that is no text."""
    make = next((make for kind, make in _MAKERS if isinstance(field, kind)), None)
    return make(field) if make is not None else None


def _of_key(field: Any) -> ModelColumn:
    note = f"write the key of a stored {field.related_model._meta.label}, or a choice of several"
    return _made(field, "constant", note, value="1")


def _of_integer(field: Any) -> ModelColumn:
    most = _MOST
    if isinstance(field, models.DecimalField):
        most = min(10**field.max_digits - 1, _MOST)
    elif isinstance(field, models.SmallIntegerField | models.PositiveSmallIntegerField):
        most = 32_767
    low, high = _bounds(field, most)
    return _made(field, "integer", min=math.ceil(low), max=math.floor(high))


def _of_decimal(field: Any) -> ModelColumn:
    places = min(field.decimal_places, 9)
    if not places:
        return _of_integer(field)
    step = Decimal(1).scaleb(-places)
    low, high = _bounds(field, min(float(10 ** (field.max_digits - field.decimal_places) - step), _MOST))
    return _made(
        field,
        "decimal",
        min=float(Decimal(repr(low)).quantize(step, ROUND_CEILING)),
        max=float(Decimal(repr(high)).quantize(step, ROUND_FLOOR)),
        places=places,
    )


def _of_float(field: Any) -> ModelColumn:
    low, high = _bounds(field, 1_000)
    return _made(field, "decimal", min=math.ceil(low), max=math.floor(high), places=2)


def _of_file(field: Any) -> ModelColumn:
    return _made(field, "constant", "a file cannot stand in a column; leave the field out by --only", value="")


_DAYS: Final = {"earliest": "2020-01-01", "latest": "2024-12-31"}
_TIMES: Final = {"earliest": "2020-01-01T00:00:00Z", "latest": "2024-12-31T23:59:59Z"}
_MAKERS: Final[tuple[tuple[type[Any], Callable[[Any], ModelColumn]], ...]] = (
    (models.ForeignKey, _of_key),
    # What a BooleanField takes from a text.
    (models.BooleanField, lambda field: _made(field, "boolean", values=["True", "False"])),
    (models.DecimalField, _of_decimal),
    (models.FloatField, _of_float),
    (models.DurationField, lambda field: _made(field, "integer", "in seconds", min=0, max=86_400)),
    (models.IntegerField, _of_integer),
    (models.DateTimeField, lambda field: _made(field, "datetime", **_TIMES)),
    (models.DateField, lambda field: _made(field, "date", **_DAYS)),
    (models.TimeField, lambda field: _made(field, "datetime", **_TIMES, format="%H:%M:%S")),
    (models.UUIDField, lambda field: _made(field, "pattern", pattern=_UUID_PATTERN, unique=True)),
    (models.JSONField, lambda field: _made(field, "constant", value="{}")),
    (
        models.GenericIPAddressField,
        lambda field: _made(field, "faker", provider="ipv6" if field.protocol.lower() == "ipv6" else "ipv4"),
    ),
    (models.FileField, _of_file),
    (models.BinaryField, _of_file),
)
"""What makes the columns of each kind of field; the first that applies decides."""


def _of_code(field: Any, *, is_unique: bool) -> ModelColumn | None:
    """The column of a text whose one validator with a regular expression says what its values look like."""
    expressions = [validator for validator in field._validators if type(validator) is RegexValidator]
    if len(expressions) != 1 or expressions[0].inverse_match or expressions[0].flags:
        return None
    pattern = pattern_of(expressions[0].regex.pattern, field.max_length or _LONGEST_TEXT)
    if pattern is None:
        return None
    digits = pattern.count("#") - pattern.count("\\#")
    if not is_unique or digits < _LEAST_UNIQUE_DIGITS:
        return _made(field, "pattern", pattern=pattern)
    notes = [f"{10**digits:,} values, then they come again"] if digits < _AMPLE_DIGITS else []
    return _made(field, "pattern", *notes, pattern=pattern, unique=True)


def _of_text(field: Any, *, is_unique: bool) -> ModelColumn:
    length = field.max_length or _LONGEST_TEXT
    if isinstance(field, models.EmailField) and length >= len("@example.com") + _CLIENT_ID_LENGTH:
        return _made(field, "template", template=_OWN_EMAIL)
    if isinstance(field, models.URLField) and length >= len("https://example.com/") + _CLIENT_ID_LENGTH:
        return _made(field, "template", template=_OWN_URL)
    client = _CLIENT_NAMES.get(field.name.lower(), "")
    if client and length >= CLIENT_LENGTHS[client] and not is_unique:
        return ModelColumn(field.name, {"kind": "template", "template": f"{{{client}}}"}, client)
    if isinstance(field, models.SlugField):
        return _made(field, "pattern", pattern="?" * min(length, 12))
    if length < _LEAST_TEXT:
        return _made(field, "pattern", _UNKNOWN_TEXT, pattern="?" * length)
    return _made(field, "faker", _UNKNOWN_TEXT, provider="text", arguments={"max_nb_chars": min(length, _LONGEST_TEXT)})


def _unique_column(field: Any) -> ModelColumn:
    """A column whose values come once, as long as the field is wide enough for many."""
    if isinstance(field, models.SmallIntegerField | models.PositiveSmallIntegerField):
        return _made(field, "unique", "10,000 values, then they come again", width=4, characters="digits")
    if isinstance(field, models.IntegerField):
        # A leading 1 keeps zeros out of the front, and nine digits fit into 32 bits.
        return _made(field, "unique", prefix="1", width=8, characters="digits")
    if isinstance(field, models.CharField | models.TextField):
        width = max(2, min(12, field.max_length or 12))
        notes = [f"{32**width:,} values, then they come again"] if width < 6 else []
        return _made(field, "unique", *notes, width=width)
    column = _of_choices(field) or _of_value(field) or _of_text(field, is_unique=False)
    return replace(column, notes=(*column.notes, "the field is unique, but these values come again"))


def _bounds(field: Any, most: float) -> tuple[float, float]:
    """The range of a number: from 0 to `most`, narrowed or moved by the validators that the model names."""
    low, high = 0.0, float(most)
    for validator in field._validators:
        if not isinstance(validator, MinValueValidator | MaxValueValidator):
            continue
        limit: Any = validator.limit_value
        bound = float(limit() if callable(limit) else limit)
        if isinstance(validator, MinValueValidator):
            low, high = bound, max(bound, high)
        else:
            low, high = min(low, bound), min(high, bound)
    return low, high
