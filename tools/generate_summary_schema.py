"""Writes docs/summary.schema.json from the model; with --check says whether it is up to date."""

import json
import sys
from typing import Any, Final

import msgspec

from loadtest_model.report.summary import Summary
from tools.committed_files import REPOSITORY, write_or_check

FILE: Final = REPOSITORY / "docs" / "summary.schema.json"


def summary_schema() -> dict[str, Any]:
    """The schema of a run's summary, in JSON Schema 2020-12."""
    (root,), definitions = msgspec.json.schema_components([Summary], ref_template="#/$defs/{name}")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": definitions}


def main() -> int:
    text = json.dumps(summary_schema(), indent=2, ensure_ascii=False) + "\n"
    return write_or_check(FILE, text, "the model")


if __name__ == "__main__":
    sys.exit(main())
