"""How long an upload may take: all of it, and each of its parts."""

from dataclasses import dataclass
from enum import IntEnum
from math import inf


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Bounds on an upload in seconds: on all of it, and on its parts, which never have longer than the whole."""

    total_seconds: float
    connect_seconds: float = 10.0
    upload_seconds: float = inf
    answer_seconds: float = inf


class Part(IntEnum):
    """The parts of an upload, in their order."""

    CONNECT = 0
    UPLOAD = 1
    ANSWER = 2


class Patience:
    """One upload's deadline, which moves from part to part. `until` is on the clock that `began` is on.

    `tried_at` is when the connection was tried, where that is not the first try.
    """

    def __init__(self, timeouts: Timeouts, began: float, tried_at: float | None = None) -> None:
        self._timeouts = timeouts
        self._end = began + timeouts.total_seconds
        self._part = Part.CONNECT
        self.until = min(self._end, (began if tried_at is None else tried_at) + timeouts.connect_seconds)

    def enter(self, part: Part, now: float) -> None:
        """A part begins; one that has begun, or is over, does not begin again."""
        if part > self._part:
            self._part = part
            bound = self._bound(part)
            self.until = self._end if bound == inf else min(self._end, now + bound)

    @property
    def verdict(self) -> str:
        """What is to be said when the patience has ended."""
        whole = self.until >= self._end
        seconds = self._timeouts.total_seconds if whole else self._bound(self._part)
        match self._part:
            case Part.CONNECT:
                return f"no connection within {seconds:g} s"
            case Part.UPLOAD if whole:
                return f"no complete answer within {seconds:g} s: the body was not taken"
            case Part.UPLOAD:
                return f"the body was not taken within {seconds:g} s"
            case Part.ANSWER if whole:
                return f"no complete answer within {seconds:g} s"
            case _:
                return f"no complete answer within {seconds:g} s after the body"

    def _bound(self, part: Part) -> float:
        match part:
            case Part.CONNECT:
                return self._timeouts.connect_seconds
            case Part.UPLOAD:
                return self._timeouts.upload_seconds
            case _:
                return self._timeouts.answer_seconds
