"""XLSX files as other programs than openpyxl read them: pandas, and LibreOffice from its Debian package."""

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas
import pytest

from loadgen.formats.archive import Member, pack
from loadgen.formats.deflate import deflate
from loadgen.formats.sheet import SheetRendering
from loadgen.formats.workbook import SHEET_PART, fixed_parts
from loadgen.records import Column, FilePart
from support.record_files import record_file, record_table
from support.record_plans import composer_of, content, format_of, read_rows, records_plan

ROWS = 3_000
BALANCE = 12
TYPED = {"cells": "typed", "dateFormat": "%d/%m/%Y", "dateTimeFormat": "%Y-%m-%d at %H:%M:%S"}
TYPED_FIELDS: list[dict[str, Any]] = [
    {"name": "day", "kind": "date", "earliest": "1950-01-01", "latest": "2049-12-31"},
    {"name": "at", "kind": "datetime", "earliest": "1950-01-01", "latest": "2049-12-31T23:59:59Z"},
    {"name": "vip", "kind": "boolean"},
    {"name": "visits", "kind": "integer", "min": 0, "max": 500},
]
PACKAGE = "libreoffice-calc-nogui"
HARD_TEXTS = (
    "007",
    "+1-418-555-0123",
    "1234567890123456789",
    "1e5",
    "=1+1",
    "@SUM(A1)",
    "TRUE",
    "2024-05-06",
    "12:30",
    "  two spaces before, one after ",
    "R&D <b>&amp;</b> ]]>",
    "line 1\nline 2",
    'L\'Île-des-Sœurs, "app. 4"',
    "'quoted",
    "東京 🚀",
)


def with_plain_numbers(table: Sequence[Sequence[str]]) -> list[list[str]]:
    """The table with each balance in the shortest form, as a reader that knows it for a number writes it."""
    header, *rows = table
    return [list(header), *([*row[:BALANCE], f"{float(row[BALANCE]):.15g}", *row[BALANCE + 1 :]] for row in rows)]


async def sheet_of(texts: Sequence[str]) -> bytes:
    """A file with one column of texts."""
    rendering = SheetRendering([Column("text")])
    parts = [rendering.prologue(len(texts)), rendering.head, *rendering.rows([texts]), rendering.tail]
    fixed = [Member(name, await deflate([FilePart(text.encode())])) for name, text in fixed_parts()]
    return b"".join(pack([*fixed, Member(SHEET_PART, await deflate(map(FilePart, parts)))]))


@pytest.fixture(scope="module")
def office() -> str:
    """The program, installed if it is not there and can be."""
    if found := shutil.which("soffice"):
        return found
    if shutil.which("apt-get") is None:
        pytest.skip("there is no soffice, and no apt-get to install it")
    if os.geteuid() != 0:
        pytest.skip("there is no soffice, and installing it needs root")
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "--quiet", "--yes"]
    for command in (["update"], ["install", "--no-install-recommends", PACKAGE]):
        done = subprocess.run(
            [*apt, *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"{PACKAGE} cannot be installed: {done.stderr.strip() or done.stdout[-500:]}")
    found = shutil.which("soffice")
    assert found is not None
    return found


def converted(office: str, data: bytes, folder: Path, *, is_formatted: bool = False) -> list[list[str]]:
    """The cells that LibreOffice sees, as it writes them to CSV: each as it is, or else as it is shown."""
    (folder / "clients.xlsx").write_bytes(data)
    # Separator, quote, UTF-8, from the first line, no column formats, no language, quotes where needed, as stored.
    target = f"csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,{str(is_formatted).lower()}"
    profile = f"-env:UserInstallation=file://{folder}/profile"
    done = subprocess.run(
        [office, profile, "--headless", "--convert-to", target, "--outdir", folder, folder / "clients.xlsx"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    (made,) = folder.glob("*.csv")
    assert done.returncode == 0, done.stderr
    return list(csv.reader(io.StringIO(made.read_bytes().decode(), newline="")))


async def test_pandas_sees_the_cells_that_the_csv_file_of_the_same_seed_has() -> None:
    csv_frame = pandas.read_csv(io.BytesIO(await record_file("csv", ROWS)), dtype={"client_id": str})

    frame = pandas.read_excel(io.BytesIO(await record_file("xlsx", ROWS)))

    pandas.testing.assert_frame_equal(frame, csv_frame)
    assert frame["balance"].dtype == "float64"
    assert frame["client_id"].str.startswith("000").all()


@pytest.mark.timeout(900)
async def test_libreoffice_sees_the_cells_that_the_csv_file_of_the_same_seed_has(office: str, tmp_path: Path) -> None:
    expected = with_plain_numbers(await record_table(ROWS))

    assert converted(office, await record_file("xlsx", ROWS), tmp_path) == expected


async def test_pandas_takes_no_text_for_anything_else() -> None:
    frame = pandas.read_excel(io.BytesIO(await sheet_of(HARD_TEXTS)), keep_default_na=False)

    assert tuple(frame["text"]) == HARD_TEXTS


async def typed_file(fields: list[dict[str, Any]]) -> tuple[bytes, list[dict[str, str]]]:
    """A file of typed cells, and the rows of the CSV file of the same seed."""
    columns = {"only": ["client_id"], "add": fields}
    plan, csv_plan = records_plan(format_name="xlsx", fields=columns, dialect=TYPED), records_plan(fields=columns)
    xlsx = format_of(plan, "xlsx")
    body = await xlsx.encode(composer_of(plan, "xlsx").compose(ROWS))
    return b"".join(body.chunks()), read_rows(csv_plan, content(composer_of(csv_plan).compose(ROWS)))


async def test_pandas_sees_dates_times_and_booleans_in_typed_cells() -> None:
    data, expected = await typed_file(TYPED_FIELDS)

    frame = pandas.read_excel(io.BytesIO(data))

    assert [kind.kind for kind in frame.dtypes][1:] == ["M", "M", "b", "i"]
    assert [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in frame["at"]] == [row["at"] for row in expected]
    assert [f"{moment:%Y-%m-%d}" for moment in frame["day"]] == [row["day"] for row in expected]
    assert list(frame["vip"]) == [row["vip"] == "true" for row in expected]


@pytest.mark.timeout(900)
async def test_libreoffice_shows_typed_cells_in_the_formats_of_the_dialect(office: str, tmp_path: Path) -> None:
    data, expected = await typed_file(TYPED_FIELDS)

    header, *rows = converted(office, data, tmp_path, is_formatted=True)

    assert header == ["client_id", "day", "at", "vip", "visits"]
    assert [row[1] for row in rows] == ["/".join(reversed(row["day"].split("-"))) for row in expected]
    assert [row[2] for row in rows] == [row["at"].replace("T", " at ").removesuffix("Z") for row in expected]
    assert [row[3].lower() for row in rows] == [row["vip"] for row in expected]


@pytest.mark.timeout(900)
async def test_libreoffice_takes_no_text_for_anything_else(office: str, tmp_path: Path) -> None:
    assert converted(office, await sheet_of(HARD_TEXTS), tmp_path) == [["text"], *([text] for text in HARD_TEXTS)]


@pytest.mark.timeout(900)
async def test_libreoffice_opens_a_file_with_only_its_header(office: str, tmp_path: Path) -> None:
    assert converted(office, await record_file("xlsx", 0), tmp_path) == await record_table(0)
