"""The first seconds of a pod: its NetworkPolicies and its DNS may be programmed later than it starts.

So what fails before anything was sent is tried again for some seconds, if it may pass by itself.
"""

import asyncio
import socket
import time
from typing import Final

PATIENCE_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.5

NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""How getaddrinfo says that a name does not exist. Its other failures may pass."""


class Attempts:
    """The attempts at something that has sent nothing so far, counted from the first one's beginning."""

    def __init__(self) -> None:
        self._number = 1
        self._began_at = time.monotonic()

    async def try_again(self) -> bool:
        """Pause before the next attempt; False, without a pause, if it would come too late."""
        if self.are_over:
            return False
        await asyncio.sleep(PAUSE_SECONDS)
        self.count()
        return True

    @property
    def are_over(self) -> bool:
        """Whether a further attempt would come too late."""
        return time.monotonic() + PAUSE_SECONDS > self._began_at + PATIENCE_SECONDS

    def count(self) -> None:
        """Another attempt begins."""
        self._number += 1

    def __str__(self) -> str:
        seconds = time.monotonic() - self._began_at
        return f"tried {self._number} time{'' if self._number == 1 else 's'} in {seconds:.1f} s"
