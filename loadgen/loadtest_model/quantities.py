"""Measured times as people read them, in one way wherever they are shown."""

from typing import Final

_LEAST_SECOND: Final = 0.9995
"""What is below is less than 1,000 ms when it is rounded."""


def seconds_text(seconds: float | None) -> str:
    """A measured time in milliseconds below a second: `0.4 ms`, `87 ms`, `1.932 s`; `-` where nothing was measured."""
    if seconds is None:
        return "-"
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    if seconds < _LEAST_SECOND:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.3f} s" if seconds < 100 else f"{seconds:.0f} s"
