"""A file with the records of a spec, as `loadgen fields` writes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from loadgen.options.errors import UsageError

Json = dict[str, Any]

PARTS: Final = ("fields", "dialect")
"""What such a file says of records. What is the run's own, such as the seed, stands elsewhere."""


def read_fields_file(path: Path) -> Iterator[tuple[str, Json]]:
    """The parts of `spec.records` in a file, by their names. Raises UsageError."""
    from loadgen.options.yaml_documents import documents_in  # noqa: PLC0415 - see there

    try:
        documents = documents_in(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"--fields {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"--fields {path} is not YAML: {error}") from error
    document = documents[0] if len(documents) == 1 else None
    records = document.get("records") if isinstance(document, dict) and set(document) == {"records"} else None
    if not isinstance(records, dict) or not records:
        raise UsageError(f"--fields {path} must hold `records:` alone, as `loadgen fields` writes it")
    for name, part in records.items():
        if name not in PARTS or not isinstance(part, dict):
            raise UsageError(f"--fields {path} has records.{name}; it may have {' and '.join(PARTS)}")
        yield name, part
