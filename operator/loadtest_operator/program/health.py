"""What the probes hear: whether the operator should be started anew, and whether it can work."""

import logging
import time
from dataclasses import dataclass
from typing import Final

_LOG: Final = logging.getLogger(__name__)
_DEAD_AFTER_RESYNCS: Final = 3


class Pulse:
    """Whether the operator still gets round to looking at everything; the API server's absence is not its fault."""

    def __init__(self, resync_seconds: float) -> None:
        self._longest_silence_seconds = resync_seconds * _DEAD_AFTER_RESYNCS
        self._beat_at = time.monotonic()

    def beat(self) -> None:
        self._beat_at = time.monotonic()

    def failure(self) -> str:
        """Why the operator should be started anew; empty while it should not."""
        silent = time.monotonic() - self._beat_at
        return f"no resync for {silent:.0f} s" if silent > self._longest_silence_seconds else ""


class Readiness:
    """What keeps the operator from its work; empty while nothing does. The log hears of each change."""

    def __init__(self, obstacle: str = "") -> None:
        self._obstacle = obstacle

    def set_obstacle(self, obstacle: str) -> None:
        if obstacle != self._obstacle:
            _LOG.warning("%s", obstacle)
        self._obstacle = obstacle

    def clear(self) -> None:
        self._obstacle = ""

    def obstacle(self) -> str:
        return self._obstacle


@dataclass(frozen=True)
class OperatorHealth:
    """All that the probes hear of."""

    pulse: Pulse
    readiness: Readiness
