"""Quantities as people read them."""

import re
import textwrap
from typing import Final

LABEL_WIDTH: Final = 12
WIDEST_LINE: Final = 110

_QUANTITY: Final = re.compile(r"(?<=[0-9]) (?=[A-Za-z])")
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
_UNITS: Final = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def span_text(seconds: float) -> str:
    """A length of time: `45s`, `2m05s`, `1h00m`."""
    whole = round(seconds)
    if abs(seconds - whole) > 0.05 and seconds < 60:
        return f"{seconds:.1f}s"
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s" if whole % 60 else f"{whole // 60}m"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def bytes_text(count: float) -> str:
    """A number of bytes in decimal units: `1.2 MB`."""
    for unit, size in _UNITS:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"


def counted(number: int, what: str) -> str:
    """`1 row`, `5 rows`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


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
