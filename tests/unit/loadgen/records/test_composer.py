"""Batches of records: their bytes, their lengths, and that nothing in them is given twice."""

import csv
import hashlib
import io
import re

import pytest

from loadgen.records import (
    CHUNK_ROWS,
    ROWS_PER_POD,
    Batch,
    Composer,
    Pools,
    RecordSpace,
    load_pools,
)
from loadgen.records.pools import LanguagePools
from loadtest_model.records.columns import CLIENT_COLUMNS

COLUMNS = tuple(column.name for column in CLIENT_COLUMNS)

SIZES = [0, 1, 2, 10, 311, 312, 313, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 10_000, 12_345]


def composer(*, seed: int = 1, run_tag: int = 7, pod_index: int = 0, pod_count: int = 1) -> Composer:
    return Composer(RecordSpace(seed, run_tag, pod_index, pod_count), load_pools())


def content(batch: Batch) -> bytes:
    return b"".join(batch.chunks())


def parsed(batch: Batch) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(batch).decode(), newline=""), strict=True))


@pytest.mark.parametrize("rows", SIZES)
def test_a_batch_is_a_csv_file_with_header_and_exactly_its_rows(rows: int) -> None:
    batch = composer().compose(rows)

    lines = list(csv.reader(io.StringIO(content(batch).decode(), newline=""), strict=True))

    assert tuple(lines[0]) == COLUMNS
    assert len(lines) - 1 == batch.rows == rows
    assert {len(line) for line in lines} == {len(COLUMNS)}


@pytest.mark.parametrize("rows", SIZES)
def test_the_content_length_is_known_before_a_byte_is_composed_and_exact(rows: int) -> None:
    source = composer()

    for _ in range(4):
        batch = source.compose(rows)
        assert batch.content_length == len(content(batch))


@pytest.mark.parametrize("rows", SIZES)
def test_the_ids_that_a_batch_tells_are_those_in_its_file(rows: int) -> None:
    source = composer()
    source.compose(3)

    batch = source.compose(rows)

    in_file = [row["client_id"] for row in parsed(batch)]
    assert list(batch.client_ids()) == in_file
    assert batch.first_client_id == (in_file[0] if rows else None)


def test_a_batch_of_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        composer().compose(-1)


def test_no_chunk_of_a_large_batch_holds_more_than_the_header_or_one_template() -> None:
    chunks = list(composer().compose(10_000).chunks())

    assert [bytes(chunk).count(b"\n") for chunk in chunks] == [1] + 4 * [CHUNK_ROWS]


def test_a_batch_gives_the_same_bytes_however_often_it_is_asked() -> None:
    source = composer()
    batch, small = source.compose(6_000), source.compose(10)
    before, small_before = content(batch), content(small)

    for _ in range(40):
        content(source.compose(10_000))

    assert content(batch) == before
    assert content(small) == small_before


def test_a_chunk_is_not_overwritten_while_a_part_of_it_is_in_use() -> None:
    source = composer()
    held = [chunk[100:] for chunk in source.compose(5_000).chunks() if isinstance(chunk, memoryview)]
    before = [bytes(part) for part in held]

    for _ in range(40):
        content(source.compose(10_000))

    assert [bytes(part) for part in held] == before


def test_a_chunk_cannot_be_written_to() -> None:
    chunks = list(composer().compose(5_000).chunks())

    assert all(memoryview(chunk).readonly for chunk in chunks)


def test_the_same_rows_in_another_run_have_other_ids_and_emails() -> None:
    here, there = composer(run_tag=7), composer(run_tag=8)

    first, second = parsed(here.compose(5_000)), parsed(there.compose(5_000))

    for column in ("client_id", "email"):
        assert not {row[column] for row in first} & {row[column] for row in second}


def test_small_batches_share_no_id_with_each_other_or_with_large_ones() -> None:
    source = composer()
    sizes = [1, 10, 300, 0, 2_000, 7, 311, 10_000, 10] * 4

    ids = [row["client_id"] for size in sizes for row in parsed(source.compose(size))]

    assert len(set(ids)) == len(ids) == sum(sizes)


