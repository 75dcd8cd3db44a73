"""Columns of kind pattern and boolean."""

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.plan import PlanError
from loadtest_model.records.patterns import Fill, pattern_parts, unique_digits
from support.record_plans import composer_of, content, read_rows, records_plan, rows_of, with_fields


def column(*sizes: int, **field: Any) -> list[str]:
    return [row["x"] for row in rows_of(with_fields(field), *sizes)]


def escape(text: str) -> str:
    return re.sub(r"([#?\\])", r"\\\1", text)


def test_a_pattern_has_digits_and_capital_letters_in_their_places() -> None:
    values = column(5_000, kind="pattern", pattern="(###) ?#?-####")

    assert all(re.fullmatch(r"\(\d{3}\) [A-Z]\d[A-Z]-\d{4}", value) for value in values)
    assert {value[1] for value in values} == set("0123456789")
    assert {value[6] for value in values} == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def test_a_backslash_makes_the_character_after_it_stand_for_itself() -> None:
    assert set(column(100, kind="pattern", pattern=r"\#\?\\a\b")) == {"#?\\ab"}


def test_long_runs_of_digits_and_letters_are_drawn_whole() -> None:
    values = column(2_000, kind="pattern", pattern="#" * 40 + "?" * 40)

    assert all(re.fullmatch(r"\d{40}[A-Z]{40}", value) for value in values)
    assert len(set(values)) == 2_000


@pytest.mark.parametrize("pattern", ["##-?#", "(###) ###-####", "########-####-4###-8###-############", "A" + "#" * 25])
def test_a_unique_pattern_comes_once_until_its_digits_are_used_up(pattern: str) -> None:
    count = min(20_000, 10 ** unique_digits(pattern))

    values = column(count, kind="pattern", pattern=pattern, unique=True)

    assert len({re.sub("[A-Z]", "", value) for value in values}) == count


def test_the_pods_of_a_fleet_share_no_value_of_a_unique_pattern() -> None:
    plan = with_fields({"kind": "pattern", "pattern": "##-?##", "unique": True})
    pods = [composer_of(plan, pod_index=index, pod_count=4) for index in range(4)]

    rows = [row for pod in pods for row in read_rows(plan, content(pod.compose(2_500)))]

    assert len({re.sub("[A-Z]", "", row["x"]) for row in rows}) == 10_000


def test_a_template_and_empty_fields_go_with_a_unique_pattern() -> None:
    plan = with_fields(
        {"kind": "pattern", "pattern": "SKU-##-####", "unique": True, "nullShare": 0.5},
        {"kind": "template", "template": "<{x:lower}>"},
    )

    rows = list(rows_of(plan, 4_000))

    assert all(row["y"] == f"<{row['x'].lower()}>" for row in rows)
    assert 1_800 < sum(row["x"] == "" for row in rows) < 2_200


def test_a_boolean_is_true_or_false_by_its_weights_in_the_words_of_the_file() -> None:
    assert set(column(100, kind="boolean")) == {"true", "false"}
    counted = Counter(column(5_000, kind="boolean", values=["Y", "N"], weights=[1, 9]))
    assert counted["Y"] + counted["N"] == 5_000
    assert 400 < counted["Y"] < 600


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"kind": "pattern", "pattern": "##\\"}, r"add\[0\]\.pattern is '##\\\\', which ends with a single backslash"),
        ({"kind": "pattern", "pattern": "#-?", "unique": True}, "which has 1 of the character #"),
        ({"kind": "boolean", "values": ["x", "x"]}, "are both 'x'; true and false must differ"),
        ({"kind": "boolean", "weights": [1]}, "weights has 1 numbers, but there are 2 values"),
        ({"kind": "date", "earliest": "2024-01-01", "latest": "2024-01-02", "format": "%H"}, "a date has %Y %y %m %d"),
        ({"kind": "pattern", "pattern": "##-" * 19, "unique": True}, "fields that differ in every row"),
    ],
)
def test_what_cannot_be_made_is_refused_by_name(field: dict[str, Any], message: str) -> None:
    fields = [{"name": f"n{index}", "kind": "unique", "width": 4} for index in range(10)]

    with pytest.raises(PlanError, match=message):
        records_plan(fields={"add": [{"name": "x", **field}, *fields]})


def test_a_date_may_have_a_format_of_its_own() -> None:
    plan = records_plan(
        fields={
            "only": [],
            "add": [
                {"name": "day", "kind": "date", "earliest": "2024-02-28", "latest": "2024-02-28", "format": "%d.%m.%y"},
                {
                    "name": "at",
                    "kind": "datetime",
                    "earliest": "2024-02-28",
                    "latest": "2024-02-28",
                    "format": "%Y%m%d %H:%M",
                },
                {"name": "other", "kind": "date", "earliest": "2024-02-28", "latest": "2024-02-28"},
            ],
        },
        dialect={"dateFormat": "%m/%d/%Y"},
    )

    assert list(rows_of(plan, 1)) == [{"day": "28.02.24", "at": "20240228 00:00", "other": "02/28/2024"}]


def test_the_file_has_the_client_columns_that_are_named_and_what_is_added() -> None:
    added = {"name": "x", "kind": "constant", "value": "1"}

    assert list(next(iter(rows_of(records_plan(fields={"only": ["email", "client_id"], "add": [added]}), 1)))) == [
        "client_id",
        "email",
        "x",
    ]
    assert next(iter(rows_of(records_plan(fields={"only": [], "add": [added]}), 1))) == {"x": "1"}
    with pytest.raises(PlanError, match=r"fields\.only leaves no column"):
        records_plan(fields={"only": []})
    with pytest.raises(PlanError, match=r"fields\.only names 'emial', which is no client column; did you mean email"):
        records_plan(fields={"only": ["emial"]})


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60))
def test_an_escaped_text_is_the_pattern_of_itself(text: str) -> None:
    (part,) = pattern_parts(escape(text))

    assert (part.fill, part.text) == (Fill.TEXT, text)


@given(st.text("#?a-", min_size=1, max_size=60).filter(lambda pattern: pattern.count("#") >= 2))
def test_the_number_of_a_unique_pattern_stands_in_its_last_digits(pattern: str) -> None:
    parts = pattern_parts(pattern, unique=True)

    shape = "".join({"#": "#", "number": "n", "?": "?"}.get(part.fill, "") * part.width + part.text for part in parts)
    assert shape.replace("n", "#") == pattern
    assert shape.count("n") == min(18, pattern.count("#"))
    assert "n" not in shape[: shape.rfind("#")] if "#" in shape else True
    numbers = [part for part in parts if part.fill is Fill.NUMBER]
    assert [part.digits_after for part in numbers] == [
        sum(later.width for later in numbers[index + 1 :]) for index in range(len(numbers))
    ]
