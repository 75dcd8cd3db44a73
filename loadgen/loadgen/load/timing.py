"""Waiting for an instant of the monotonic clock, unless the load is told to start nothing new."""

import asyncio
from collections.abc import Callable

from loadtest_model.values import NANOSECONDS


class Timing:
    """`clock_ns` is the monotonic clock that every instant is given on."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self.clock_ns = clock_ns
        self._draining = asyncio.Event()
        self._drained_ns: int | None = None

    def drain(self) -> None:
        """From now on nothing new starts."""
        if not self._draining.is_set():
            self._drained_ns = self.clock_ns()
            self._draining.set()

    @property
    def draining(self) -> bool:
        return self._draining.is_set()

    @property
    def drained_ns(self) -> int | None:
        """The instant of `drain`, if it came."""
        return self._drained_ns

    async def wait_until(self, instant_ns: int) -> bool:
        """Sleep until an instant; False, at once, where nothing new may start."""
        left_seconds = (instant_ns - self.clock_ns()) / NANOSECONDS
        if left_seconds > 0 and not self._draining.is_set():
            try:
                async with asyncio.timeout(left_seconds):
                    await self._draining.wait()
            except TimeoutError:
                pass
        return not self._draining.is_set()
