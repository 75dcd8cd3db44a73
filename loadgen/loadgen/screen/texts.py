"""A report fitted to the width of a terminal."""

import re
import textwrap
from typing import Final

LABEL_WIDTH: Final = 12
WIDEST_LINE: Final = 110

_QUANTITY: Final = re.compile(r"(?<=[0-9]) (?=[A-Za-z])")
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def fitted(text: str, columns: int | None) -> str:
    """A report in which lines that are too wide go on below their own beginning; None leaves them as they are."""
    if columns is None:
        return text
    width = min(columns, WIDEST_LINE)
    return "\n".join(line if len(line) <= width else _folded(line, width) for line in text.split("\n"))


def _folded(line: str, width: int) -> str:
    # An address or a path that is broken can be neither clicked nor copied.
    indent = " " * (LABEL_WIDTH + 2 * line.startswith("- ", LABEL_WIDTH))
    glued = _QUANTITY.sub(_NO_BREAK, line)
    folded = textwrap.fill(glued, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return folded.replace(_NO_BREAK, " ")
