"""XLSX files as other programs than openpyxl read them: pandas, and LibreOffice from its Debian package."""

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pandas
import pytest

from loadgen.formats import XlsxFormat
from loadgen.records import Column
from record_files import composer_for, record_file, record_table

ROWS = 3_000
BALANCE = 12
PACKAGE = "libreoffice-calc-nogui"


def with_plain_numbers(table: Sequence[Sequence[str]]) -> list[list[str]]:
    """The table with each balance in the shortest form, as a reader that knows it for a number writes it."""
    header, *rows = table
    return [list(header), *([*row[:BALANCE], f"{float(row[BALANCE]):.15g}", *row[BALANCE + 1 :]] for row in rows)]


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


def converted(office: str, content: bytes, folder: Path) -> list[list[str]]:
    """The cells that LibreOffice sees, as it writes them to CSV: each as it is, not as it would be formatted."""
    (folder / "clients.xlsx").write_bytes(content)
    # Separator, quote, UTF-8, first line, no column formats, language, quote only what must be, values as stored.
    options = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
    done = subprocess.run(
        [office, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", options]
        + ["--outdir", str(folder), str(folder / "clients.xlsx")],
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


@pytest.mark.timeout(900)
async def test_libreoffice_opens_a_file_with_only_its_header(office: str, tmp_path: Path) -> None:
    assert converted(office, await record_file("xlsx", 0), tmp_path) == await record_table(0)
