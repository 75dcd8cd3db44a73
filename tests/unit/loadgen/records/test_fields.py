"""Columns that users add: what is in them, and what of it differs in every row."""

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest

from loadgen.records import FieldRefusedError
from loadgen.records.faking import FakedValues, Fakers
from loadgen.records.fields import RowSlice, marked_digits, numbers
from loadgen.records.make_providers import find_providers
from loadgen.records.words import Words
from loadtest_model.plan.columns import ColumnPlan
from loadtest_model.records.providers import PROVIDERS
from support.record_plans import composer_of, content, records_plan, rows_of, with_fields

UNIQUE = {"kind": "unique", "prefix": "L-", "width": 8}


def column(*sizes: int, **field: Any) -> list[str]:
    return [row["x"] for row in rows_of(with_fields(field), *sizes)]


def test_a_unique_field_has_its_prefix_and_its_width_and_comes_once() -> None:
    values = column(10_000, 10, 10, 4_000, **UNIQUE)

    assert all(re.fullmatch("L-[0-9A-HJKMNP-TV-Z]{8}", value) for value in values)
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("width", [2, 3, 5, 6, 7, 9, 11, 12])
@pytest.mark.parametrize("characters", ["digits", "alphanumeric"])
def test_a_unique_field_of_any_width_comes_once_until_its_values_are_used_up(width: int, characters: str) -> None:
    count = min(5_000, (10 if characters == "digits" else 32) ** width)

    values = column(count, kind="unique", width=width, characters=characters)

    assert len(set(values)) == count
    assert {len(value) for value in values} == {width}
    assert characters != "digits" or "".join(values).isdecimal()


def test_the_pods_of_a_fleet_share_no_value_of_a_unique_field() -> None:
    plan = with_fields({**UNIQUE, "width": 4})
    pods = [composer_of(plan, pod_index=index, pod_count=3) for index in range(3)]

    files = [content(pod.compose(20_000)).decode().splitlines()[1:] for pod in pods]

    values = [line.rpartition(",")[2] for lines in files for line in lines]
    assert len(set(values)) == 60_000


def test_a_unique_field_that_is_used_up_begins_again() -> None:
    values = column(1_000, 1_000, kind="unique", width=3, characters="digits")

    assert values[:1_000] == values[1_000:]


def test_a_constant_is_in_every_row_with_what_a_file_has_to_escape() -> None:
    assert set(column(100, kind="constant", value='He said "no", twice\r\n')) == {'He said "no", twice\r\n'}


def test_choices_come_as_often_as_their_weights_say() -> None:
    counted = Counter(column(5_000, kind="choice", values=["gold", "silver", "none"], weights=[1, 3, 0]))

    assert counted["gold"] + counted["silver"] == 5_000
    assert counted["gold"] == pytest.approx(1_250, rel=0.15)


def test_an_integer_lies_in_its_range_and_reaches_both_ends() -> None:
    values = [int(value) for value in column(5_000, 5_000, kind="integer", min=-7, max=25)]

    assert (min(values), max(values)) == (-7, 25)
    assert len(set(values)) == 33


def test_a_decimal_has_its_places_and_lies_in_its_range() -> None:
    values = column(5_000, kind="decimal", min=-1, max=2.5, places=3)

    assert all(re.fullmatch(r"-?[0-9]\.[0-9]{3}", value) for value in values)
    assert -1 <= min(map(float, values)) < -0.99
    assert 2.49 < max(map(float, values)) <= 2.5
    assert not {"-0.000"} & set(values)


def test_dates_and_times_lie_in_their_range_and_have_the_dialects_form() -> None:
    plan = records_plan(
        fields={
            "add": [
                {"name": "day", "kind": "date", "earliest": "2024-02-28", "latest": "2024-03-01"},
                {"name": "at", "kind": "datetime", "earliest": "2024-02-29", "latest": "2024-02-29T00:00:02Z"},
            ]
        },
        dialect={"dateFormat": "%d.%m.%y", "dateTimeFormat": "%Y%m%d-%H%M%S"},
    )

    rows = list(rows_of(plan, 1_000))

    assert {row["day"] for row in rows} == {"28.02.24", "29.02.24", "01.03.24"}
    assert {row["at"] for row in rows} == {f"20240229-00000{second}" for second in range(3)}
    assert all(re.fullmatch(r"\d\d\.\d\d\.\d\d", row["date_of_birth"]) for row in rows)
    assert all(re.fullmatch(r"\d{8}-\d{6}", row["created_at"]) for row in rows)


