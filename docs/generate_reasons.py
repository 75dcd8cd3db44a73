"""Writes the tables of reasons in docs/operator.md; with --check says whether they are up to date."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from loadtest_operator.reasons import GROUPS, Told

FILE: Final = Path(__file__).with_name("operator.md")

_BEGIN, _END = "<!-- reasons -->", "<!-- end of reasons -->"


def document(held: str) -> str:
    """The document with its tables written anew. Raises ValueError where it has no place for them."""
    if _BEGIN not in held or _END not in held:
        raise ValueError(f"{FILE.name} must have the lines {_BEGIN} and {_END}")
    tables = "\n".join(line for title, reasons in GROUPS.items() for line in _table(title, reasons))
    return re.sub(f"(?s){_BEGIN}.*{_END}", lambda _: f"{_BEGIN}\n{tables}\n\n{_END}", held)


def _table(title: str, reasons: Mapping[str, Told]) -> Iterator[str]:
    yield from (f"\n### {title}\n", "| reason | what it means | what to do |", "|---|---|---|")
    yield from (f"| `{reason}` | {told.meaning} | {told.to_do} |" for reason, told in reasons.items())


def main() -> int:
    held = FILE.read_text()
    made = document(held)
    if "--check" in sys.argv[1:]:
        if made == held:
            return 0
        sys.stderr.write(f"{FILE.name} differs from the reasons; run `make generate` and commit the result\n")
        return 1
    FILE.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
