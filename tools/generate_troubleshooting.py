"""Writes the tables of docs/troubleshooting.md from the causes; with --check says whether they are up to date."""

import sys
from collections.abc import Iterator, Mapping
from typing import Final

from loadtest_model.explanations import EXPLANATION_GROUPS
from loadtest_model.explanations.explanation import Explanation
from loadtest_model.measurement.causes import Cause
from tools.committed_files import REPOSITORY, replace_section, write_or_check

FILE: Final = REPOSITORY / "docs" / "troubleshooting.md"


def document(current: str) -> str:
    """The document with its tables written anew. Raises ValueError where it has no place for them."""
    tables = "\n".join(line for title, group in EXPLANATION_GROUPS.items() for line in _table(title, group))
    return replace_section(current, "causes", f"{tables}\n", FILE)


def _table(title: str, group: Mapping[Cause, Explanation]) -> Iterator[str]:
    yield from (f"\n### {title}\n", "| cause | what it means | what to do |", "|---|---|---|")
    for cause, explanation in group.items():
        yield f"| **{explanation.title}** `{cause}` | {explanation.meaning} | {explanation.next_step} |"


def main() -> int:
    return write_or_check(FILE, document(FILE.read_text()), "the causes")


if __name__ == "__main__":
    sys.exit(main())
