"""A row that may be stored is named by something that finds it, whatever columns the file has."""

import csv
import io
from typing import Any

import pytest

from loadgen.formats import file_format
from loadtest_model.plan.columns import columns_of
from loadtest_model.plan.records import RecordsPlan
from support.record_plans import composer_of, content, read_rows, records_plan

ALL_BUT_NAMES = ["client_id", "email", "phone", "address", "city", "province", "postal_code", "date_of_birth"]
SIZES = [1, 5, 400, 3_000]


def first_row(plan: RecordsPlan, size: int) -> tuple[dict[str, str], str]:
    """The first row of a batch as a reader of the file has it, and its name."""
    batch = composer_of(plan).compose(size)
    return read_rows(plan, content(batch))[0], batch.first_row_name


@pytest.mark.parametrize("size", SIZES)
def test_a_row_is_named_by_its_client_id_under_the_name_of_its_column(size: int) -> None:
    row, name = first_row(records_plan(fields={"rename": {"client_id": "customer"}}), size)

    assert name == f"customer {row['customer']}"


@pytest.mark.parametrize("size", SIZES)
def test_a_row_without_a_client_id_is_named_by_a_unique_field(size: int) -> None:
    added = [{"name": "order", "kind": "unique", "prefix": "O-", "width": 8}]
    row, name = first_row(records_plan(fields={"drop": ["client_id"], "add": added}), size)

    assert name == f"order {row['order']}"


@pytest.mark.parametrize("size", SIZES)
def test_a_row_without_a_client_id_is_named_by_its_email_address(size: int) -> None:
    row, name = first_row(records_plan(fields={"drop": ["client_id"]}), size)

    assert name == f"email {row['email']}"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dialect", [{}, {"delimiter": ";", "quoting": "all", "encoding": "cp1252", "lineEnd": "LF"}])
def test_a_row_with_nothing_unique_is_named_by_its_content(size: int, dialect: dict[str, Any]) -> None:
    row, name = first_row(records_plan(dialect=dialect, fields={"drop": ALL_BUT_NAMES}), size)

    assert name == f"content {', '.join(row.values())}"


@pytest.mark.parametrize("format_name", ["csv", "xlsx"])
def test_a_rendered_row_is_read_back_as_its_fields(format_name: str) -> None:
    plan = records_plan(format_name=format_name)
    rendering = file_format(format_name, columns_of(plan.columns), plan.dialect).rendering
    fields = ["", " <a> & b", 'say "x", then\ny', "5", "é\r", *[""] * (len(plan.columns) - 5)]

    (row,) = rendering.rows([[field] for field in fields])

    assert rendering.fields(row) == fields


def test_a_file_with_its_header_alone_has_no_first_row() -> None:
    batch = composer_of(records_plan()).compose(0)

    assert list(csv.reader(io.StringIO(content(batch).decode())))
    assert batch.first_row_name == ""
