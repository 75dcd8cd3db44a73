"""Writes the tables of reasons in docs/operator.md; with --check says whether they are up to date."""

import sys
from collections.abc import Iterator, Mapping
from typing import Final

from loadtest_operator.decide.reasons import GROUPS, Told
from tools.committed_files import REPOSITORY, filled, written

FILE: Final = REPOSITORY / "docs" / "operator.md"


def document(held: str) -> str:
    """The document with its tables written anew. Raises ValueError where it has no place for them."""
    tables = "\n".join(line for title, reasons in GROUPS.items() for line in _table(title, reasons))
    return filled(held, "reasons", f"{tables}\n", FILE)


def _table(title: str, reasons: Mapping[str, Told]) -> Iterator[str]:
    yield from (f"\n### {title}\n", "| reason | what it means | what to do |", "|---|---|---|")
    yield from (f"| `{reason}` | {told.meaning} | {told.to_do} |" for reason, told in reasons.items())


def main() -> int:
    return written(FILE, document(FILE.read_text()), "the reasons")


if __name__ == "__main__":
    sys.exit(main())
