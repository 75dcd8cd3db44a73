"""The table of names in docs/your-own-service.md, held against the spec."""

import re
from typing import Any, Final

import pytest

from loadtest_model.admission.crd import spec_schema
from localcluster.installation import REPOSITORY

GUIDE: Final = (REPOSITORY / "docs" / "your-own-service.md").read_text()
TABLE: Final = GUIDE.partition("### The names of your service\n")[2].partition("\n### ")[0]
ROWS: Final = re.findall(r"^\| [^|]+ \| \[?`([a-zA-Z.]+)`[^|]*\| ([^|]+) \|$", TABLE, re.MULTILINE)


def schema_at(path: str) -> dict[str, Any]:
    node = spec_schema()
    for name in path.split("."):
        node = node["properties"][name]
    return node


def test_the_table_says_each_name_that_a_service_may_have_of_its_own() -> None:
    assert {"target.fileField", "target.response.count", "target.host", "records.fields"} <= {path for path, _ in ROWS}
    assert len(ROWS) == TABLE.count("\n| ") - 1


@pytest.mark.parametrize(("path", "default"), ROWS)
def test_a_field_of_the_table_exists_and_has_the_default_that_is_told(path: str, default: str) -> None:
    schema = schema_at(path)

    if default.startswith("`"):
        assert schema["default"] == default.strip("`")
