"""`loadgen fields`: the columns of a team's own file, as fields of synthetic records."""

import argparse
import sys
from pathlib import Path
from typing import Final

import msgspec

from loadgen.local.whole_files import write_whole
from loadgen.options.errors import UsageError
from loadgen.options.option_texts import whole_number
from loadgen.profiling.columns import Confirm, ProposedColumns, propose_columns
from loadgen.profiling.csv_tables import read_csv
from loadgen.profiling.sheet_tables import read_sheet
from loadgen.profiling.tables import Table, UnreadableTableError
from loadgen.profiling.writing import fields_text
from loadgen.records import FieldRefusedError, refuse_unmakeable
from loadtest_model.plan import PlanError
from loadtest_model.plan.records import plan_records
from loadtest_model.spec.records import Records
from loadtest_model.spec.target import Format

MOST_ROWS: Final = 1_000_000
_MOST_ADDED: Final = 32
_ALL, _NONE = "all", "none"


def run_fields(options: argparse.Namespace) -> int:
    """Write the fields. Raises UsageError."""
    table = _read(options)
    names = [name.strip() for name in (options.choices or "").split(",") if name.strip()]
    unknown_names = [name for name in names if name not in table.columns and name not in (_ALL, _NONE)]
    if unknown_names:
        raise UsageError(f"--choices names {unknown_names[0]!r}, which is no column of the file")
    chosen_names = [name for name in names if name in table.columns]
    columns = propose_columns(table, _confirmation(names), chosen_names)
    file_format = Format.CSV if options.from_csv is not None else Format.XLSX
    _refuse_unusable(columns, table, file_format)
    text = fields_text(columns, table.dialect, _heading(options, table, file_format))
    if options.out is None:
        sys.stdout.write(text)
        return 0
    try:
        write_whole(Path(options.out), text.encode())
    except OSError as error:
        raise UsageError(f"--out {options.out} cannot be written: {error.strerror}") from error
    return 0


def _read(options: argparse.Namespace) -> Table:
    most_rows = whole_number("--rows", options.rows)
    if not 1 <= most_rows <= MOST_ROWS:
        raise UsageError(f"--rows is {most_rows}; write a number from 1 to {MOST_ROWS}")
    name, read = ("from_csv", read_csv) if options.from_csv is not None else ("from_xlsx", read_sheet)
    path = Path(getattr(options, name))
    option = f"--{name.replace('_', '-')} {path}"
    try:
        table = read(path, most_rows)
    except OSError as error:
        raise UsageError(f"{option} cannot be read: {error.strerror}") from error
    except UnreadableTableError as error:
        raise UsageError(f"{option} {error}") from error
    if not table.rows:
        raise UsageError(f"{option} has a header but no rows, so nothing is known of its values")
    return table


def _confirmation(names: list[str]) -> Confirm:
    """Who says whether the file's values may be written: --choices, or else the person at the terminal, or nobody."""
    if names:
        return lambda name, _: name in names or names == [_ALL]
    if sys.stdin.isatty() and sys.stderr.isatty():
        return _ask
    return lambda *_: False


def _ask(name: str, question: str) -> bool:
    print(f"{name}: {question}\nWrite these into the result? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _refuse_unusable(columns: ProposedColumns, table: Table, file_format: Format) -> None:
    """Raise UsageError for what a test would refuse, so that nothing is written that cannot be used."""
    if len(columns.added) > _MOST_ADDED:
        raise UsageError(
            f"the file has {len(columns.added)} columns that no client column fills; at most {_MOST_ADDED} can be"
            " added, so leave out those that the service does not need"
        )
    document = {"fields": columns.to_fields(), "dialect": table.dialect}
    try:
        plan = plan_records(msgspec.convert(document, Records), file_format, seed=1, run_tag=0)
        refuse_unmakeable(plan)
    except (msgspec.ValidationError, PlanError, FieldRefusedError) as error:
        raise UsageError(f"the file's columns cannot be written as fields: {error}") from error


def _heading(options: argparse.Namespace, table: Table, file_format: Format) -> str:
    name = Path(options.from_csv or options.from_xlsx).name
    extra_option = "" if file_format == Format.CSV else " --format xlsx"
    return (
        f"Columns like those of {name}, by its first {table.rows:,} rows.\n"
        f"Look at them with: loadgen sample --fields FILE{extra_option}. In a manifest this stands under spec."
    )
