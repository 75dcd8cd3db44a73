"""How long to wait after failures in a row, before the API server, or somebody else, is asked again."""

from typing import Final

FIRST_BACKOFF_SECONDS: Final = 0.5
LONGEST_BACKOFF_SECONDS: Final = 15.0
"""Far below the time that a pod keeps its last snapshot: whoever looks again after an outage must find it still."""
_MOST_DOUBLINGS: Final = 16


def backoff_seconds(
    failures_before: int,
    jitter: float,
    first_seconds: float = FIRST_BACKOFF_SECONDS,
    longest_seconds: float = LONGEST_BACKOFF_SECONDS,
) -> float:
    """The wait after a failure: it doubles with each failure in a row before it, up to a bound.

    `jitter` in [0, 1) takes away up to half of it, so that what fails together does not come again together.
    """
    longest: float = min(longest_seconds, first_seconds * 2.0 ** min(failures_before, _MOST_DOUBLINGS))
    return longest * (0.5 + jitter / 2)
