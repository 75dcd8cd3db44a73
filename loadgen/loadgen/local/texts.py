"""Quantities as people read them."""

import textwrap
from typing import Final

LABEL_WIDTH: Final = 12
LINE_WIDTH: Final = 110

_UNITS: Final = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def seconds_text(seconds: float | None) -> str:
    """A response time: `0.932 s`, `87 ms`; `-` where nothing was measured."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.1 else f"{seconds:.3f} s" if seconds < 100 else f"{seconds:.0f} s"


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


def wrapped(label: str, text: str) -> str:
    """A text beside its label, on as many lines as it needs."""
    indent = " " * LABEL_WIDTH
    return textwrap.fill(text, LINE_WIDTH, initial_indent=f"{label:<{LABEL_WIDTH}}", subsequent_indent=indent)
