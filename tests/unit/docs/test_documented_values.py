"""The table of the chart's values."""

from typing import Any

import pytest

from tools import generate_values

SCHEMA: dict[str, Any] = {
    "$defs": {"seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": 60}},
    "properties": {
        "deadlines": {"type": "object", "properties": {"linger": {"$ref": "#/$defs/seconds"}}},
        "level": {"enum": ["INFO", "DEBUG"]},
        "names": {"type": "array", "items": {"type": "string"}},
    },
}


def table(values: str) -> list[tuple[str, str, str, str]]:
    return [(row.name, row.default, row.takes, row.meaning) for row in generate_values.rows(values, SCHEMA)]


def test_a_value_is_told_with_its_default_and_what_it_takes() -> None:
    values = "# How much is said,\n# and how.\nlevel: INFO\n# Whose.\nnames: []\n"

    assert table(values) == [
        ("level", '`"INFO"`', '`"INFO"`, `"DEBUG"`', "How much is said, and how."),
        ("names", "`[]`", "list of string", "Whose."),
    ]


def test_a_group_may_explain_its_values() -> None:
    assert table("# In seconds.\ndeadlines:\n  linger: 4\n") == [
        ("deadlines", "", "", "In seconds."),
        ("deadlines.linger", "`4`", "number, above 0 to 60", ""),
    ]


@pytest.mark.parametrize("values", ["level: INFO\n", "deadlines:\n  linger: 4\n", "# Nowhere.\nother: 1\n"])
def test_a_value_that_nothing_explains_or_allows_is_an_error(values: str) -> None:
    with pytest.raises(ValueError, match=r"has no"):
        table(values)
