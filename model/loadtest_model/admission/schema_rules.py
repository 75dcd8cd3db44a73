"""What the API server would refuse of a spec by the rules of its schema, found without one."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from loadtest_model.admission.cel import holds, re2
from loadtest_model.admission.crd import custom_resource_definition

Json = dict[str, Any]


def refusals(spec: Json) -> tuple[str, ...]:
    """The messages of all rules that a spec breaks; empty where the API server would take it.

    Types and bounds are for the decoder to tell; here are the CEL rules and the patterns, on the spec with its
    defaults filled in.
    """
    schema = spec_schema()
    return tuple(dict.fromkeys(_broken(schema, with_defaults(schema, spec), "spec")))


def with_defaults(schema: Json, value: Any) -> Any:
    """A value with the schema's defaults where nothing is said; null counts as nothing, as for the API server."""
    if isinstance(value, dict) and "properties" in schema:
        properties: Json = schema["properties"]
        made = {name: item for name, item in value.items() if item is not None or name not in properties}
        for name, below in properties.items():
            if name not in made and "default" in below:
                made[name] = below["default"]
            if name in made:
                made[name] = with_defaults(below, made[name])
        return made
    if isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        return {name: with_defaults(schema["additionalProperties"], item) for name, item in value.items()}
    if isinstance(value, list) and "items" in schema:
        return [with_defaults(schema["items"], item) for item in value]
    return value


@cache
def spec_schema() -> Json:
    """The schema of a spec as the CRD has it."""
    (version,) = custom_resource_definition()["spec"]["versions"]
    schema: Json = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def _named(value: Any) -> str:
    """The value that breaks a rule, where it is a single one; a password in a URL is left out."""
    if isinstance(value, str):
        return f"; it is {re.sub('//[^/@]*@', '//***@', value)!r}"
    return f"; it is {value}" if isinstance(value, int | float) else ""


def _broken(schema: Json, value: Any, path: str) -> Iterator[str]:
    pattern = schema.get("pattern")
    if pattern is not None and isinstance(value, str) and re2(pattern).search(value) is None:
        yield f"{path} is {value!r}; it must match {pattern!r}"
    for rule in schema.get("x-kubernetes-validations", ()):
        if not holds(rule["rule"], value):
            yield rule["message"] + _named(value)
    if isinstance(value, dict):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in value.items():
            below = properties.get(name, others if isinstance(others, dict) else None)
            if below is not None:
                yield from _broken(below, item, f"{path}.{name}")
    elif isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from _broken(schema["items"], item, f"{path}[{number}]")
