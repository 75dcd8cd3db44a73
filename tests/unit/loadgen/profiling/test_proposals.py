"""What a column of somebody's own file is taken for."""

import random
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadgen.profiling.columns import propose, propose_columns
from loadgen.profiling.proposals import ColumnValues, Json, words_of_name
from loadgen.profiling.tables import Table
from loadgen.profiling.texts import shape_of
from loadgen.profiling.writing import fields_text
from loadgen.records import refuse_unmakeable
from support.record_plans import composer_of, content, records_plan, rows_of

SOURCE = random.Random(7)
SIZE = 200


def column(name: str, texts: list[str]) -> Json:
    values = ColumnValues(name, [text for text in texts if text], len(texts))
    proposal = propose(values)
    return {"client": proposal.client} if proposal.client else proposal.parameters


def drawn(make: Any, count: int = SIZE) -> list[str]:
    return [make() for _ in range(count)]


def digits(count: int) -> str:
    return "".join(SOURCE.choices(string.digits, k=count))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["true", "false", "true", "true"], {"kind": "boolean", "weights": [75, 25]}),
        (["Yes", "No"], {"kind": "boolean", "values": ["Yes", "No"], "weights": [50, 50]}),
        (["Y", "N", "N", "N"], {"kind": "boolean", "values": ["Y", "N"], "weights": [25, 75]}),
        (["1", "0"], {"kind": "boolean", "values": ["1", "0"], "weights": [50, 50]}),
        (["TRUE", "TRUE"], {"kind": "boolean", "values": ["TRUE", "FALSE"]}),
    ],
)
def test_a_boolean_keeps_the_words_and_shares_of_the_file(texts: list[str], expected: Json) -> None:
    assert column("flagged", texts) == expected


def test_ones_alone_are_no_boolean_unless_the_name_says_so() -> None:
    assert column("visits", ["1"] * 30)["kind"] == "integer"
    assert column("is_active", ["1"] * 30) == {"kind": "boolean", "values": ["1", "0"]}


def test_bounds_of_numbers_are_rounded_inwards_unless_several_rows_share_them() -> None:
    salaries = [str(number) for number in (30_123, *range(40_000, 190_000, 977), 198_765)]

    assert column("salary", salaries) == {"kind": "integer", "min": 31_000, "max": 190_000}
    assert column("rating", [str(1 + place % 5) for place in range(50)]) == {"kind": "integer", "min": 1, "max": 5}
    assert column("balance", ["-1234.5", "0.25", "99.125", "7"]) == {
        "kind": "decimal",
        "min": -1200.0,
        "max": 99.0,
        "places": 3,
    }


def test_an_integer_that_counts_rows_is_unique_and_fits_into_every_integer_column() -> None:
    expected = {"kind": "unique", "prefix": "1", "width": 8, "characters": "digits"}

    assert column("x", [str(number) for number in range(5_000, 5_150)]) == expected
    assert column("Customer No", [str(SOURCE.randrange(10**6) * 100 + place) for place in range(99)]) == expected
    assert column("price_cents", [str(997 * number) for number in range(1, 99)])["kind"] == "integer"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2021-03-14", "2024-08-20"], {"kind": "date", "earliest": "2021-04-01", "latest": "2024-07-31"}),
        (
            ["31/01/2021", "14/12/2023"],
            {"kind": "date", "earliest": "2021-02-01", "latest": "2023-11-30", "format": "%d/%m/%Y"},
        ),
        (
            ["01/31/2021", "12/14/2023"],
            {"kind": "date", "earliest": "2021-02-01", "latest": "2023-11-30", "format": "%m/%d/%Y"},
        ),
        (["2024-02-10", "2024-02-12"], {"kind": "date", "earliest": "2024-02-01", "latest": "2024-02-29"}),
        (
            ["2021-03-14 10:11:12", "2024-08-20 01:02:03"],
            {
                "kind": "datetime",
                "earliest": "2021-04-01T00:00:00Z",
                "latest": "2024-07-31T23:59:59Z",
                "format": "%Y-%m-%d %H:%M:%S",
            },
        ),
        (
            ["14.03.2021T10:11:12.123+00:00", "20.08.2024T01:02:03.456+00:00"],
            {
                "kind": "datetime",
                "earliest": "2021-04-01T00:00:00Z",
                "latest": "2024-07-31T23:59:59Z",
                "format": "%d.%m.%YT%H:%M:%S.000+00:00",
            },
        ),
        (
            ["2021-03-14T10:11:12Z", "2024-08-20"],
            {"kind": "datetime", "earliest": "2021-04-01T00:00:00Z", "latest": "2024-07-31T23:59:59Z"},
        ),
    ],
)
def test_dates_and_times_keep_their_format_and_their_whole_months(texts: list[str], expected: Json) -> None:
    assert column("signup", texts) == expected


