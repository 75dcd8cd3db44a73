"""Writes the list of decisions in docs/adr/README.md; with --check says whether it is up to date."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("adr") / "README.md"

_BEGIN, _END = "<!-- decisions -->", "<!-- end of decisions -->"


def document(held: str, decisions: Iterable[Path]) -> str:
    """The document with its list written anew.

    Raises ValueError where it has no place for it, or where a decision's title has not the number of its file alone.
    """
    if _BEGIN not in held or _END not in held:
        raise ValueError(f"{FILE.name} must have the lines {_BEGIN} and {_END}")
    lines: dict[int, str] = {}
    for file in sorted(decisions):
        number = int(file.name[:4])
        title = re.match(rf"# {number}\. (.+)", file.read_text())
        if title is None:
            raise ValueError(f"{file.name} must begin with `# {number}. ` and its title")
        if number in lines:
            raise ValueError(f"{file.name}: there is another decision {number}; give it the next free number")
        lines[number] = f"{number}. [{title[1]}]({file.name})"
    made = "\n".join(lines.values())
    return re.sub(f"(?s){_BEGIN}.*{_END}", lambda _: f"{_BEGIN}\n{made}\n{_END}", held)


def main() -> int:
    held = FILE.read_text()
    try:
        made = document(held, FILE.parent.glob("[0-9]*.md"))
    except ValueError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    if "--check" in sys.argv[1:]:
        if made == held:
            return 0
        sys.stderr.write(f"{FILE.name} differs from the decisions; run `make generate` and commit the result\n")
        return 1
    FILE.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
