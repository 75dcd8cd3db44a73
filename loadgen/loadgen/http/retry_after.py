"""How long an answer asks its client to wait (RFC 9110, section 10.2.3)."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

MOST_SECONDS: Final = 3600.0
_STATUSES_WITH_PAUSE: Final = (429, 503)


def retry_after_seconds(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """The pause that a 429 or 503 asks for in its Retry-After, an hour at most; None if it asks for none.

    `now` is the wall clock in seconds since the epoch. A date is held against the answer's own Date if it has
    one, so that clocks which differ change nothing.
    """
    if status not in _STATUSES_WITH_PAUSE:
        return None
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        # A number of any length is longer than the bound once it has more digits.
        return min(float(text[:12]), MOST_SECONDS)
    retry_at = instant_of(text)
    if retry_at is None:
        return None
    reference = instant_of(headers.get("Date", ""))
    return min(max(0.0, retry_at - (now if reference is None else reference)), MOST_SECONDS)


def instant_of(text: str) -> float | None:
    """An HTTP date in seconds since the epoch; None if the text is no date."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # An HTTP date is in GMT, whether or not its sender said so.
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
