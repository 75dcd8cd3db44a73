"""Writes the tables of reasons in docs/operator.md; with --check says whether they are up to date."""

import sys
from collections.abc import Iterator
from typing import Final

from loadtest_model.reason_groups import ReasonClass, ReasonGroup
from loadtest_model.reasons import Reason
from tools.committed_files import REPOSITORY, replace_section, write_or_check

FILE: Final = REPOSITORY / "docs" / "operator.md"


def document(current: str) -> str:
    """The document with its tables written anew. Raises ValueError if it has no place for them."""
    tables = "\n".join(line for group in ReasonGroup for line in _table(group))
    return replace_section(current, "reasons", f"{tables}\n", FILE)


def _table(group: ReasonGroup) -> Iterator[str]:
    reasons = [reason for reason in Reason if reason.group is group]
    if all(reason.reason_class is ReasonClass.LOAD for reason in reasons):
        yield from (f"\n### {group}\n", "| reason | what it means | what to do |", "|---|---|---|")
        yield from (f"| `{reason}` | {reason.meaning} | {reason.advice} |" for reason in reasons)
        return
    yield from (f"\n### {group}\n", "| reason | class | what it means | what to do |", "|---|---|---|---|")
    for reason in reasons:
        class_name = "" if reason.reason_class is ReasonClass.LOAD else reason.reason_class
        yield f"| `{reason}` | {class_name} | {reason.meaning} | {reason.advice} |"


def main() -> int:
    return write_or_check(FILE, document(FILE.read_text()), "the reasons")


if __name__ == "__main__":
    sys.exit(main())
