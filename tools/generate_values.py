"""Writes the table of the chart's values in docs/install.md; with --check says whether it is up to date.

What a value is for is its comment in values.yaml; what it may be is told by values.schema.json.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from tools.committed_files import REPOSITORY, replace_section, write_or_check

FILE: Final = REPOSITORY / "docs" / "install.md"
CHART: Final = REPOSITORY / "charts" / "loadtest-operator"


@dataclass(frozen=True)
class Row:
    """One line of the table; a group of values has neither a default nor what it takes."""

    name: str
    default: str
    takes: str
    meaning: str


def rows(values: str, schema: dict[str, Any]) -> Iterator[Row]:
    """The values in their order. Raises ValueError for one that neither it nor its group explains."""
    yield from _rows(yaml.compose(values, yaml.SafeLoader), schema, schema, values.splitlines(), "", explained=False)


def _rows(
    mapping: Any, schema: dict[str, Any], root_schema: dict[str, Any], lines: list[str], prefix: str, *, explained: bool
) -> Iterator[Row]:
    for key, value in mapping.value:
        name = f"{prefix}{key.value}"
        if key.value not in schema["properties"]:
            raise ValueError(f"values.schema.json has no {name}")
        kind = _resolve(schema["properties"][key.value], root_schema)
        meaning = _comment(lines, key.start_mark.line)
        if isinstance(value, yaml.MappingNode) and value.value and "$ref" not in schema["properties"][key.value]:
            if meaning:
                yield Row(name, "", "", meaning)
            yield from _rows(value, kind, root_schema, lines, f"{name}.", explained=explained or bool(meaning))
            continue
        if not (meaning or explained):
            raise ValueError(f"{name} has no comment in values.yaml, nor has its group")
        default = json.dumps(yaml.SafeLoader("").construct_document(value), ensure_ascii=False)
        yield Row(name, f"`{default}`", _takes(kind, root_schema), meaning)


def _comment(lines: list[str], line: int) -> str:
    """The comment right above a line."""
    comment_lines: list[str] = []
    while line and (text := lines[line - 1].strip()).startswith("#"):
        comment_lines.insert(0, text.removeprefix("#").strip())
        line -= 1
    return " ".join(comment_lines)


def _resolve(kind: dict[str, Any], root_schema: dict[str, Any]) -> dict[str, Any]:
    reference = kind.get("$ref", "")
    definition: dict[str, Any] = root_schema["$defs"][reference.rpartition("/")[2]] if reference else kind
    return definition


def _takes(kind: dict[str, Any], root_schema: dict[str, Any]) -> str:
    if "enum" in kind:
        return ", ".join(f"`{json.dumps(each)}`" for each in kind["enum"])
    if kind.get("type") == "array":
        return f"list of {_takes(_resolve(kind['items'], root_schema), root_schema)}"
    low = kind.get("minimum", kind.get("exclusiveMinimum"))
    if low is not None:
        above = "above " if "exclusiveMinimum" in kind else ""
        return f"{kind['type']}, {above}{low} to {kind['maximum']}" if "maximum" in kind else f"{kind['type']}, {low}+"
    return str(kind.get("type", ""))


def document(current: str) -> str:
    """The document with its table written anew. Raises ValueError if it has no place for it."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    table_rows = rows((CHART / "values.yaml").read_text(), schema)
    cells = "\n".join(
        "| " + " | ".join((f"`{row.name}`", row.default, row.takes, row.meaning.replace("|", "\\|"))) + " |"
        for row in table_rows
    )
    table = f"| value | default | takes | what it is for |\n|---|---|---|---|\n{cells}"
    return replace_section(current, "values", table, FILE)


def main() -> int:
    return write_or_check(FILE, document(FILE.read_text()), "the chart's values")


if __name__ == "__main__":
    sys.exit(main())
