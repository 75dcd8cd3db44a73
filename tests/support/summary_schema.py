"""The published schema of a summary, and the same without room for keys that it does not describe."""

import json
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

_FILE: Final = Path(__file__).resolve().parents[2] / "docs" / "summary.schema.json"
SCHEMA: Final[dict[str, Any]] = json.loads(_FILE.read_text())


def _closed(definition: dict[str, Any]) -> dict[str, Any]:
    return definition | {"additionalProperties": False} if "properties" in definition else definition


# Readers of a summary have to live with keys of later versions; what is written now has to be described.
EXACT: Final = Draft202012Validator(
    SCHEMA | {"$defs": {name: _closed(definition) for name, definition in SCHEMA["$defs"].items()}}
)
