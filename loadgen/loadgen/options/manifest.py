"""A LoadTest manifest read from a file."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadgen.options.errors import UsageError
from loadtest_model.admission.crd import spec_schema
from loadtest_model.spec import API_VERSION, KIND

Json = dict[str, Any]

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A LoadTest as it was written: its metadata, and its spec as plain YAML values, none of them null."""

    metadata: Json
    spec: Json

    @property
    def name(self) -> str:
        name: str = self.metadata["name"]
        return name

    @property
    def namespace(self) -> str:
        """The namespace that was written; `local` where none was."""
        namespace = self.metadata.get("namespace")
        return namespace if isinstance(namespace, str) else "local"


def read_manifest(path: Path) -> Manifest:
    """The one LoadTest in a YAML file; other objects beside it are passed over. Raises UsageError."""
    from loadtest_model.spec.yaml_documents import documents_in  # noqa: PLC0415 - see there

    try:
        documents = documents_in(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"-f {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"-f {path} is not YAML: {error}") from error
    load_tests = [item for item in documents if isinstance(item, dict) and item.get("kind") == KIND]
    if len(load_tests) != 1:
        raise UsageError(f"-f {path} holds {len(load_tests) or 'no'} objects of kind {KIND}; it must hold one")
    return _manifest(path, load_tests[0])


def _manifest(path: Path, document: dict[str, Any]) -> Manifest:
    version = document.get("apiVersion")
    if version != API_VERSION:
        raise UsageError(f"-f {path}: apiVersion is {version!r}; this loadgen reads {API_VERSION}")
    metadata, spec = document.get("metadata"), document.get("spec")
    metadata = metadata if isinstance(metadata, dict) else {}
    name = metadata.get("name")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise UsageError(f"-f {path}: metadata.name is {name!r}; write lower-case letters, digits and -, such as heavy")
    if not isinstance(spec, dict):
        raise UsageError(f"-f {path}: spec is missing")
    return Manifest(metadata, _without_nulls(spec, spec_schema()))


def _without_nulls(value: Any, schema: Json) -> Any:
    """A value without its null fields, which the API server drops as well. Unknown fields stay, to be refused later."""
    if isinstance(value, list):
        return [_without_nulls(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    others = schema.get("additionalProperties")
    schemas = {name: schema.get("properties", {}).get(name, others) for name in value}
    return {
        name: _without_nulls(item, schemas[name] or {})
        for name, item in value.items()
        if item is not None or schemas[name] is None
    }
