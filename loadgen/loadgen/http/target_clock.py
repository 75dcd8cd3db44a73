"""The target's wall clock, as its answers tell it: tokens expire by that clock, and not by this machine's."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from loadgen.http.retry_after import instant_of

NOTED_SECONDS: Final = 5.0
"""A difference of clocks that people are told of. A Date is cut to the second, and may be a moment old."""
OBSERVE_EVERY_SECONDS: Final = 0.05
"""Reading a Date takes some microseconds, which the answers to small uploads need not pay each time."""


class TargetClock:
    """The target's clock in seconds since the epoch; this machine's own until an answer tells.

    `wall` is this machine's wall clock, and `steady` its monotonic one, which no correction of the wall clock moves.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead_of_steady: float | None = None
        self._is_of_target = False
        self._observed_at = float("-inf")
        self._newest_text = ""

    @property
    def is_known(self) -> bool:
        """Whether an answer has told the time."""
        return self._ahead_of_steady is not None

    def observe(self, headers: Mapping[str, str], *, of_target: bool = True) -> None:
        """Take in the Date of an answer that has just come. What the login's host says counts until the target answers.

        An answer may be older than its arrival and never younger, so the latest date counts. The first answers after
        the target's clock has passed a whole second tell it best; those that show the same second again tell nothing.
        """
        now = self._steady()
        is_first_of_target = of_target and not self._is_of_target
        if (self._is_of_target and not of_target) or (
            not is_first_of_target and now < self._observed_at + OBSERVE_EVERY_SECONDS
        ):
            return
        text = headers.get("Date", "")
        if not text or (text == self._newest_text and not is_first_of_target):
            return
        date = instant_of(text)
        if date is None or headers.get("Age", "0").strip() != "0":
            return
        ahead = date - now
        if is_first_of_target or self._ahead_of_steady is None:
            self._ahead_of_steady = ahead
        else:
            self._ahead_of_steady = max(self._ahead_of_steady, ahead)
        self._is_of_target = of_target
        self._observed_at = now
        self._newest_text = text

    def now(self) -> float:
        """The target's time."""
        return self._wall() if self._ahead_of_steady is None else self._steady() + self._ahead_of_steady

    @property
    def note(self) -> str:
        """What people are told of clocks that differ; empty if they agree, or nothing is known."""
        behind_seconds = self.now() - self._wall()
        if not self._is_of_target or abs(behind_seconds) < NOTED_SECONDS:
            return ""
        how = "behind" if behind_seconds > 0 else "ahead of"
        return f"this machine's clock is {abs(behind_seconds):,.0f} s {how} the target's, which counts for tokens"
