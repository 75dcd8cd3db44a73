"""Quantities and texts as people read them, in one way wherever they are shown."""

from typing import Final

LONGEST_TEXT: Final = 1_024
"""What a text of a status may have, in characters."""

_LEAST_SECONDS_SHOWN: Final = 0.9995
"""What is below is less than 1,000 ms when it is rounded."""
_UNITS: Final = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def seconds_text(seconds: float | None) -> str:
    """A measured time in milliseconds below a second: `0.4 ms`, `87 ms`, `1.932 s`; `-` where nothing was measured."""
    if seconds is None:
        return "-"
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    if seconds < _LEAST_SECONDS_SHOWN:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.3f} s" if seconds < 100 else f"{seconds:.0f} s"


def short_seconds_text(seconds: float) -> str:
    """A measured time for a narrow column: `87ms`, `1.93s`, `112s`."""
    if seconds < _LEAST_SECONDS_SHOWN:
        return f"{seconds * 1000:.0f}ms"
    return f"{seconds:.2f}s" if seconds < 9.995 else f"{seconds:.1f}s" if seconds < 99.95 else f"{seconds:.0f}s"


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


def count_text(number: int, noun: str) -> str:
    """`1 row`, `5 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def clip(text: str, longest_length: int) -> str:
    """A text of at most so many characters, its cut end marked by three dots."""
    return text if len(text) <= longest_length else f"{text[: longest_length - 3]}..."


def clip_middle(text: str, longest_length: int) -> str:
    """A text of at most so many characters, with three dots in place of what is left out of its middle.

    Texts begin with what they are about and end with what to do or which rows to remove. The evidence is between.
    """
    if len(text) <= longest_length:
        return text
    if longest_length < 30:
        return clip(text, max(3, longest_length))[:longest_length]
    beginning_length = longest_length // 3
    return f"{text[:beginning_length]}...{text[len(text) - (longest_length - beginning_length - 3) :]}"
