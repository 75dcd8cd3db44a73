"""Writes the list of decisions in docs/adr/README.md; with --check says whether it is up to date."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tools.committed_files import REPOSITORY, filled, written

FILE: Final = REPOSITORY / "docs" / "adr" / "README.md"


def document(held: str, decisions: Iterable[Path]) -> str:
    """The document with its list written anew.

    Raises ValueError where it has no place for it, or where a decision's title has not the number of its file alone.
    """
    lines: dict[int, str] = {}
    for file in sorted(decisions):
        number = int(file.name[:4])
        title = re.match(rf"# {number}\. (.+)", file.read_text())
        if title is None:
            raise ValueError(f"{file.name} must begin with `# {number}. ` and its title")
        if number in lines:
            raise ValueError(f"{file.name}: there is another decision {number}; give it the next free number")
        lines[number] = f"{number}. [{title[1]}]({file.name})"
    return filled(held, "decisions", "\n".join(lines.values()), FILE)


def main() -> int:
    try:
        made = document(FILE.read_text(), FILE.parent.glob("[0-9]*.md"))
    except ValueError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    return written(FILE, made, "the decisions")


if __name__ == "__main__":
    sys.exit(main())
