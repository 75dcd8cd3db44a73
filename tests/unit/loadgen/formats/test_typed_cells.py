"""Typed cells as openpyxl reads them: real dates, times, numbers and booleans."""

import io
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from loadgen.formats.typed_cells import cell_maker, sheet_format
from loadtest_model.plan import PlanError
from loadtest_model.plan.records import RecordsPlan
from loadtest_model.records.columns import CellKind, Column
from support.record_plans import composer_of, content, format_of, read_rows, records_plan

FIELDS: list[dict[str, Any]] = [
    {"name": "day", "kind": "date", "earliest": "1950-01-01", "latest": "2049-12-31", "nullShare": 0.2},
    {
        "name": "at",
        "kind": "datetime",
        "earliest": "1950-01-01",
        "latest": "2049-12-31T23:59:59Z",
        "format": "%d.%m.%Y %H:%M",
    },
    {"name": "vip", "kind": "boolean", "values": ["yes", "no"], "nullShare": 0.2},
    {"name": "visits", "kind": "integer", "min": 0, "max": 500},
    {"name": "postcode", "kind": "pattern", "pattern": "0####"},
]


async def sheet_of(plan: RecordsPlan, rows: int) -> list[list[Any]]:
    xlsx = format_of(plan, "xlsx")
    body = await xlsx.encode(composer_of(plan, "xlsx").compose(rows))
    workbook = load_workbook(io.BytesIO(b"".join(body.chunks())), read_only=True)
    cells = [list(row) for row in workbook.worksheets[0].iter_rows()]
    workbook.close()
    return cells


async def test_a_typed_file_holds_the_dates_times_and_booleans_that_the_csv_file_of_the_seed_shows() -> None:
    plan = records_plan(format_name="xlsx", fields={"add": FIELDS}, dialect={"cells": "typed"})
    csv_plan = records_plan(fields={"add": FIELDS})
    expected = read_rows(csv_plan, content(composer_of(csv_plan).compose(3_000)))

    header, *rows = await sheet_of(plan, 3_000)

    names = [cell.value for cell in header]
    for row, texts in zip(rows, expected, strict=True):
        values = {name: cell.value for name, cell in zip(names, row, strict=True)}
        day = values["day"]
        assert (day.date() if day else None) == (date.fromisoformat(texts["day"]) if texts["day"] else None)
        assert f"{values['at']:%d.%m.%Y %H:%M}" == texts["at"]
        assert values["vip"] == {"yes": True, "no": False, "": None}[texts["vip"]]
        assert values["visits"] == int(texts["visits"])
        assert values["postcode"] == texts["postcode"]
        assert values["created_at"] == datetime.fromisoformat(texts["created_at"]).replace(tzinfo=None)
        assert values["date_of_birth"].date() == date.fromisoformat(texts["date_of_birth"])
        assert values["phone"] == texts["phone"]


async def test_the_formats_of_dates_say_how_cells_are_shown() -> None:
    dialect = {"cells": "typed", "dateFormat": "%d/%m/%Y", "dateTimeFormat": "%Y-%m-%d um %H:%M:%S"}
    plan = records_plan(format_name="xlsx", fields={"add": FIELDS[1:2]}, dialect=dialect)

    header, row = await sheet_of(plan, 1)

    formats = {title.value: cell.number_format for title, cell in zip(header, row, strict=True)}
    assert formats["date_of_birth"] == 'dd"/"mm"/"yyyy'
    assert formats["created_at"] == 'yyyy"-"mm"-"dd" ""u""m"" "hh":"mm":"ss'
    assert formats["at"] == 'dd"."mm"."yyyy" "hh":"mm'
    assert formats["balance"] == "General"


async def test_a_wrong_date_stays_the_text_that_it_is() -> None:
    plan = records_plan(format_name="xlsx", dialect={"cells": "typed"}, invalid={"share": 0.5, "kinds": ["bad_date"]})

    header, *rows = await sheet_of(plan, 10)

    born = [cell.value for cell in header].index("date_of_birth")
    assert [row[born].value for row in rows].count("1990-13-45") == 5


def test_typed_cells_of_a_csv_file_are_refused() -> None:
    with pytest.raises(PlanError, match=r"dialect\.cells is 'typed', but spec\.target\.format is csv"):
        records_plan(dialect={"cells": "typed"})


@pytest.mark.parametrize("field", ["1900-02-28", "1850-06-01", "1990-13-45", "2024-02-30", "", "yes"])
def test_what_a_sheet_cannot_count_is_no_date_cell(field: str) -> None:
    maker = cell_maker(Column("x", cell=CellKind.DATE), 1)

    assert maker is not None
    assert maker(field) is None


@given(st.datetimes(datetime(1900, 3, 1), datetime(2999, 12, 31)).map(lambda moment: moment.replace(microsecond=0)))  # noqa: DTZ001
def test_every_second_of_a_time_is_kept(moment: datetime) -> None:
    from openpyxl.utils.datetime import from_excel  # noqa: PLC0415 - it takes a while, and other tests need none of it

    maker = cell_maker(Column("x", cell=CellKind.DATE_TIME), 3)
    assert maker is not None

    cell = maker(f"{moment:%Y-%m-%dT%H:%M:%S}Z")

    assert cell is not None
    assert cell.startswith('<c s="3"><v>')
    assert from_excel(float(cell.removeprefix('<c s="3"><v>').removesuffix("</v></c>"))) == moment


def test_a_format_of_dates_is_written_in_the_words_of_a_sheet() -> None:
    assert sheet_format('%Y"%%%m') == 'yyyy\\""%"mm'