def test_small_batches_leave_no_number_out() -> None:
    source = composer()

    ids = [row["client_id"] for _ in range(30) for row in parsed(source.compose(300))]

    assert ids == RecordSpace(1, 7).client_ids(0, 9_000)


def test_an_abandoned_batch_takes_its_numbers_with_it() -> None:
    source = composer()

    abandoned, sent = source.compose(1_000), source.compose(1_000)

    assert not set(abandoned.client_ids()) & set(sent.client_ids())


def test_every_email_holds_its_records_id_so_that_it_is_as_unique() -> None:
    source = composer(run_tag=2**48 - 1, pod_index=999, pod_count=1_000)

    rows = [row for size in (5_000, 10, 700) for row in parsed(source.compose(size))]

    pattern = re.compile(r"[a-z0-9]+\.[a-z0-9]+\.([0-9a-z]{20})@example\.(com|net|org)")
    for row in rows:
        match = pattern.fullmatch(row["email"])
        assert match is not None
        assert match[1] == row["client_id"].lower()
        assert len(row["email"].partition("@")[0]) <= 64


def test_a_pod_without_numbers_left_says_so_instead_of_giving_one_twice() -> None:
    source = composer()
    source._numbers.next_number = ROWS_PER_POD - 5_000

    source.compose(5_000)

    with pytest.raises(OverflowError):
        source.compose(1)


def test_the_same_seed_gives_the_same_bytes() -> None:
    sizes = [0, 1, 10, 3_000, 10_000, 10, 40_000]
    first, second = composer(), composer()

    assert [content(first.compose(size)) for size in sizes] == [content(second.compose(size)) for size in sizes]


def test_the_order_in_which_chunks_are_composed_changes_no_byte() -> None:
    first, second = composer(), composer()

    one_by_one = [content(first.compose(6_000)) for _ in range(20)]
    drawn_before = [second.compose(6_000) for _ in range(20)]

    assert [content(batch) for batch in reversed(drawn_before)] == one_by_one[::-1]


@pytest.mark.parametrize("other", [{"seed": 2}, {"pod_index": 1, "pod_count": 2}])
def test_another_seed_or_pod_gives_other_people(other: dict[str, int]) -> None:
    first, second = parsed(composer().compose(2_000)), parsed(composer(**other).compose(2_000))

    same = sum(
        a["first_name"] == b["first_name"] and a["address"] == b["address"] for a, b in zip(first, second, strict=True)
    )

    assert same < 20


def test_the_bytes_are_those_of_every_other_platform() -> None:
    # Pools of its own: those of the package change with Faker.
    english = LanguagePools(("Ann", "Zoë"), ("O'Brien", "Li"), ("King's Road", "Main Street"))
    french = LanguagePools(("Aimée", "Luc"), ("Côté", "D'Amours"), ("rue de l'Église", "chemin du Lac"))
    source = Composer(RecordSpace(42, 0xC0FFEE, 2, 3), Pools(english, french))

    digest = hashlib.sha256()
    for size in (0, 1, 20_000, 100, 60_000):
        digest.update(content(source.compose(size)))
    for _ in range(150):  # until a template of new people is in use
        source.compose(10_000)
    digest.update(content(source.compose(20_000)))

    assert digest.hexdigest() == "1173d899fda15c69175defb6a0a5bd52ec11addd28b520c28abac21fe077db9d"


def test_house_numbers_and_phones_vary_between_uses_of_the_same_rendered_row() -> None:
    source = composer()

    rows = [row for _ in range(4) for row in parsed(source.compose(10_000))]

    rendered = {(row["first_name"], row["last_name"], row["date_of_birth"]) for row in rows}
    seen = {(row["first_name"], row["last_name"], row["address"]) for row in rows}
    assert len(rendered) <= 2 * CHUNK_ROWS
    assert len(seen) > 0.9 * len(rows)


def test_new_people_come_as_the_run_goes_on() -> None:
    source = composer()

    def people(rows: list[dict[str, str]]) -> set[tuple[str, str, str]]:
        return {(row["first_name"], row["last_name"], row["date_of_birth"]) for row in rows}

    early = people(parsed(source.compose(10_000)))
    for _ in range(4_500):
        source.compose(10_000)
    late = people(parsed(source.compose(10_000)))

    assert not early & late
