"""Files of a team's own, read as tables."""

import csv
import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from loadgen.profiling.csv_tables import read_csv
from loadgen.profiling.sheet_tables import read_sheet
from loadgen.profiling.tables import Table, UnreadableTableError
from support.record_plans import composer_of, content, format_of, records_plan


def csv_table(path: Path, data: bytes | str, most_rows: int = 1_000) -> Table:
    file = path / "theirs.csv"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_csv(file, most_rows)


def sheet_table(path: Path, rows: list[list[Any]], most_rows: int = 1_000) -> Table:
    workbook = Workbook()
    for row in rows:
        workbook.active.append(row)
    workbook.save(path / "theirs.xlsx")
    return read_sheet(path / "theirs.xlsx", most_rows)


def test_a_plain_file_is_read_with_its_columns_in_order(tmp_path: Path) -> None:
    table = csv_table(tmp_path, 'b,a\r\n1,"x, y"\r\n\r\n2,\r\n3\r\n')

    assert dict(table.columns) == {"b": ["1", "2", "3"], "a": ["x, y", "", ""]}
    assert list(table.columns) == ["b", "a"]
    assert (table.rows, table.dialect) == (3, {})


def test_no_more_rows_are_read_than_asked_for(tmp_path: Path) -> None:
    assert csv_table(tmp_path, "a,b\r\n" + "1,2\r\n" * 100, 10).rows == 10
    assert sheet_table(tmp_path, [["a"], *[["x"]] * 100], 10).rows == 10


@pytest.mark.parametrize(
    "dialect",
    [
        {},
        {"delimiter": ";", "lineEnd": "LF"},
        {"delimiter": "\t"},
        {"delimiter": "|", "quoting": "all"},
        {"quoting": "nonnumeric", "bom": True},
        {"encoding": "cp1252", "delimiter": ";"},
    ],
)
def test_the_dialect_of_our_own_files_is_recognised(tmp_path: Path, dialect: dict[str, Any]) -> None:
    # A comma within addresses makes quotes necessary, so there is something to tell from.
    fields = {"only": ["last_name", "address", "city", "balance"]}
    data = content(composer_of(records_plan(fields=fields, dialect=dialect)).compose(400))

    table = csv_table(tmp_path, data)

    assert table.dialect == dialect
    assert list(table.columns) == fields["only"]
    assert table.rows == 400


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12), min_size=3, max_size=3),
        min_size=1,
        max_size=20,
    )
)
def test_the_fields_of_any_file_are_those_that_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["first", "second", "third"], *rows])

    table = csv_table(tmp_path_factory.mktemp("csv"), text.getvalue())

    assert [list(row) for row in zip(*table.columns.values(), strict=True)] == rows


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("", "has no header row"),
        ("a,,b\r\n1,2,3\r\n", "has no name for its column 2"),
        ("a,b,a\r\n1,2,3\r\n", "has two columns named 'a'"),
        ("a,b\r\n1,2\r\n1,2,3\r\n", "has 3 fields in row 3, but 2 in its header"),
        (b"a,b\r\n\x81,2\r\n", "is neither UTF-8 nor Windows-1252"),
    ],
)
def test_what_is_no_table_is_refused_without_its_values(tmp_path: Path, data: bytes | str, problem: str) -> None:
    with pytest.raises(UnreadableTableError, match=problem):
        csv_table(tmp_path, data)


def test_the_cells_of_a_sheet_are_texts_numbers_dates_and_booleans(tmp_path: Path) -> None:
    rows = [
        ["name", "born", "seen", "visits", "score", "vip", "zip"],
        ["Zoë", date(1990, 2, 28), datetime(2024, 2, 29, 23, 59, 58), 7, 1.25, True, "01234"],  # noqa: DTZ001
        [None, date(1900, 3, 1), None, -3, 0.1, False, None],
    ]

    table = sheet_table(tmp_path, rows)

    assert dict(table.columns) == {
        "name": ["Zoë", ""],
        "born": ["1990-02-28", "1900-03-01"],
        "seen": ["2024-02-29T23:59:58Z", ""],
        "visits": ["7", "-3"],
        "score": ["1.25", "0.1"],
        "vip": ["true", "false"],
        "zip": ["01234", ""],
    }
    assert table.dialect == {"cells": "typed"}


@pytest.mark.parametrize("cells", ["text", "typed"])
async def test_our_own_sheets_are_read_back_as_the_texts_that_they_were_made_from(tmp_path: Path, cells: str) -> None:
    plan, csv_plan = records_plan(format_name="xlsx", dialect={"cells": cells}), records_plan()
    sheet = format_of(plan, "xlsx")
    body = await sheet.encode(composer_of(plan, "xlsx").compose(300))
    (tmp_path / "own.xlsx").write_bytes(b"".join(body.chunks()))
    own = csv_table(tmp_path, content(composer_of(csv_plan).compose(300)))

    table = read_sheet(tmp_path / "own.xlsx", 1_000)

    assert {name: texts for name, texts in table.columns.items() if name != "balance"} == {
        name: texts for name, texts in own.columns.items() if name != "balance"
    }
    assert [*map(float, table.columns["balance"])] == [*map(float, own.columns["balance"])]
    assert table.dialect == ({"cells": "typed"} if cells == "typed" else {})


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs.xlsx").write_text("a,b")

    with pytest.raises(UnreadableTableError, match="is no XLSX file"):
        read_sheet(tmp_path / "theirs.xlsx", 10)