def test_a_template_holds_the_fields_of_its_own_row() -> None:
    fields = (
        UNIQUE,
        {"kind": "integer", "min": 100, "max": 999_999},
        {"kind": "decimal", "min": 0, "max": 1_000},
        {
            "kind": "template",
            "template": "{x:lower}|{y}|{z}|{client_id}|{email:upper}|{phone}|{address}|{last_name:mail}|{{}}",
        },
        {"kind": "template", "template": "<{u}>"},
    )

    for row in rows_of(with_fields(*fields), 5_000, 10, 700):
        parts = row["u"].split("|")
        assert parts[:6] == [
            row["x"].lower(), row["y"], row["z"], row["client_id"], row["email"].upper(), row["phone"]
        ]  # fmt: skip
        assert parts[6] == row["address"]
        assert parts[7].isascii()
        assert parts[7].isalnum()
        assert parts[8] == "{}"
        assert row["v"] == f"<{row['u']}>"


def test_a_dropped_column_can_still_be_part_of_a_template() -> None:
    plan = with_fields(
        {"kind": "template", "template": "{client_id:lower} {first_name}"}, drop=["client_id", "first_name", "phone"]
    )

    values = [row["x"] for row in rows_of(plan, 1_000)]

    assert all(re.fullmatch(r"[0-9a-z]{20} \D+", value) for value in values)
    assert len(set(values)) == 1_000


@pytest.mark.parametrize(
    "field", [UNIQUE, {"kind": "integer", "min": 0, "max": 10**6}, {"kind": "faker", "provider": "job"}]
)
def test_so_many_fields_are_empty_and_templates_have_nothing_in_their_place(field: dict[str, Any]) -> None:
    plan = with_fields({**field, "nullShare": 0.25}, {"kind": "template", "template": "({x})"})

    rows = list(rows_of(plan, 5_000))

    assert sum(row["x"] == "" for row in rows) == pytest.approx(1_250, rel=0.15)
    assert all(row["y"] == f"({row['x']})" for row in rows)


def test_nothing_of_a_mark_is_ever_left_in_a_file() -> None:
    fields = (
        {**UNIQUE, "nullShare": 0.5},
        {"kind": "integer", "min": -50, "max": 10**9},
        {"kind": "decimal", "min": -5, "max": 99},
        {"kind": "template", "template": "{x}{y}{z}{email:mail}", "nullShare": 0.5},
    )
    source = composer_of(with_fields(*fields))

    data = b"".join(content(source.compose(size)) for size in (10_000, 1, 313, 10, 2_500))

    assert not set(data) & {*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20)}


def test_unique_fields_and_the_last_digits_of_numbers_differ_between_uses_of_a_rendered_row() -> None:
    plan = with_fields(
        UNIQUE,
        {"kind": "integer", "min": 0, "max": 10**9},
        {"kind": "decimal", "min": 0, "max": 1_000},
        {"kind": "choice", "values": [str(number) for number in range(200)]},
    )

    rows = list(rows_of(plan, *[10_000] * 4))

    rendered = {(row["first_name"], row["last_name"], row["date_of_birth"], row["u"]) for row in rows}
    assert len(rendered) <= 5_000
    for varying in ("x", "y", "z"):
        assert len({(row["first_name"], row["last_name"], row["date_of_birth"], row[varying]) for row in rows}) > 30_000


def a_number(kind: str, low: int, high: int, places: int = 0) -> ColumnPlan:
    return ColumnPlan(name="x", kind=kind, low=low, high=high, places=places)


@pytest.mark.parametrize(
    "plan",
    [
        a_number("integer", 0, 99),
        a_number("integer", -250, 1_234),
        a_number("integer", 7, 70_000),
        a_number("decimal", -300, 1_250, 2),
        a_number("decimal", 0, 99, 1),
        a_number("decimal", -12_345, 67_891, 4),
    ],
)
def test_a_mark_stands_for_digits_that_all_lie_in_the_range_and_leave_every_number_as_likely(plan: ColumnPlan) -> None:
    mark = "\x05" * marked_digits(plan)
    texts = numbers(plan, Words(3), mark)(RowSlice(20_000, np.zeros(20_000, np.int64), {}, {}))
    endings = [str(end).zfill(len(mark)) for end in range(10 ** len(mark))]
    whole_number = re.compile(r"-?(0|[1-9][0-9]*)")

    found: Counter[int] = Counter()
    for text, times in Counter(texts).items():
        units = text.replace(".", "")
        ends = [units.replace(mark, end) for end in endings] if mark in text else [units]
        for end in ends:
            assert whole_number.fullmatch(end if not plan.places else text.partition(".")[0] or "0")
            found[int(end)] += times * 10 ** len(mark) // len(ends)
    assert plan.low <= min(found)
    assert max(found) <= plan.high
    middle = (plan.low + plan.high) // 2
    below = sum(count for number, count in found.items() if number < middle)
    assert below / sum(found.values()) == pytest.approx((middle - plan.low) / (plan.high - plan.low + 1), abs=0.02)


