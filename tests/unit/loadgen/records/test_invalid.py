"""Rows that are wrong on purpose: as many as were asked for, wrong as was asked for, and counted."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import accumulate, groupby
from typing import Any

import pytest

from loadgen.records import RecordSpace
from loadtest_model.spec.records import INVALID_KINDS
from support.record_plans import composer_of, content, read_rows, records_plan

Row = dict[str, str]


def wrong_in(row: Row, seen: set[str]) -> set[str]:
    """What is wrong with a row, looked at as a target would; the ids of right rows are kept in `seen`."""
    checks: dict[str, Callable[[Row], bool]] = {
        "missing_required": lambda row: not all((row["first_name"], row["last_name"], row["email"])),
        "bad_email": lambda row: row["email"] != "" and re.fullmatch(r"[^@\s]+@[^@\s]+", row["email"]) is None,
        "bad_phone": lambda row: re.fullmatch(r"[-+0-9]+", row["phone"]) is None,
        "bad_date": lambda row: re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])-[0-3]\d", row["date_of_birth"]) is None,
        "bad_postal_code": lambda row: re.fullmatch(r"[A-Z]\d[A-Z] \d[A-Z]\d", row["postal_code"]) is None,
        "bad_choice": lambda row: row["status"] not in {"active", "inactive", "pending", "suspended"},
        "bad_number": lambda row: re.fullmatch(r"\d+\.\d\d", row["balance"]) is None,
        "too_long": lambda row: len(row["last_name"]) > 255,
        "duplicate_id": lambda row: row["client_id"] in seen,
    }
    found = {kind for kind, is_wrong in checks.items() if is_wrong(row)}
    if not found:
        seen.add(row["client_id"])
    return found


def drawn(*sizes: int, **invalid: Any) -> list[tuple[int, list[set[str]]]]:
    """For each batch how many rows it calls valid, and what is wrong with each of its rows."""
    plan = records_plan(invalid=invalid)
    source = composer_of(plan)
    batches = []
    for size in sizes:
        batch = source.compose(size)
        data = content(batch)
        assert len(data) == batch.content_length
        seen: set[str] = set()
        batches.append((batch.valid_rows, [wrong_in(row, seen) for row in read_rows(plan, data)]))
    return batches


@pytest.mark.parametrize("kind", INVALID_KINDS)
def test_rows_are_wrong_in_the_way_that_was_asked_for_and_in_no_other(kind: str) -> None:
    ((valid_rows, wrong),) = drawn(5_000, share=0.1, kinds=[kind])

    assert Counter(frozenset(each) for each in wrong) == {frozenset(): 4_500, frozenset({kind}): 500}
    assert valid_rows == 4_500


@pytest.mark.parametrize("share", [0.000_1, 0.003, 0.07, 0.333_333, 0.5])
def test_the_share_is_exact_over_all_batches_and_in_each_to_within_a_row(share: float) -> None:
    sizes = [10_000, 10, 2, 313, 3, 7_777, 10, 10, 5_000, 2_500]

    batches = drawn(*sizes, share=share, kinds=["bad_email", "duplicate_id"])

    wrong = [sum(map(bool, rows)) for _, rows in batches]
    assert [valid for valid, _ in batches] == [size - count for size, count in zip(sizes, wrong, strict=True)]
    for total, planted in zip(accumulate(sizes), accumulate(wrong), strict=True):
        assert planted == int(total * round(share * 1_000_000) // 1_000_000)


def test_a_batch_of_one_row_is_right_and_the_next_makes_up_for_it() -> None:
    batches = drawn(1, 1, 1, 1, 4, share=0.5)

    assert [valid for valid, _ in batches] == [1, 1, 1, 1, 1]


def test_kinds_take_turns() -> None:
    ((_, wrong),) = drawn(10_000, share=0.3, kinds=["bad_email", "bad_date", "duplicate_id"])

    counted = Counter(next(iter(each)) for each in wrong if each)
    assert counted.keys() == {"bad_email", "bad_date", "duplicate_id"}
    assert max(counted.values()) - min(counted.values()) <= 12


def test_wrong_rows_stand_after_each_chunk_of_right_ones_not_all_at_the_end() -> None:
    ((_, wrong),) = drawn(10_000, share=0.1)

    runs = [len(list(rows)) for is_wrong, rows in groupby(wrong, key=bool) if is_wrong]
    assert len(runs) == 4
    assert max(runs) < 300


def test_a_duplicate_keeps_an_email_of_its_own() -> None:
    plan = records_plan(invalid={"share": 0.2, "kinds": ["duplicate_id"]})
    source = composer_of(plan)

    rows = [row for size in (5_000, 10, 10) for row in read_rows(plan, content(source.compose(size)))]

    assert len({row["email"] for row in rows}) == len(rows)
    assert len({row["phone"] for row in rows}) == len(rows)


def test_the_ids_that_a_batch_tells_are_those_in_its_file_also_where_some_are_duplicates() -> None:
    plan = records_plan(invalid={"share": 0.2, "kinds": ["duplicate_id", "bad_email"]})
    source = composer_of(plan)

    for size in (5_000, 10, 313):
        batch = source.compose(size)
        assert list(batch.client_ids()) == [row["client_id"] for row in read_rows(plan, content(batch))]


def test_right_rows_are_the_same_with_wrong_ones_among_them() -> None:
    plain, mixed = records_plan(), records_plan(invalid={"share": 0.2, "kinds": ["bad_email"]})

    right = read_rows(plain, content(composer_of(plain).compose(1_000)))[:800]
    among = [row for row in read_rows(mixed, content(composer_of(mixed).compose(1_000))) if "@" in row["email"]]

    people = [(row["first_name"], row["last_name"], row["date_of_birth"]) for row in among]
    assert len(among) == 800
    assert len(set(people) & {(row["first_name"], row["last_name"], row["date_of_birth"]) for row in right}) > 200


def test_what_is_wrong_with_a_column_shows_in_templates_that_hold_it() -> None:
    plan = records_plan(
        invalid={"share": 0.2, "kinds": ["bad_email"]},
        fields={"add": [{"name": "contact", "kind": "template", "template": "<{email}>"}]},
    )

    rows = read_rows(plan, content(composer_of(plan).compose(1_000)))

    assert all(row["contact"] == f"<{row['email']}>" for row in rows)


def test_a_file_without_ids_tells_none() -> None:
    plan = records_plan(fields={"drop": ["client_id"]})

    batch = composer_of(plan).compose(10)

    assert batch.first_client_id is None
    assert list(batch.client_ids()) == []
    assert RecordSpace(1, 7).client_ids(0, 1)[0].encode() not in content(batch)
