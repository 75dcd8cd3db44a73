"""A column that a user adds to the client records."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.reasons import Reason
from loadtest_model.spec.rules import Rule
from loadtest_model.values import Value

ColumnName = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^{}\x00-\x1f\x7f]+\Z")]
FieldText = Annotated[str, Meta(max_length=256, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*\Z")]
ISO_PATTERN: Final = r"^[12][0-9]{3}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z)?\Z"
IsoTime = Annotated[str, Meta(max_length=20, pattern=ISO_PATTERN)]
Bound = Annotated[float, Meta(ge=-1e15, le=1e15)]
# Numbers alone, so that no locale shows in a file. A literal character may be anything but a control character.
DATE_FORMAT_PATTERN: Final = r"^([^%\x00-\x1f\x7f]|%[Yymd%])+\Z"
DATE_TIME_FORMAT_PATTERN: Final = r"^([^%\x00-\x1f\x7f]|%[YymdHMS%])+\Z"


class Characters(StrEnum):
    """Of which the values of a unique column are made."""

    ALPHANUMERIC = "alphanumeric"
    DIGITS = "digits"


FIELD_KINDS: Final = {
    "unique": (("width",), ("prefix", "characters")),
    "faker": (("provider",), ("arguments",)),
    "choice": (("values",), ("weights",)),
    "boolean": ((), ("values", "weights")),
    "integer": (("min", "max"), ()),
    "decimal": (("min", "max"), ("places",)),
    "date": (("earliest", "latest"), ("format",)),
    "datetime": (("earliest", "latest"), ("format",)),
    "pattern": (("pattern",), ("unique",)),
    "constant": (("value",), ()),
    "template": (("template",), ()),
}
"""The kinds of fields; for each the parameters that it must have, and those that it may have beside `nullShare`."""

FIELD_PARAMETERS: Final = tuple(
    dict.fromkeys(name for required, optional in FIELD_KINDS.values() for name in (*required, *optional))
)


class Field(Value, frozen=True, kw_only=True):
    """A column and what fills it; which parameters belong to which kind stands in KINDS."""

    name: Annotated[ColumnName, Meta(description="The column's name in the file. Required.")]
    kind: Annotated[
        str,
        Meta(
            max_length=32,
            extra_json_schema={"enum": list(FIELD_KINDS)},
            description="unique: prefix and `width` characters that no other record of the run has; faker: what the"
            " `provider` of Faker makes; choice: one of `values` by `weights`; boolean: true or false, or the two"
            " `values`; integer and decimal: from `min` to `max`; date and datetime: from `earliest` to `latest`;"
            " pattern: a text of random digits and letters; constant: `value`; template: text with other columns in"
            " it. Required.",
        ),
    ]
    null_share: Annotated[
        float, Meta(ge=0, le=1, description="Share of the records whose field is empty, in steps of a millionth.")
    ] = 0.0
    prefix: Annotated[FieldText, Meta(description="unique: what each value begins with.")] | None = None
    width: Annotated[int, Meta(ge=2, le=12, description="unique: characters after the prefix.")] | None = None
    characters: (
        Annotated[
            Characters,
            Meta(description="unique: digits, or digits and capitals without I, L, O and U. Default: alphanumeric."),
        ]
        | None
    ) = None
    provider: (
        Annotated[str, Meta(min_length=1, max_length=64, description="faker: name of a provider, such as company.")]
        | None
    ) = None
    arguments: (
        Annotated[
            dict[str, Annotated[int | str, Meta(extra_json_schema={"x-kubernetes-int-or-string": True})]],
            Meta(
                max_length=8,
                description="faker: arguments of the provider by name. A text that is JSON (a list, a number, true) is"
                " read as such.",
            ),
        ]
        | None
    ) = None
    values: (
        Annotated[
            list[FieldText],
            Meta(
                min_length=1,
                max_length=256,
                description="choice: the values. boolean: how true and false are written. Default: true, false.",
            ),
        ]
        | None
    ) = None
    weights: (
        Annotated[
            list[Annotated[int, Meta(ge=0, le=1_000_000)]],
            Meta(
                min_length=1,
                max_length=256,
                description="choice, boolean: the weight of each value. Default: all the same.",
            ),
        ]
        | None
    ) = None
    min: Annotated[Bound, Meta(description="integer, decimal: the least value.")] | None = None
    max: Annotated[Bound, Meta(description="integer, decimal: the greatest value.")] | None = None
    places: Annotated[int, Meta(ge=1, le=9, description="decimal: digits after the point. Default: 2.")] | None = None
    earliest: (
        Annotated[
            IsoTime, Meta(description="date, datetime: the first one, such as 2020-01-31 or 2020-01-31T08:00:00Z.")
        ]
        | None
    ) = None
    latest: Annotated[IsoTime, Meta(description="date, datetime: the last one.")] | None = None
    format: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=40,
                pattern=DATE_TIME_FORMAT_PATTERN,
                description="date, datetime: text with %Y %y %m %d, and for datetime %H %M %S. Default: that of the"
                " dialect.",
            ),
        ]
        | None
    ) = None
    pattern: (
        Annotated[
            FieldText,
            Meta(
                min_length=1,
                description="pattern: text in which # stands for a digit and ? for a capital letter, such as"
                " (###) ###-####. A backslash before a character stands for that character.",
            ),
        ]
        | None
    ) = None
    unique: (
        Annotated[
            bool,
            Meta(
                description="pattern: whether no two records of the run have the same value. The last 18 digits make"
                " the difference; at least 2 are needed. Default: false."
            ),
        ]
        | None
    ) = None
    value: Annotated[FieldText, Meta(description="constant: the value.")] | None = None
    template: (
        Annotated[
            FieldText,
            Meta(
                min_length=1,
                description="template: text in which {column} stands for that column's field, {column:lower} and"
                " {column:upper} for it in small or large letters, {column:mail} for its ASCII letters and digits."
                " {{ and }} are braces.",
            ),
        ]
        | None
    ) = None


def _has_all(field: Field, names: tuple[str, ...]) -> bool:
    return all(getattr(field, name) is not None for name in names)


def _parameter_rule(name: str) -> Rule[Field]:
    """The rule that a parameter stands only with a kind that takes it."""
    kinds = [kind for kind, (required, optional) in FIELD_KINDS.items() if name in (*required, *optional)]
    return Rule(
        cel=f"!has(self.{name}) || self.kind in {kinds}",
        message=f"spec.records.fields.add: {name} belongs to kind {' or '.join(kinds)}",
        holds=lambda field: not _has_all(field, (name,)) or field.kind in kinds,
        reason=Reason.RecordsInvalid,
    )


def _kind_rule(kind: str, names: tuple[str, ...]) -> Rule[Field]:
    """The rule that a kind has the parameters that it needs."""
    return Rule(
        cel=f"self.kind != '{kind}' || ({' && '.join(f'has(self.{name})' for name in names)})",
        message=f"spec.records.fields.add: kind {kind} needs {' and '.join(names)}",
        holds=lambda field: field.kind != kind or _has_all(field, names),
        reason=Reason.RecordsInvalid,
    )


FIELD_RULES: Final = (
    *(_parameter_rule(name) for name in FIELD_PARAMETERS),
    *(_kind_rule(kind, required) for kind, (required, _) in FIELD_KINDS.items() if required),
    Rule[Field](
        cel="self.kind != 'boolean' || !has(self.values) || size(self.values) == 2",
        message="spec.records.fields.add: kind boolean has two values: what is written for true, and for false",
        holds=lambda field: field.kind != "boolean" or field.values is None or len(field.values) == 2,
        reason=Reason.RecordsInvalid,
    ),
)
