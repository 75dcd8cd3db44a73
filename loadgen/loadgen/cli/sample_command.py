"""`loadgen sample`: what the records of a test look like."""

import argparse
import asyncio
import csv
import io
import sys
from pathlib import Path
from typing import Final

from loadgen.formats import FileFormat, file_format
from loadgen.local.whole_files import write_whole
from loadgen.options.draft import Draft
from loadgen.options.errors import UsageError
from loadgen.options.manifest import read_manifest
from loadgen.options.option_texts import whole_number
from loadgen.options.records_options import record_settings
from loadgen.options.wording import with_user_words
from loadgen.records import Batch, Composer, FieldRefusedError, RecordSpace, load_pools, refuse_unmakeable
from loadgen.screen.drawing import terminal_width
from loadgen.screen.tables import table_of
from loadtest_model.plan import PlanError
from loadtest_model.plan.columns import columns_of
from loadtest_model.plan.records import RecordsPlan, plan_records
from loadtest_model.spec import Spec
from loadtest_model.spec.records import Encoding
from loadtest_model.spec.target import Format

MOST_ROWS: Final = 1_000_000
_DEFAULT_SEED: Final = 1


def run_sample(options: argparse.Namespace) -> int:
    """Write the sample. Raises UsageError."""
    rows = whole_number("--rows", options.rows)
    if not 0 <= rows <= MOST_ROWS:
        raise UsageError(f"--rows is {rows}; write a number from 0 to {MOST_ROWS}")
    spec, plan = _spec_and_plan(options)
    format_name = Format(options.format) if options.format else spec.target.format
    is_table = options.out is None and options.format is None and sys.stdout.isatty()
    if format_name == Format.XLSX and options.out is None and not is_table and sys.stdout.isatty():
        raise UsageError("--out is missing; an XLSX file is not for a terminal")
    sample_format = file_format(Format.CSV if is_table else format_name, columns_of(plan.columns), plan.dialect)
    content = _content(sample_format, plan, rows)
    if is_table:
        sys.stdout.write(table_of(_fields(content, plan), terminal_width(sys.stdout)))
    elif options.out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    else:
        _write(Path(options.out), content)
    return 0


def _spec_and_plan(options: argparse.Namespace) -> tuple[Spec, RecordsPlan]:
    manifest = read_manifest(Path(options.file)) if options.file is not None else None
    # A spec that describes records alone is sent nowhere.
    nowhere = {"target": {"url": "http://localhost/"}, "scenario": "light"}
    draft = Draft(spec=nowhere if manifest is None else manifest.spec, has_manifest=manifest is not None)
    if options.seed is not None:
        draft.put("records.seed", whole_number("--seed", options.seed), "--seed")
    if options.format is not None:
        draft.put("target.format", options.format, "--format")
    for setting in record_settings(options, draft.spec):
        draft.put(setting.path, setting.value, setting.option)
    spec = draft.to_spec()
    try:
        plan = plan_records(spec.records, spec.target.format, seed=_DEFAULT_SEED, run_tag=0)
        refuse_unmakeable(plan)
    except (PlanError, FieldRefusedError) as error:
        raise UsageError(with_user_words(draft.words, str(error))) from error
    return spec, plan


def _content(sample_format: FileFormat, plan: RecordsPlan, rows: int) -> bytes:
    batch = Composer(RecordSpace(plan.seed, plan.run_tag), load_pools(), sample_format.rendering, plan).compose(rows)
    return b"".join(asyncio.run(_chunks(sample_format, batch)))


async def _chunks(sample_format: FileFormat, batch: Batch) -> list[bytes | memoryview]:
    return list((await sample_format.encode(batch)).chunks())


def _fields(content: bytes, plan: RecordsPlan) -> list[list[str]]:
    text = content.decode("utf-8-sig" if plan.dialect.encoding == Encoding.UTF_8 else plan.dialect.encoding)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=plan.dialect.delimiter))


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise UsageError(f"--out {path} cannot be written: {error.strerror}") from error
