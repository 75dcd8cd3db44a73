"""Writes docs/reference.md from the schema of the CRD; with --check says whether it is up to date."""

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

from loadtest_model.admission.crd import custom_resource_definition
from loadtest_model.spec import API_VERSION, KIND
from tools.committed_files import REPOSITORY, write_or_check

FILE: Final = REPOSITORY / "docs" / "reference.md"

Json = dict[str, Any]

_HEAD: Final = f"""\
# Reference

Every field of a `{KIND}` (`{API_VERSION}`), made from the schema that the API server checks it by; `kubectl explain \
loadtest.spec` tells the same in a terminal. **Required** fields are in bold. What a field means for a run stands in \
[semantics](semantics.md).
"""
_BOUNDS: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " entries"),
    ("minProperties", "maxProperties", " entries"),
)
_LARGEST_DEFAULT: Final = 60
_ELSEWHERE: Final[frozenset[str]] = frozenset()
"""What another page tells."""


def document(definition: Json) -> str:
    """The reference as Markdown, of a CustomResourceDefinition as JSON."""
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    parts = schema["properties"]
    lines = [_HEAD, "## spec\n", *_tables("spec", parts["spec"], 2)]
    lines += ["## What is refused at apply\n", "Each with this message:\n", *_messages(schema), ""]
    lines += [
        "## status\n",
        "Written by the operator alone. The [summary file](results.md) has more figures, for each step.\n",
        *_tables("status", parts["status"], 2),
    ]
    lines += ["## Columns of `kubectl get`\n", "| column | shows | where |", "|---|---|---|"]
    for column in definition["spec"]["versions"][0]["additionalPrinterColumns"]:
        wide = " (with `-o wide`)" if column.get("priority") else ""
        lines.append(f"| {column['name']} | {column['description']}{wide} | `{column['jsonPath']}` |")
    return "\n".join(lines) + "\n"


def _tables(path: str, node: Json, level: int) -> Iterator[str]:
    """A table for an object, and below it one for each object that it holds."""
    if path.count("."):
        yield f"{'#' * min(level, 6)} {path}\n"
    required = node.get("required", [])
    yield "| field | type | default | meaning |"
    yield "|---|---|---|---|"
    for name, value in node["properties"].items():
        name_cell = f"**`{name}`**" if name in required else f"`{name}`"
        yield f"| {name_cell} | {_kind(value)} | {_default(value)} | {_cell(_meaning(value))} |"
    yield ""
    for name, value in node["properties"].items():
        element, suffix = _element(value)
        if "properties" in element and f"{path}.{name}" not in _ELSEWHERE:
            yield from _tables(f"{path}.{name}{suffix}", element, level + 1)


def _element(node: Json) -> tuple[Json, str]:
    """What a list or a map is of, with the sign for it; anything else is itself."""
    if "items" in node:
        return node["items"], "[]"
    if isinstance(node.get("additionalProperties"), dict):
        return node["additionalProperties"], "{}"
    return node, ""


def _kind(node: Json) -> str:
    element, suffix = _element(node)
    if element is not node:
        return f"{'list' if suffix == '[]' else 'map'} of {_kind(element)}"
    if "enum" in node:
        return " or ".join(f"`{value}`" for value in node["enum"])
    return "number or text" if node.get("x-kubernetes-int-or-string") else str(node.get("type", "any"))


def _default(node: Json) -> str:
    if "default" not in node or node["default"] == {}:
        return ""
    text = json.dumps(node["default"], ensure_ascii=False)
    return f"`{_cell(text)}`" if len(text) <= _LARGEST_DEFAULT else "see above"


def _meaning(node: Json) -> str:
    """The description, and the bounds that it does not repeat."""
    element, _ = _element(node)
    sentences = [node.get("description", element.get("description", ""))]
    bounds = [bound for least, most, unit in _BOUNDS if (bound := _bound(node.get(least), node.get(most), unit))]
    return " ".join([*filter(None, sentences), *([f"({', '.join(bounds)})"] if bounds else [])])


def _bound(least: float | None, most: float | None, unit: str) -> str:
    if least is None:
        return "" if most is None else f"at most {most:,}{unit}"
    if most is None:
        return f"at least {least:,}{unit}" if least else ""
    return f"{least:,}{unit}" if least == most else f"{least:,} to {most:,}{unit}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("\n", " ")


def _messages(node: Json) -> list[str]:
    """What the rules say that go beyond types and bounds; the many of one form are told once."""
    messages: list[str] = []

    def collect(part: Json) -> None:
        messages.extend(rule["message"] for rule in part.get("x-kubernetes-validations", ()))
        for value in part.get("properties", {}).values():
            collect(value)
        element, _ = _element(part)
        if element is not part:
            collect(element)

    collect(node)
    fixed = [text for text in messages if " cannot be changed; " in text]
    others = [text for text in dict.fromkeys(messages) if text not in fixed]
    return [f"- {text}" for text in others] + ([f"- {fixed[0]} (and so for each field)"] if fixed else [])


def main() -> int:
    return write_or_check(FILE, document(custom_resource_definition()), "the schema")


if __name__ == "__main__":
    sys.exit(main())
