"""Columns in a text of their own."""

import pytest

from loadtest_model.plan import PlanError
from loadtest_model.spec.records_template import MOST_CHARACTERS, read_template
from support.builders import a_plan, a_spec

TEXT = """
# a comment
records:
  fields:
    only: []
    add:
      - {name: sku, kind: pattern, pattern: "??-#####", unique: true}
      - {name: added, kind: date, earliest: 2024-01-01, latest: 2024-12-31}
  dialect: {delimiter: ";"}
"""


def test_a_spec_takes_over_columns_and_dialect_and_keeps_what_is_its_own() -> None:
    spec = a_spec(records={"seed": 7, "template": {"name": "products"}})

    completed = read_template(TEXT).complete(spec)

    assert completed.records.template is None
    assert completed.records.seed == 7
    assert [field.name for field in completed.records.fields.add] == ["sku", "added"]
    assert completed.records.dialect.delimiter == ";"


def test_what_the_spec_says_itself_takes_the_place_of_that_part() -> None:
    spec = a_spec(records={"template": {"name": "products"}, "fields": {"only": ["email"]}})

    completed = read_template(TEXT).complete(spec)

    assert completed.records.fields.only == ["email"]
    assert completed.records.dialect.delimiter == ";"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("records: [", "is not YAML"),
        ("a: &a [secret]\nrecords: {fields: {only: *a}}", "has an alias"),
        ("", "must hold `records:` alone"),
        ("records: {}", "must hold `records:` alone"),
        ("password: secret", "must hold `records:` alone"),
        ("records: {seed: 1}", "nothing in `records:` but fields and dialect"),
        ("records: {fields: {only: email}}", r"cannot be read: .*\$\.fields\.only"),
        ("records: {fields: {oly: []}}", "unknown field `oly`"),
        ("records: " + "[" * 40_000, "is not YAML"),
        ("#" * (MOST_CHARACTERS + 1), "has 65,537 characters; at most 65,536"),
    ],
)
def test_a_text_that_is_no_template_is_refused_without_quoting_it(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refusal:
        read_template(text)

    assert "secret" not in str(refusal.value)


def test_a_plan_is_not_made_with_a_template_that_nobody_has_read() -> None:
    with pytest.raises(PlanError, match=r"spec\.records\.template names a ConfigMap, which only a cluster reads"):
        a_plan(records={"template": {"name": "products"}})