def test_eight_digits_are_a_date_only_if_the_name_says_so() -> None:
    texts = ["20210314", "20240820"]

    assert column("birth_date", texts)["format"] == "%Y%m%d"
    assert column("batch", texts)["kind"] == "integer"


def test_a_date_that_could_be_read_in_two_ways_says_so() -> None:
    values = ColumnValues("signup", ["01/02/2021", "03/04/2022"], 2)

    assert propose(values).notes == ("the values do not tell %d/%m/%Y from %m/%d/%Y; see that the format is right",)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("E-Mail", "zoe@corp.example", {"client": "email"}),
        ("Vorname", "Zoë", {"client": "first_name"}),
        ("lastName", "O'Brien", {"client": "last_name"}),
        ("City", "Trois-Rivières", {"client": "city"}),
        ("Street Address", "12 Rue Saint-Paul", {"client": "address"}),
        ("zip", "H2Y 1H2", {"client": "postal_code"}),
        ("Province", "QC", {"client": "province"}),
        ("phone", "+1-514-867-5309", {"client": "phone"}),
        ("Mobile Phone", "514.867.5309", {"kind": "pattern", "pattern": "416.555.####"}),
        ("tel", "+1 (514) 867-5309", {"kind": "pattern", "pattern": "+1 (416) 555-####"}),
        ("Employer", "Acme Inc.", {"kind": "faker", "provider": "company"}),
        ("Full Name", "Zoë Roy", {"kind": "template", "template": "{first_name} {last_name}"}),
        ("web", "https://corp.example/a?b", {"kind": "template", "template": "https://example.com/{client_id:lower}"}),
    ],
)
def test_people_and_places_are_synthetic_ones_of_the_same_kind(name: str, text: str, expected: Json) -> None:
    assert column(name, [text] * 3) == expected


def test_codes_keep_their_shape_and_none_of_their_characters() -> None:
    postcodes = drawn(lambda: f"SW{digits(1)}A {digits(1)}AA")

    assert column("postcode", postcodes) == {"kind": "pattern", "pattern": "??#? #??"}
    assert column("#", [f"#{digits(4)}?" for _ in range(50)]) == {"kind": "pattern", "pattern": "\\#####\\?"}
    assert column("reference", [f"ab-{place:05}" for place in range(50)]) == {
        "kind": "pattern",
        "pattern": "??-#####",
        "unique": True,
    }


def test_the_fixed_characters_of_codes_are_written_if_their_owner_confirms() -> None:
    proposal = propose(ColumnValues("reference", [f"AB-{place:05}" for place in range(50)], 50))

    assert proposal.confirmable is not None
    assert proposal.confirmable.question == "pattern AB-000##"
    assert proposal.confirm().parameters == {"kind": "pattern", "pattern": "AB-000##", "unique": True}


def test_uuids_stay_unique_uuids() -> None:
    uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c33"
    field = column("x", [f"{uuid}{place:02}" for place in range(50)])

    assert field == {"kind": "pattern", "pattern": "########-####-4###-8###-############", "unique": True}


def test_choices_are_placeholders_with_the_shares_of_the_file_until_their_owner_confirms() -> None:
    values = ColumnValues("plan", ["free"] * 60 + ["basic"] * 30 + ["enterprise"] * 10, 100)

    proposal = propose(values)

    assert proposal.parameters == {
        "kind": "choice",
        "values": ["choice 1", "choice 2", "choice 3"],
        "weights": [60, 30, 10],
    }
    assert "free (60 %), basic (30 %), enterprise (10 %)" in proposal.confirmable.question  # type: ignore[union-attr]
    assert proposal.confirm().parameters["values"] == ["free", "basic", "enterprise"]
    assert proposal.confirm().notes == ()


def test_a_few_rows_are_no_choices_unless_their_owner_calls_them_so() -> None:
    values = ColumnValues("plan", ["free", "basic", "free"], 3)

    assert propose(values).parameters["kind"] == "faker"
    assert propose(values, is_choice=True).parameters["kind"] == "choice"


