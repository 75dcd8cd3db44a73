"""A file with the columns of records, as `loadgen fields` writes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadgen.options.errors import UsageError
from loadtest_model.spec.records_template import template_parts

Json = dict[str, Any]


def read_fields_file(path: Path) -> Mapping[str, Json]:
    """The parts of `spec.records` in a file, by their names. Raises UsageError."""
    try:
        return template_parts(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"--fields {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"--fields {path} {error}") from error
