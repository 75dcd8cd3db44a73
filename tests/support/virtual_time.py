"""An event loop whose time passes only by waiting: it jumps to the next timer as soon as nothing else is to be done."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _NoInput(selectors.SelectSelector):
    """It asks the system for nothing: that call would be a tenth of a simulation's time."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every coroutine waits for another, and there is no timer")
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop for coroutines that wait for timers and for each other, and for no I/O."""

    def __init__(self) -> None:
        super().__init__(_NoInput())
        self._seconds = 1_000.0

    def time(self) -> float:
        return self._seconds

    def skip(self, seconds: float) -> None:
        """Let time pass in which nothing runs."""
        self._seconds += seconds

    def _run_once(self) -> None:
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        if not self._ready and scheduled:  # type: ignore[attr-defined]
            self._seconds = max(self._seconds, scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


def run_in_virtual_time(main: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
