"""Writes docs/summary.schema.json from the model; with --check says whether it is up to date."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from generated import written
from loadtest_model.report import Summary

FILE = Path(__file__).with_name("summary.schema.json")


def summary_schema() -> dict[str, Any]:
    """The schema of a run's summary, in JSON Schema 2020-12."""
    (root,), definitions = msgspec.json.schema_components([Summary], ref_template="#/$defs/{name}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": definitions}


def main() -> int:
    text = json.dumps(summary_schema(), indent=2, ensure_ascii=False) + "\n"
    return written(FILE, text, "the model")


if __name__ == "__main__":
    sys.exit(main())
