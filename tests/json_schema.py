"""Holds JSON against a JSON Schema, for the keywords that our own schemas are written in."""

from collections.abc import Callable, Iterator
from typing import Any, Final

Json = dict[str, Any]

_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "null": lambda value: value is None,
}
_KNOWN: Final = frozenset(
    {
        *("$ref", "$defs", "$schema", "title", "description", "default", "type", "enum", "anyOf", "properties"),
        *("required", "additionalProperties", "items", "minimum", "maxLength", "maxItems", "minItems", "prefixItems"),
    }
)


def problems(schema: Json, value: Any) -> list[str]:
    """What keeps a value from fitting a schema; empty where it fits. Raises ValueError for a keyword unknown here."""
    return list(_problems(schema, value, "$", schema.get("$defs", {})))


def _problems(schema: Json, value: Any, path: str, definitions: Json) -> Iterator[str]:
    if unknown := schema.keys() - _KNOWN:
        raise ValueError(f"keywords not known here: {sorted(unknown)}")
    if "$ref" in schema:
        yield from _problems(definitions[schema["$ref"].rpartition("/")[2]], value, path, definitions)
    if "type" in schema and not _TYPES[schema["type"]](value):
        yield f"{path} is {value!r}, not of type {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path} is {value!r}, not one of {schema['enum']}"
    if "anyOf" in schema and all(list(_problems(each, value, path, definitions)) for each in schema["anyOf"]):
        yield f"{path} is {value!r}, which fits no alternative"
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        yield f"{path} is {value!r}, below {schema['minimum']}"
    if isinstance(value, str | list) and len(value) > schema.get("maxLength", schema.get("maxItems", len(value))):
        yield f"{path} is too long"
    if isinstance(value, dict):
        yield from _members(schema, value, path, definitions)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _problems(schema.get("items") or {}, item, f"{path}[{number}]", definitions)


def _members(schema: Json, value: Json, path: str, definitions: Json) -> Iterator[str]:
    properties = schema.get("properties", {})
    yield from (f"{path} has no {name}" for name in schema.get("required", ()) if name not in value)
    others = schema.get("additionalProperties")
    for name, item in value.items():
        below = properties.get(name, others if isinstance(others, dict) else None)
        if below is None and properties:
            yield f"{path} has {name}, which is not described"
        elif below is not None:
            yield from _problems(below, item, f"{path}.{name}", definitions)