def test_placeholders_are_no_longer_than_the_choices() -> None:
    assert column("grade", ["x", "y", "z"] * 20)["values"] == ["A", "B", "C"]


def test_running_text_has_the_length_of_the_files() -> None:
    texts = drawn(lambda: f"Zoë said {digits(9)} " * SOURCE.randrange(1, 9))

    assert column("notes", texts)["arguments"] == {"max_nb_chars": max(map(len, texts))}


def test_texts_that_come_once_and_are_named_as_keys_are_unique() -> None:
    texts = ["".join(SOURCE.choices(string.ascii_letters, k=SOURCE.randrange(5, 9))) + str(n) for n in range(150)]

    assert column("login key", texts) == {"kind": "unique", "width": max(map(len, texts))}


def test_empty_fields_keep_their_share_and_a_client_column_with_some_becomes_a_template() -> None:
    table = Table({"email": ["a@b.ca", "", "", ""], "fax": ["", "", "", ""], "e2": ["a@b.ca"] * 4}, 4)

    columns = propose_columns(table, lambda *_: False)

    assert columns.to_fields() == {
        "only": ["email"],
        "rename": {"email": "e2"},
        "add": [
            {"name": "email", "kind": "template", "template": "{email}", "nullShare": 0.75},
            {"name": "fax", "kind": "constant", "value": ""},
        ],
        "order": ["email", "fax", "e2"],
    }
    rows = list(rows_of(records_plan(fields=columns.to_fields()), 400))
    assert 60 < sum(row["email"] != "" for row in rows) < 140
    assert all("@example." in row["e2"] for row in rows)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("First Name", ("first", "name")),
        ("first_name", ("first", "name")),
        ("firstName", ("first", "name")),
        ("SKU", ("sku",)),
        ("Weight (kg)", ("weight", "kg")),
        ("", ()),
    ],
)
def test_the_words_of_a_name_are_found_however_it_is_written(name: str, words: tuple[str, ...]) -> None:
    assert words_of_name(name) == words


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)
CODES = st.from_regex(r"[A-Z]{2}-[0-9]{3}", fullmatch=True)
NUMBERS = st.integers(-(10**15), 10**15).map(str) | st.decimals(-999, 999, places=2).map(str)
DATES = st.dates().map(str) | st.datetimes().map(str)
COLUMNS = st.one_of(*(st.lists(values, min_size=3, max_size=60) for values in (TEXTS, CODES, NUMBERS, DATES)))


@settings(max_examples=50, deadline=None)
@given(COLUMNS, st.booleans())
def test_every_column_becomes_one_that_a_test_takes(texts: list[str], is_confirmed: bool) -> None:
    columns = propose_columns(Table({"x": texts}, len(texts)), lambda *_: is_confirmed)

    plan = records_plan(fields=columns.to_fields())
    refuse_unmakeable(plan)

    assert content(composer_of(plan).compose(2)).count(b"\r\n") >= 3


WORDS = st.from_regex(
    r"[a-z]{6,12}( [a-z]{6,12}){0,2}|[A-Z]{6}[0-9]{6}|[a-z]{6,9}@[a-z]{6,9}\.ca|東京大学[0-9]", fullmatch=True
)
RECOGNISABLE = st.sampled_from(["", "2024-01-31 ", "2024-01-31 10:11:12 ", "2024-01-31T10:11:12.", "https://", "AB-"])


@given(RECOGNISABLE, st.lists(WORDS, min_size=1, max_size=40), st.integers(1, 9), st.booleans())
def test_no_value_of_the_file_is_written_without_its_owners_word(
    beginning: str, words: list[str], times: int, is_asked: bool
) -> None:
    texts = [f"{beginning}{word}" for word in words] * times
    columns = propose_columns(Table({"x": texts}, len(texts)), lambda *_: False, ["x"] if is_asked else ())

    text = fields_text(columns, {}, "")

    assert not [word for word in words if word in text]


@settings(max_examples=30, deadline=None)
@given(st.text("#?\\aZ09é- ", min_size=1, max_size=30))
def test_the_shape_of_a_text_is_a_pattern_of_texts_of_the_same_shape(text: str) -> None:
    plan = records_plan(fields={"only": [], "add": [{"name": "x", "kind": "pattern", "pattern": shape_of(text)}]})

    values = [row["x"] for row in rows_of(plan, 3)]

    assert {shape_of(value) for value in values} == {shape_of(text)}
