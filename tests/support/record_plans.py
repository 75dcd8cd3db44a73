"""Records as a manifest describes them, composed and read back."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import msgspec

from loadgen.formats import FileFormat, file_format
from loadgen.records import Batch, Composer, RecordSpace, load_pools
from loadtest_model.plan.columns import columns_of
from loadtest_model.plan.records import RecordsPlan, plan_records
from loadtest_model.spec.records import Records

POOLS = load_pools()


def records_plan(seed: int = 1, run_tag: int = 7, format_name: Any = "csv", **records: Any) -> RecordsPlan:
    """The plan of `spec.records` as a manifest has it, in camelCase."""
    return plan_records(msgspec.convert(records, Records), format_name, seed=seed, run_tag=run_tag)


def format_of(plan: RecordsPlan, name: str = "csv") -> FileFormat:
    return file_format(name, columns_of(plan.columns), plan.dialect)


def composer_of(plan: RecordsPlan, name: str = "csv", pod_index: int = 0, pod_count: int = 1) -> Composer:
    space = RecordSpace(plan.seed, plan.run_tag, pod_index, pod_count)
    return Composer(space, POOLS, format_of(plan, name).rendering, plan)


def content(batch: Batch) -> bytes:
    return b"".join(batch.chunks())


def read_rows(plan: RecordsPlan, data: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file by the names of their columns."""
    text = data.decode("utf-8-sig" if plan.dialect.encoding == "utf-8" else plan.dialect.encoding)
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=plan.dialect.delimiter, strict=True))


def rows_of(plan: RecordsPlan, *sizes: int) -> Iterator[dict[str, str]]:
    """The rows of batches of these sizes, drawn one after the other."""
    source = composer_of(plan)
    for size in sizes:
        yield from read_rows(plan, content(source.compose(size)))


def with_fields(*fields: dict[str, Any], **others: Any) -> RecordsPlan:
    """The plan of client records to which fields are added; each of them named x, y, z where it has no name."""
    named_fields = [{"name": name, **field} for name, field in zip("xyzuvw", fields, strict=False)]
    return records_plan(fields={"add": named_fields, **others})
