"""What the generators of committed files have in common: a place in a document, and writing or checking a file."""

import re
import sys
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]


def replace_section(current: str, mark: str, text: str, file: Path) -> str:
    """The document with new text between `<!-- mark -->` and `<!-- end of mark -->`.

    Raises ValueError if the document, which is that of `file`, has no place for it.
    """
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    if begin not in current or end not in current:
        raise ValueError(f"{file.name} must have the lines {begin} and {end}")
    return re.sub(f"(?s){begin}.*{end}", lambda _: f"{begin}\n{text}\n{end}", current)


def write_or_check(file: Path, text: str, source: str) -> int:
    """Write a file made from `source`; with --check only say whether it holds this text. The program's exit status."""
    if "--check" not in sys.argv[1:]:
        file.write_text(text)
        return 0
    if file.exists() and file.read_text() == text:
        return 0
    sys.stderr.write(f"{file.name} differs from {source}; run `make generate` and commit the result\n")
    return 1
