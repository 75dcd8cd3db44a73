"""What of a resource's spec this version does not know.

An upgrade brings the CustomResourceDefinition before the operator, and the API server fills in the defaults of its new
fields at once, also in tests that run. The operator that is still there must not take that for an error.
"""

from functools import cache
from typing import Any, Final

from msgspec import inspect

from loadtest_model.spec import Spec

MOST_LISTED: Final = 8


def split_newer_fields(spec: Any) -> tuple[Any, tuple[str, ...]]:
    """A spec as JSON without the fields that this version does not know, and their paths."""
    newer_paths: list[str] = []
    return _drop_newer_fields(spec, _spec_type(), "spec", newer_paths), tuple(newer_paths)


@cache
def _spec_type() -> inspect.Type:
    return inspect.type_info(Spec)


def _drop_newer_fields(value: Any, kind: inspect.Type, path: str, newer_paths: list[str]) -> Any:
    if isinstance(kind, inspect.Metadata):
        return _drop_newer_fields(value, kind.type, path, newer_paths)
    for option in kind.types if isinstance(kind, inspect.UnionType) else (kind,):
        match option.type if isinstance(option, inspect.Metadata) else option:
            case inspect.StructType(fields=fields) if isinstance(value, dict):
                types = {field.encode_name: field.type for field in fields}
                newer_paths += [f"{path}.{name}" for name in value if name not in types]
                return {
                    name: _drop_newer_fields(each, types[name], f"{path}.{name}", newer_paths)
                    for name, each in value.items()
                    if name in types
                }
            case inspect.DictType(value_type=inner) if isinstance(value, dict):
                return {
                    name: _drop_newer_fields(each, inner, f"{path}.{name}", newer_paths) for name, each in value.items()
                }
            case inspect.ListType(item_type=inner) | inspect.VarTupleType(item_type=inner) if isinstance(value, list):
                return [
                    _drop_newer_fields(each, inner, f"{path}[{index}]", newer_paths) for index, each in enumerate(value)
                ]
    return value
