"""A test as YAML, as one would write it."""

from typing import Any, Final

import msgspec
from msgspec import NODEFAULT, Struct, structs

from loadtest_model.secrecy import without_secrets
from loadtest_model.spec import API_VERSION, KIND, Spec

MOST_CHARACTERS: Final = 65_536
_HANDLING: Final = frozenset({"stop", "suspend"})
"""The fields that say what is to become of a run, not what it is."""


def manifest_text(name: str, spec: Spec) -> str:
    """The manifest of a test, without the values that may be secrets and the fields that have their default.

    A manifest that is too long for a summary ends with a comment that says so.
    """
    import yaml  # noqa: PLC0415 - it takes 40 ms, and only the end of a run needs it

    fields = {key: value for key, value in _written_fields(spec).items() if key not in _HANDLING}
    manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": without_secrets(fields)}
    text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)
    if len(text) <= MOST_CHARACTERS:
        return text
    beginning, _, _ = text[:MOST_CHARACTERS].rpartition("\n")
    return f"{beginning}\n# ... the rest of the {len(text):,} characters is left out\n"


def _written_fields(value: Struct) -> dict[str, Any]:
    """The fields of a value that are not as they are by default, under the names that people write."""
    return {
        field.encode_name: _written(getattr(value, field.name))
        for field in structs.fields(value)
        if getattr(value, field.name) != _default_of(field)
    }


def _written(value: Any) -> Any:
    if isinstance(value, Struct):
        return _written_fields(value)
    if isinstance(value, list | tuple):
        return [_written(item) for item in value]
    return msgspec.to_builtins(value)


def _default_of(field: structs.FieldInfo) -> Any:
    return field.default if field.default_factory is NODEFAULT else field.default_factory()
