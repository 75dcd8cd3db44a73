"""Writes the list of decisions in docs/adr/README.md; with --check says whether it is up to date."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tools.committed_files import REPOSITORY, replace_section, write_or_check

FILE: Final = REPOSITORY / "docs" / "adr" / "README.md"


def document(current: str, decisions: Iterable[Path]) -> str:
    """The document with its list written anew.

    Raises ValueError if it has no place for it, or if a decision's title has not the number of its file alone.
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
    return replace_section(current, "decisions", "\n".join(lines.values()), FILE)


def main() -> int:
    try:
        text = document(FILE.read_text(), FILE.parent.glob("[0-9]*.md"))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return write_or_check(FILE, text, "the decisions")


if __name__ == "__main__":
    sys.exit(main())
