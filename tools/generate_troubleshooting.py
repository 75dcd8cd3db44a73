"""Writes the tables of docs/troubleshooting.md from reasons and causes; with --check says if they are up to date."""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from loadtest_model.explanations import EXPLANATION_GROUPS
from loadtest_model.explanations.explanation import Explanation
from loadtest_model.measurement.causes import Cause
from loadtest_model.reasons import Reason
from tools.committed_files import REPOSITORY, replace_section, write_or_check

_OWN_SECTIONS: Final = {Reason.ThresholdBreached: "A threshold on time was breached"}
"""The sections of this page, for reasons that need more than a row of their group's table."""

FILE: Final = REPOSITORY / "docs" / "troubleshooting.md"


def document(current: str) -> str:
    """The document with its tables written anew. Raises ValueError if it has no place for them."""
    tables = "\n".join(line for title, group in EXPLANATION_GROUPS.items() for line in _table(title, group))
    indexed = replace_section(current, "index", "\n".join((*_index_of_causes(), *_index_of_reasons(), "")), FILE)
    return replace_section(indexed, "causes", f"{tables}\n", FILE)


def anchor(heading: str) -> str:
    """The anchor of a heading, as the repository's host makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _index_of_causes() -> Iterator[str]:
    yield from ("\n### Causes and diagnoses\n", "| it says | name | explained in |", "|---|---|---|")
    rows = [
        (explanation.title, cause, title)
        for title, group in EXPLANATION_GROUPS.items()
        for cause, explanation in group.items()
    ]
    for text, cause, title in sorted(rows, key=lambda row: row[0].lower()):
        yield f"| {text} | `{cause}` | [{title}](#{anchor(title)}) |"


def _index_of_reasons() -> Iterator[str]:
    yield from ("\n### Reasons\n", "| reason | in short | explained in |", "|---|---|---|")
    for reason in sorted(Reason, key=str.lower):
        section = _OWN_SECTIONS.get(reason)
        link = (
            f"[{section}](#{anchor(section)})" if section else f"[{reason.group}](operator.md#{anchor(reason.group)})"
        )
        yield f"| `{reason}` | {reason.meaning} | {link} |"


def _table(title: str, group: Mapping[Cause, Explanation]) -> Iterator[str]:
    yield from (f"\n### {title}\n", "| cause | what it means | what to do |", "|---|---|---|")
    for cause, explanation in group.items():
        yield f"| **{explanation.title}** `{cause}` | {explanation.meaning} | {explanation.next_step} |"


def main() -> int:
    return write_or_check(FILE, document(FILE.read_text()), "the reasons and causes")


if __name__ == "__main__":
    sys.exit(main())