def test_faker_gives_values_in_the_rows_own_language_that_the_seed_decides() -> None:
    plan = with_fields({"kind": "faker", "provider": "catch_phrase"}, {"kind": "faker", "provider": "word"})

    first, second = (list(rows_of(plan, 2_000)) for _ in range(2))

    assert first == second
    words = {language: {row["y"] for row in first if row["language"] == language} for language in ("en", "fr")}
    assert all(len(found) > 50 for found in words.values())


def test_arguments_reach_fakers_provider_as_json_where_they_are_json() -> None:
    plan = with_fields(
        {"kind": "faker", "provider": "random_element", "arguments": {"elements": '["red", "blue"]'}},
        {"kind": "faker", "provider": "numerify", "arguments": {"text": "A-%%%"}},
        {"kind": "faker", "provider": "pyint", "arguments": {"min_value": 5, "max_value": "6"}},
    )

    rows = list(rows_of(plan, 500))

    assert {row["x"] for row in rows} == {"red", "blue"}
    assert all(re.fullmatch("A-[1-9]{3}", row["y"]) for row in rows)
    assert {row["z"] for row in rows} == {"5", "6"}


def test_what_a_provider_does_not_take_is_refused_with_the_columns_name() -> None:
    plan = with_fields({"kind": "faker", "provider": "text", "arguments": {"max_nb_chars": "many"}})

    with pytest.raises(
        FieldRefusedError, match=r"provider text of Faker does not take max_nb_chars='many'.*column 'x'"
    ):
        composer_of(plan)


def test_a_fakers_values_become_more_and_are_replaced_when_they_are_many() -> None:
    values = FakedValues(
        ColumnPlan(name="x", kind="faker", provider="ipv4"), Fakers("en_CA"), Words(1), most_values=230
    )
    english = np.zeros(5_000, np.int64)
    seen = [set(values.draw(english))]

    for _ in range(200):
        values.renew()
        seen.append(set(values.draw(english)))

    assert {len(each) for each in seen[15:]} == {230}
    assert len(set.union(*seen)) > 500
    assert not seen[0] & seen[-1]


def test_the_list_of_providers_is_that_of_the_faker_that_is_installed() -> None:
    assert find_providers() == PROVIDERS


def test_no_provider_on_the_list_reaches_a_person() -> None:
    addresses = {"company_email", "ascii_company_email", "free_email", "ascii_free_email"}

    assert not addresses & PROVIDERS.keys()


@pytest.mark.parametrize(("locale", "languages"), [("en_CA", {"en"}), ("fr_CA", {"fr"}), ("mixed", {"en", "fr"})])
def test_the_locale_decides_the_language_of_people_and_of_faker(locale: str, languages: set[str]) -> None:
    plan = records_plan(locale=locale, fields={"add": [{"name": "x", "kind": "faker", "provider": "word"}]})

    rows = list(rows_of(plan, 2_000))

    assert {row["language"] for row in rows} == languages
    if locale == "fr_CA":
        assert Counter(row["province"] for row in rows).most_common(1)[0][0] == "QC"


def test_reserved_phones_are_lines_that_are_never_assigned_and_differ_as_long_as_there_are_some() -> None:
    rows = list(rows_of(records_plan(contact="reserved"), 2_000))

    assert all(re.fullmatch(r"\+1-\d{3}-555-01\d\d", row["phone"]) for row in rows)
    assert len({row["phone"] for row in rows}) == 2_000


def test_with_the_same_seed_the_same_columns_have_the_same_bytes() -> None:
    fields = (
        UNIQUE, {"kind": "integer", "min": 0, "max": 10**6}, {"kind": "choice", "values": ["a", "b"]},
        {"kind": "faker", "provider": "company"}, {"kind": "template", "template": "{x}{y}{u}"},
    )  # fmt: skip

    files = [content(composer_of(with_fields(*fields)).compose(10_000)) for _ in range(2)]

    assert files[0] == files[1]
