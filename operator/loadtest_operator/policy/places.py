"""How a place in line is put into words. Pure.

A test's place changes with every step of the line. What its status says of it must not: it would be written anew for
each test in line at each step. So the first places are exact, and those behind them are ranges that double.
"""

from collections.abc import Iterable
from typing import Final

EXACT_PLACES: Final = 5
STARTS_BY_ITSELF: Final = "the test starts by itself when it is its turn"
_MOST_NAMES: Final = 3


def place_text(place: int) -> str:
    """A place that counts from 1: itself up to `EXACT_PLACES`, else the range that it lies in, such as 6 to 10."""
    if place <= EXACT_PLACES:
        return f"place {place} in line"
    last = 2 * EXACT_PLACES
    while last < place:
        last *= 2
    return f"place {last // 2 + 1} to {last} in line"


def list_tests(tests: Iterable[tuple[str, str]], namespace: str) -> str:
    """Tests by namespace and name, to a reader of a namespace: their own by name, others by their number.

    The names in other namespaces are not the reader's to know, and what is left of a test that is gone has none.
    """
    everyone = list(tests)
    own = sorted(name for place, name in everyone if place == namespace and name)
    others = len(everyone) - len(own)
    parts = [f"{'test' if len(own) == 1 else 'tests'} {', '.join(own[:_MOST_NAMES])}"] if own else []
    if len(own) > _MOST_NAMES:
        parts.append(f"{len(own) - _MOST_NAMES} more")
    if others:
        parts.append("a test of another namespace" if others == 1 else f"{others} tests of other namespaces")
    return " and ".join(parts)
