"""The status of a LoadTest as it stands in the resource, field by field: what cannot be read is left out."""

from typing import Any, Final

import msgspec

from loadtest_model.report.references import resolve_all
from loadtest_model.report.status import Status

Json = dict[str, Any]

_NULLABLE: Final = {"progress": ("p95Seconds", "errorRate"), "thresholds": ("value", "passed")}
"""What the API server drops where it is null."""


def shown_status(written: Json) -> Status:
    """The status in a resource. A field that another writer spoiled is as good as none."""
    known: Json = {}
    resolved = resolve_all(written)
    for field in msgspec.structs.fields(Status):
        if field.encode_name not in resolved:
            continue
        value = _with_nulls(resolved[field.encode_name], _NULLABLE.get(field.encode_name, ()))
        try:
            known[field.name] = msgspec.convert(value, field.type)
        except msgspec.ValidationError:
            continue
    return Status(**known)


def _with_nulls(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_with_nulls(each, names) for each in value]
    return {**dict.fromkeys(names), **value} if isinstance(value, dict) else value
