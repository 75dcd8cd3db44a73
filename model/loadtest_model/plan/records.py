"""The records as the pods compose them."""

import hashlib
from typing import Final

import msgspec

from loadtest_model.plan.column_compiler import compile_columns, records_error
from loadtest_model.plan.columns import CLIENT_COLUMN_PLANS, MILLION, ColumnPlan
from loadtest_model.plan.steps import Step
from loadtest_model.records.geography import Locale
from loadtest_model.records.phone_space import Contact
from loadtest_model.spec import Identity, Spec
from loadtest_model.spec.records import (
    INVALID_KINDS,
    Cells,
    Delimiter,
    Dialect,
    Encoding,
    InvalidRows,
    LineEnd,
    Quoting,
    Records,
)
from loadtest_model.spec.target import Format
from loadtest_model.suggestions import suggestion
from loadtest_model.values import WireValue


class DialectPlan(WireValue, frozen=True, kw_only=True):
    """How files are written; the formats of dates are those of XLSX files too."""

    delimiter: Delimiter = ","
    quoting: Quoting = Quoting.MINIMAL
    bom: bool = False
    encoding: Encoding = Encoding.UTF_8
    line_end: LineEnd = LineEnd.CRLF
    date_format: str = "%Y-%m-%d"
    date_time_format: str = "%Y-%m-%dT%H:%M:%SZ"
    cells: Cells = Cells.TEXT


STANDARD_DIALECT: Final = DialectPlan()


class InvalidRowsPlan(WireValue, frozen=True, kw_only=True):
    """Rows that are wrong on purpose, so many of a million; the kinds take turns."""

    millionths: int
    kinds: tuple[str, ...]


class RecordsPlan(WireValue, frozen=True, kw_only=True):
    """`run_tag` (48 bits) keeps the records of different runs apart; `seed` chooses the people."""

    seed: int
    run_tag: int
    locale: Locale = Locale.MIXED
    contact: Contact = Contact.ANY
    columns: tuple[ColumnPlan, ...] = CLIENT_COLUMN_PLANS
    dialect: DialectPlan = STANDARD_DIALECT
    invalid: InvalidRowsPlan | None = None


# Half of what a pod can be given, see `plan.variable`; the rest of a plan needs some room too.
MOST_BYTES: Final = 65_536
_CSV_FIELDS: Final = ("delimiter", "quoting", "bom", "encoding", "line_end")
_SPEC_NAMES: Final = {"line_end": "lineEnd"}


def compile_records(spec: Spec, identity: Identity, run_id: str, steps: tuple[Step, ...]) -> RecordsPlan:
    """The records of a spec. Raises PlanError for what cannot be made."""
    digest = hashlib.sha256(f"{identity.uid}/{run_id}".encode()).digest()
    plan = plan_records(
        spec.records,
        spec.target.format,
        seed=int.from_bytes(digest[6:12], "big"),
        run_tag=int.from_bytes(digest[:6], "big"),
    )
    size_bytes = len(msgspec.json.encode(plan))
    if size_bytes > MOST_BYTES:
        raise records_error(
            "fields", f"takes {size_bytes:,} bytes in the plan; at most {MOST_BYTES:,} can; give fewer values"
        )
    smallest = min(step.batch_size for step in steps)
    if plan.invalid is not None and smallest < 2:
        raise records_error(
            "invalid", "needs batches of at least 2 rows: a right one in each; raise spec.load.batchSize"
        )
    return plan


def plan_records(records: Records, file_format: Format, *, seed: int, run_tag: int) -> RecordsPlan:
    """The records that a spec describes, with this seed if it gives none. Raises PlanError for what cannot be made."""
    if records.template is not None:
        raise records_error(
            "template", "names a ConfigMap, which only a cluster reads; give the file that is in it by --fields"
        )
    columns = compile_columns(records.fields)
    return RecordsPlan(
        seed=seed if records.seed is None else records.seed,
        run_tag=run_tag,
        locale=records.locale,
        contact=records.contact,
        # The same object, so that what is not said is not written into every plan.
        columns=CLIENT_COLUMN_PLANS if columns == CLIENT_COLUMN_PLANS else columns,
        dialect=_compile_dialect(records.dialect, columns, file_format),
        invalid=_compile_invalid_rows(records.invalid, columns) if records.invalid else None,
    )


def _compile_dialect(dialect: Dialect, columns: tuple[ColumnPlan, ...], file_format: Format) -> DialectPlan:
    if file_format != Format.CSV:
        for name in _CSV_FIELDS:
            value = msgspec.to_builtins(getattr(dialect, name))
            if value != getattr(Dialect(), name):
                raise records_error(
                    f"dialect.{_SPEC_NAMES.get(name, name)}", f"is {value!r}, but spec.target.format is {file_format}"
                )
    elif dialect.cells != Cells.TEXT:
        raise records_error("dialect.cells", f"is {dialect.cells.value!r}, but spec.target.format is {file_format}")
    if dialect.encoding == Encoding.CP1252:
        for column in columns:
            _refuse_unencodable(column)
    plan = DialectPlan(
        delimiter=dialect.delimiter,
        quoting=dialect.quoting,
        bom=dialect.bom,
        encoding=dialect.encoding,
        line_end=dialect.line_end,
        date_format=dialect.date_format,
        date_time_format=dialect.date_time_format,
        cells=dialect.cells,
    )
    return STANDARD_DIALECT if plan == STANDARD_DIALECT else plan


def _refuse_unencodable(column: ColumnPlan) -> None:
    texts = (
        column.name,
        column.prefix,
        column.text,
        column.date_format,
        *column.values,
        *(part.text for part in column.parts),
    )
    for text in texts:
        try:
            text.encode("cp1252")
        except UnicodeEncodeError as error:
            raise records_error(
                "dialect.encoding",
                f"is cp1252, which has no {text[error.start]!r} of {text!r} (column {column.name!r})",
            ) from error


def _compile_invalid_rows(invalid: InvalidRows, columns: tuple[ColumnPlan, ...]) -> InvalidRowsPlan:
    sources = {column.source for column in columns if column.kind == "client"}
    for index, kind in enumerate(invalid.kinds):
        if kind not in INVALID_KINDS:
            raise records_error(f"invalid.kinds[{index}]", f"is {kind!r}; {suggestion(kind, INVALID_KINDS)}")
        if not sources & set(INVALID_KINDS[kind]):
            needed_columns = " or ".join(INVALID_KINDS[kind])
            raise records_error(
                f"invalid.kinds[{index}]", f"is {kind}, but the file has no client column {needed_columns} any more"
            )
    return InvalidRowsPlan(millionths=round(invalid.share * MILLION), kinds=tuple(dict.fromkeys(invalid.kinds)))
