"""How long an upload may take: all of it, and each of its parts."""

from enum import IntEnum
from math import inf
from typing import Final

from msgspec import Struct


class UploadTimeouts(Struct, frozen=True):
    """Bounds on an upload in seconds: on all of it, and on its parts, which never have longer than the whole."""

    total_seconds: float
    connect_seconds: float = 10.0
    upload_seconds: float = inf
    answer_seconds: float = inf


class DeadlinePhase(IntEnum):
    """The parts of an upload that a deadline bounds, in their order."""

    CONNECT = 0
    UPLOAD = 1
    ANSWER = 2


_UPLOAD: Final = DeadlinePhase.UPLOAD


class UploadDeadline:
    """One upload's deadline, which moves from phase to phase. `ends_at` and `started_at` are on the same clock.

    `attempted_at` is when this attempt to connect began, if it is not the first one.
    """

    __slots__ = ("_attempted_at", "_connect_seconds", "_phase", "_timeouts", "_total_ends_at", "ends_at")

    def __init__(self, timeouts: UploadTimeouts, started_at: float, attempted_at: float | None = None) -> None:
        self._timeouts = timeouts
        self._total_ends_at = started_at + timeouts.total_seconds
        self._attempted_at = started_at if attempted_at is None else attempted_at
        self._phase = DeadlinePhase.CONNECT
        self._connect_seconds = timeouts.connect_seconds
        self.ends_at = min(self._total_ends_at, self._attempted_at + self._connect_seconds)

    def limit_connect(self, seconds: float) -> None:
        """Let this attempt to connect last no longer than this, if it has not been made yet."""
        if self._phase is DeadlinePhase.CONNECT and seconds < self._connect_seconds:
            self._connect_seconds = seconds
            self.ends_at = min(self._total_ends_at, self._attempted_at + seconds)

    def enter(self, phase: DeadlinePhase, now: float) -> None:
        """A phase begins. One that has begun, or is over, does not begin again."""
        if phase > self._phase:
            self._phase = phase
            seconds = self._timeouts.upload_seconds if phase is _UPLOAD else self._timeouts.answer_seconds
            self.ends_at = self._total_ends_at if seconds == inf else min(self._total_ends_at, now + seconds)

    @property
    def failure_text(self) -> str:
        """The description of the time-out that ended the upload."""
        is_total = self.ends_at >= self._total_ends_at
        seconds = self._timeouts.total_seconds if is_total else self._bound_seconds(self._phase)
        match self._phase:
            case DeadlinePhase.CONNECT:
                return f"no connection within {seconds:g} s"
            case DeadlinePhase.UPLOAD if is_total:
                return f"no complete answer within {seconds:g} s: the body was not taken"
            case DeadlinePhase.UPLOAD:
                return f"the body was not taken within {seconds:g} s"
            case DeadlinePhase.ANSWER if is_total:
                return f"no complete answer within {seconds:g} s"
            case _:
                return f"no complete answer within {seconds:g} s after the body"

    def _bound_seconds(self, phase: DeadlinePhase) -> float:
        match phase:
            case DeadlinePhase.CONNECT:
                return self._connect_seconds
            case DeadlinePhase.UPLOAD:
                return self._timeouts.upload_seconds
            case _:
                return self._timeouts.answer_seconds
