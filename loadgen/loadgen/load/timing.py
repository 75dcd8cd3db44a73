"""Waiting for an instant of the monotonic clock, unless the load is told to start nothing new."""

import asyncio
from collections.abc import Callable

from loadtest_model.values import NANOSECONDS


class Timing:
    """`clock_ns` is the monotonic clock that every instant is given on. `is_draining` says that nothing new starts."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self.clock_ns = clock_ns
        self.is_draining = False
        self._drain_event = asyncio.Event()
        self._drain_start_ns: int | None = None

    def drain(self) -> None:
        """From now on nothing new starts."""
        if self._drain_start_ns is None:
            self._drain_start_ns = self.clock_ns()
            self.is_draining = True
            self._drain_event.set()

    @property
    def drain_start_ns(self) -> int | None:
        """The instant of `drain`, if it came."""
        return self._drain_start_ns

    async def wait_until(self, instant_ns: int) -> bool:
        """Sleep until an instant; False, at once, if nothing new may start."""
        remaining_seconds = (instant_ns - self.clock_ns()) / NANOSECONDS
        if remaining_seconds > 0 and not self._drain_event.is_set():
            try:
                async with asyncio.timeout(remaining_seconds):
                    await self._drain_event.wait()
            except TimeoutError:
                pass
        return not self._drain_event.is_set()
