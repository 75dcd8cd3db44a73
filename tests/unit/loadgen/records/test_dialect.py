"""Dialects of CSV: the bytes that readers in another country, or on another system, are given."""

from typing import Any

import pytest

from support.record_plans import composer_of, content, format_of, read_rows, records_plan

FIELDS = {"drop": ["client_id", "email", "phone", "address", "city", "province", "postal_code", "date_of_birth",
                   "language", "status", "created_at", "updated_at", "first_name", "last_name"]}  # fmt: skip


def lines(fields: list[dict[str, Any]], **dialect: Any) -> list[bytes]:
    plan = records_plan(dialect=dialect, fields={**FIELDS, "add": fields, "order": [field["name"] for field in fields]})
    end = b"\n" if dialect.get("lineEnd") == "LF" else b"\r\n"
    return content(composer_of(plan).compose(1)).removesuffix(end).split(end)


WORD = {"name": "a", "kind": "constant", "value": "plain"}
AWKWARD = {"name": "b c", "kind": "constant", "value": 'a "b"; c, d | e\tf'}
EMPTY = {"name": "e", "kind": "constant", "value": ""}
NUMBER = {"name": "n", "kind": "integer", "min": 7, "max": 7}
NOTHING = {"name": "n0", "kind": "integer", "min": 7, "max": 7, "nullShare": 1}


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_fields_are_delimited_and_those_that_hold_the_delimiter_or_quotes_are_quoted(delimiter: str) -> None:
    header, row = lines([WORD, AWKWARD, EMPTY], delimiter=delimiter)

    assert header.decode() == delimiter.join(["a", "b c", "e", "balance"])
    assert row.decode().startswith(delimiter.join(["plain", '"a ""b""; c, d | e\tf"', "", ""]))


def test_all_fields_can_be_quoted() -> None:
    header, row = lines([WORD, AWKWARD, EMPTY, NUMBER], quoting="all")

    assert header == b'"a","b c","e","n","balance"'
    assert row.startswith(b'"plain","a ""b""; c, d | e\tf","","7","')


def test_all_fields_but_numbers_can_be_quoted_and_a_number_that_is_missing_is_nothing() -> None:
    header, row = lines([WORD, EMPTY, NUMBER, NOTHING], quoting="nonnumeric")

    assert header == b'"a","e","n","n0","balance"'
    assert row.startswith(b'"plain","",7,,')
    assert not row.endswith(b'"')


def test_lines_can_end_as_on_unix() -> None:
    plan = records_plan(dialect={"lineEnd": "LF"})

    data = content(composer_of(plan).compose(5_000))

    assert data.count(b"\n") == 5_001
    assert b"\r" not in data


def test_a_byte_order_mark_stands_once_and_is_counted() -> None:
    plan = records_plan(dialect={"bom": True})
    batch = composer_of(plan).compose(5_000)

    data = content(batch)

    assert data.startswith(b"\xef\xbb\xbfclient_id,")
    assert data.count(b"\xef\xbb\xbf") == 1
    assert len(data) == batch.content_length


def test_what_windows_1252_has_no_letter_for_loses_its_accent_and_everything_else_stays() -> None:
    narrow, wide = records_plan(dialect={"encoding": "cp1252"}), records_plan()

    told = read_rows(narrow, content(composer_of(narrow).compose(10_000)))
    meant = read_rows(wide, content(composer_of(wide).compose(10_000)))

    changed = {(a["last_name"], b["last_name"]) for a, b in zip(told, meant, strict=True) if a != b}
    assert changed == {("Kovac", "Kovač")}
    assert any("é" in row["first_name"] for row in told)


def test_a_letter_without_any_likeness_becomes_a_question_mark() -> None:
    plan = records_plan(dialect={"encoding": "cp1252"}, fields={"rename": {"city": "Ville"}})

    rendered = format_of(plan).rendering.rows([["漢"]] * len(plan.columns))

    assert rendered == [b",".join([b"?"] * len(plan.columns)) + b"\r\n"]


def test_the_media_type_says_which_letters_are_meant() -> None:
    assert format_of(records_plan()).content_type == "text/csv"
    assert format_of(records_plan(dialect={"encoding": "cp1252"})).content_type == "text/csv; charset=windows-1252"


@pytest.mark.parametrize(
    "dialect",
    [
        {"delimiter": ";", "quoting": "all", "lineEnd": "LF", "bom": True},
        {"delimiter": "\t", "quoting": "nonnumeric", "encoding": "cp1252"},
    ],
)
def test_in_every_dialect_a_batch_has_its_length_and_no_mark_is_left(dialect: dict[str, Any]) -> None:
    plan = records_plan(dialect=dialect)
    source = composer_of(plan)

    for size in (0, 10, 312, 5_001):
        batch = source.compose(size)
        data = content(batch)
        assert len(data) == batch.content_length
        assert not set(data) & {*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20)}
        assert len(read_rows(plan, data)) == size
