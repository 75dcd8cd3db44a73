"""XLSX files as openpyxl and the standard library read them."""

import asyncio
import io
import zipfile
from collections.abc import Sequence

import pytest
from openpyxl import load_workbook

from loadgen.formats import XlsxFormat
from support.record_files import Cell, composer_for, record_file, record_table, typed_table


def cells_of(content: bytes, *, read_only: bool = False) -> list[list[Cell]]:
    workbook = load_workbook(io.BytesIO(content), read_only=read_only, data_only=True)
    (sheet,) = workbook.worksheets
    cells = [list(row) for row in sheet.iter_rows(values_only=True)]
    workbook.close()
    return cells


@pytest.mark.parametrize("rows", [0, 1, 10, 5_500])
@pytest.mark.parametrize("read_only", [False, True])
async def test_openpyxl_sees_the_cells_that_the_csv_file_of_the_same_seed_has(rows: int, read_only: bool) -> None:
    expected = typed_table(await record_table(rows))

    cells = cells_of(await record_file("xlsx", rows), read_only=read_only)

    assert cells == expected
    assert len(cells) == rows + 1


async def test_every_member_is_whole_and_the_length_was_known_beforehand() -> None:
    made = XlsxFormat()

    body = await made.encode(composer_for(made).compose(4_000))

    content = b"".join(body.chunks())
    assert len(content) == body.content_length
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "[Content_Types].xml"


async def test_a_body_gives_the_same_bytes_again() -> None:
    made = XlsxFormat()
    composer = composer_for(made)

    first = await made.encode(composer.compose(2_000))
    before = b"".join(first.chunks())
    await made.encode(composer.compose(2_000))

    assert b"".join(first.chunks()) == before


async def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_rows() -> None:
    first, again = [await record_file("xlsx", 3_000, 7) for _ in range(2)]
    small, other = [await record_file("xlsx", 30, seed) for seed in (7, 8)]

    assert first == again
    assert cells_of(small)[1:] != cells_of(other)[1:]


async def test_the_sheet_says_how_far_it_reaches() -> None:
    workbook = load_workbook(io.BytesIO(await record_file("xlsx", 40)), read_only=True)

    assert workbook.worksheets[0].calculate_dimension() == "A1:O41"
    workbook.close()


async def test_files_are_encoded_one_after_the_other_in_the_order_of_the_calls() -> None:
    made = XlsxFormat()
    composer = composer_for(made)
    finished: list[int] = []

    async def encode(number: int, rows: int) -> None:
        await made.encode(composer.compose(rows))
        finished.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number, rows in enumerate((10_000, 2_500, 10)):
            tasks.create_task(encode(number, rows))

    assert finished == [0, 1, 2]


async def test_an_encoding_that_is_cut_lets_the_next_begin() -> None:
    made = XlsxFormat()
    composer = composer_for(made)
    cut = asyncio.create_task(made.encode(composer.compose(10_000)))
    await asyncio.sleep(0)

    cut.cancel()
    body = await asyncio.wait_for(made.encode(composer.compose(10)), 10)

    assert cut.cancelled()
    assert len(cells_of(b"".join(body.chunks()))) == 11


def types_of(rows: Sequence[Sequence[Cell]], column: int) -> set[type]:
    return {type(row[column]) for row in rows}


async def test_ids_phones_postal_codes_and_dates_are_text_with_their_leading_zeros_and_balances_are_numbers() -> None:
    header, *rows = cells_of(await record_file("xlsx", 500))

    for name in ("client_id", "phone", "postal_code", "date_of_birth", "created_at"):
        assert types_of(rows, header.index(name)) == {str}
    assert types_of(rows, header.index("balance")) <= {int, float}
    assert all(str(row[0]).startswith("000") for row in rows)
