"""Writes the table of misbehaving views in docs/django-guard.md; with --check says whether it is up to date.

The outcomes are those that the guard's own tests hold the guard to.
"""

import runpy
import sys
from collections.abc import Iterator
from typing import Any, Final

from tools.committed_files import REPOSITORY, replace_section, write_or_check

FILE: Final = REPOSITORY / "docs" / "django-guard.md"
OUTCOMES: Final = REPOSITORY / "integrations" / "django" / "tests" / "view_outcomes.py"


def document(current: str) -> str:
    """The document with its table written anew. Raises ValueError if it has no place for it."""
    return replace_section(current, "views", "\n".join(["", *_table(), ""]), FILE)


def _table() -> Iterator[str]:
    outcomes: dict[str, Any] = runpy.run_path(str(OUTCOMES))["OUTCOMES"]
    yield from ("| the view | mode `rollback` | mode `readonly` |", "|---|---|---|")
    for outcome in outcomes.values():
        yield f"| {outcome.does} | {outcome.rollback} | {outcome.readonly} |"


def main() -> int:
    return write_or_check(FILE, document(FILE.read_text()), "the table of views")


if __name__ == "__main__":
    sys.exit(main())
