"""The synthetic client records: who they are, which columns a file has, how it is written, what is wrong on purpose."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from msgspec import Meta, field

from loadtest_model.reasons import Reason
from loadtest_model.records.geography import Locale
from loadtest_model.records.phone_space import Contact
from loadtest_model.spec.fields import (
    DATE_FORMAT_PATTERN,
    DATE_TIME_FORMAT_PATTERN,
    FIELD_RULES,
    ColumnName,
    Field,
)
from loadtest_model.spec.parts import Name
from loadtest_model.spec.rules import Rule, rule_annotation
from loadtest_model.values import Value

Delimiter = Literal[",", ";", "\t", "|"]


class Quoting(StrEnum):
    """Which fields stand in quotes."""

    MINIMAL = "minimal"
    ALL = "all"
    NONNUMERIC = "nonnumeric"


class Encoding(StrEnum):
    """Of a CSV file."""

    UTF_8 = "utf-8"
    CP1252 = "cp1252"


class Cells(StrEnum):
    """What the cells of an XLSX file hold."""

    TEXT = "text"
    TYPED = "typed"


class LineEnd(StrEnum):
    """At the end of a CSV file's lines."""

    CRLF = "CRLF"
    LF = "LF"


INVALID_KINDS: Final = {
    "missing_required": ("first_name", "last_name", "email"),
    "bad_email": ("email",),
    "bad_phone": ("phone",),
    "bad_date": ("date_of_birth",),
    "bad_postal_code": ("postal_code",),
    "bad_choice": ("status",),
    "bad_number": ("balance",),
    "too_long": ("last_name",),
    "duplicate_id": ("client_id",),
}
"""What can be wrong with a row, and the client columns of which it takes one."""


class Fields(Value, frozen=True, kw_only=True):
    """What differs from the client columns."""

    rename: Annotated[
        dict[str, ColumnName],
        Meta(max_length=15, description="Other names for client columns, such as `client_id: id`."),
    ] = field(default_factory=dict)
    drop: Annotated[
        list[Annotated[str, Meta(max_length=64)]],
        Meta(max_length=15, description="Client columns that the file does not have. Templates may still name them."),
    ] = field(default_factory=list)
    only: (
        Annotated[
            list[Annotated[str, Meta(max_length=64)]],
            Meta(
                max_length=15,
                description="The client columns that the file has, instead of `drop`; an empty list leaves none.",
            ),
        ]
        | None
    ) = None
    add: Annotated[
        list[Annotated[Field, rule_annotation(*FIELD_RULES)]],
        Meta(
            max_length=32,
            description="Further columns, after the client's. One with the name of a client column takes its place.",
        ),
    ] = field(default_factory=list)
    order: Annotated[
        list[ColumnName],
        Meta(
            max_length=47,
            description="Names of columns as the file has them: these come first, in this order; the others follow.",
        ),
    ] = field(default_factory=list)


ONLY_OR_DROP: Final = Rule[Fields](
    cel="!has(self.only) || !has(self.drop) || size(self.drop) == 0",
    message="spec.records.fields.only cannot stand beside spec.records.fields.drop: it already says what the file has",
    holds=lambda fields: fields.only is None or not fields.drop,
    reason=Reason.RecordsInvalid,
)


class Dialect(Value, frozen=True, kw_only=True):
    """How the file is written. Header names come from `fields.rename`."""

    delimiter: Annotated[Delimiter, Meta(description="Between fields of a CSV file: , ; | or a tab.")] = ","
    quoting: Annotated[
        Quoting,
        Meta(
            description="minimal: quotes where a field needs them; all: around every field; nonnumeric: around every"
            " field but those of number columns."
        ),
    ] = Quoting.MINIMAL
    bom: Annotated[bool, Meta(description="Whether a CSV file begins with a byte order mark, as Excel's do.")] = False
    encoding: Annotated[
        Encoding,
        Meta(description="Of a CSV file. cp1252 (Windows-1252) has fewer letters: č becomes c where it must."),
    ] = Encoding.UTF_8
    line_end: Annotated[LineEnd, Meta(description="At the end of a CSV file's lines.")] = LineEnd.CRLF
    date_format: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=40,
            pattern=DATE_FORMAT_PATTERN,
            description="Of dates, from %Y %y %m %d, such as %d/%m/%Y.",
        ),
    ] = "%Y-%m-%d"
    date_time_format: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=40,
            pattern=DATE_TIME_FORMAT_PATTERN,
            description="Of times (UTC), from %Y %y %m %d %H %M %S.",
        ),
    ] = "%Y-%m-%dT%H:%M:%SZ"
    cells: Annotated[
        Cells,
        Meta(
            description="Of an XLSX file. text: numbers in number columns, and texts elsewhere; typed: dates, times and"
            " booleans are cells of their own kind too, and the formats of dates say how they are shown."
        ),
    ] = Cells.TEXT


