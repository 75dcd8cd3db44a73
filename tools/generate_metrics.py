"""Writes the table of metrics in docs/semantics.md; with --check says whether it is up to date."""

import sys
from typing import Final

from loadtest_model.thresholds.metrics import METRICS
from tools.committed_files import REPOSITORY, replace_section, write_or_check

FILE: Final = REPOSITORY / "docs" / "semantics.md"


def document(current: str) -> str:
    """The document with its table written anew. Raises ValueError where it has no place for it."""
    rows = (f"| `{name}` | {metric.unit} | {metric.description} |" for name, metric in METRICS.items())
    table = "\n".join(("\n| metric | unit | meaning |", "|---|---|---|", *rows))
    return replace_section(current, "metrics", f"{table}\n", FILE)


def main() -> int:
    return write_or_check(FILE, document(FILE.read_text()), "the metrics")


if __name__ == "__main__":
    sys.exit(main())
