"""What an answer says of the target's database."""

from collections.abc import Mapping
from typing import Final

DATABASE_TIME: Final = "X-Load-Test-Database-Time"
"""How long the target spent in its database for this upload, in milliseconds; the guard for Django says it."""

_LONGEST_MS: Final = 3_600_000.0


def database_seconds(headers: Mapping[str, str]) -> float | None:
    """The time that the answer tells; None if it tells none, or one that cannot be true."""
    text = headers.get(DATABASE_TIME)
    if text is None:
        return None
    try:
        milliseconds = float(text)
    except ValueError:
        return None
    return milliseconds / 1000 if 0 <= milliseconds <= _LONGEST_MS else None