BOM_NEEDS_UTF8: Final = Rule[Dialect](
    cel="!(has(self.bom) && self.bom && has(self.encoding) && self.encoding == 'cp1252')",
    message="spec.records.dialect.bom goes with encoding utf-8 alone; cp1252 has no byte order mark",
    holds=lambda dialect: not dialect.bom or dialect.encoding != Encoding.CP1252,
    reason=Reason.RecordsInvalid,
)


# A rule and not a bound, because the API server rounds a bound down to an integer before it compares an integer.
LEAST_SHARE: Final = Rule[float](
    cel="self >= 0.000001",
    message="spec.records.invalid.share must be at least 0.000001",
    holds=lambda share: share >= 0.000001,
    reason=Reason.RecordsInvalid,
)


class InvalidRows(Value, frozen=True, kw_only=True):
    """Rows that are wrong on purpose."""

    share: Annotated[
        float,
        Meta(
            le=0.5,
            description="Share of the records that are wrong, in steps of a millionth: exact over a run, and in a batch"
            " to within one row. At most half. Required.",
        ),
        rule_annotation(LEAST_SHARE),
    ]
    kinds: Annotated[
        list[Annotated[str, Meta(extra_json_schema={"enum": list(INVALID_KINDS)})]],
        Meta(
            min_length=1,
            max_length=len(INVALID_KINDS),
            description="What is wrong with them, in turn. missing_required: no first name, last name or e-mail;"
            " bad_email: without @; bad_phone: no digits; bad_date: the 45th of month 13 as date of birth;"
            " bad_postal_code; bad_choice: a status that there is none of; bad_number: a balance that is no number;"
            " too_long: a last name of 300 letters; duplicate_id: the client_id of a right row before it.",
        ),
    ] = field(default_factory=lambda: ["missing_required", "bad_email"])


class TemplateKey(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of a ConfigMap in the namespace of the LoadTest.")]
    key: Annotated[Name, Meta(description="Key within the ConfigMap's data.")] = "fields.yaml"


class Records(Value, frozen=True, kw_only=True):
    seed: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2**53,
                description="The same seed gives the same records. Default: made from the run's id.",
            ),
        ]
        | None
    ) = None
    locale: Annotated[
        Locale,
        Meta(description="Whose names and addresses: mixed, as people live in Canada; en_CA or fr_CA, one language."),
    ] = Locale.MIXED
    contact: Annotated[
        Contact,
        Meta(
            description="any: phones of every exchange, each given once. reserved: only 555-0100 to 555-0199, which"
            " reach nobody; they come again after some thousand records. E-mail addresses are always those of"
            " example.com, example.net and example.org."
        ),
    ] = Contact.ANY
    template: Annotated[
        TemplateKey | None,
        Meta(
            description="ConfigMap with columns and dialect, as `loadgen fields` writes them. What `fields` or"
            " `dialect` say here takes the place of that part."
        ),
    ] = None
    fields: Annotated[
        Fields,
        Meta(description="Columns that are renamed, dropped, added or in another order."),
        rule_annotation(ONLY_OR_DROP),
    ] = field(default_factory=Fields)
    dialect: Annotated[Dialect, Meta(description="How the file is written."), rule_annotation(BOM_NEEDS_UTF8)] = field(
        default_factory=Dialect
    )
    invalid: Annotated[
        InvalidRows | None,
        Meta(
            description="Rows that are wrong on purpose. spec.target.response.expectCount says what the target counts"
            " then. Default: none."
        ),
    ] = None
