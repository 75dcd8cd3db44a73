"""Writes docs/summary.schema.json from the model; with --check says whether it is up to date."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from loadtest_model.report import Summary

FILE = Path(__file__).with_name("summary.schema.json")


def summary_schema() -> dict[str, Any]:
    """The schema of a run's summary, in JSON Schema 2020-12."""
    (root,), definitions = msgspec.json.schema_components([Summary], ref_template="#/$defs/{name}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": definitions}


def main() -> int:
    text = json.dumps(summary_schema(), indent=2, ensure_ascii=False) + "\n"
    if "--check" in sys.argv[1:]:
        if FILE.exists() and FILE.read_text() == text:
            return 0
        sys.stderr.write(f"{FILE.name} differs from the model; run `make generate` and commit the result\n")
        return 1
    FILE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
