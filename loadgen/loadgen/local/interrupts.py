"""Being told to end: once to finish what is in flight, twice (or by SIGTERM) to stop at once."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_AT_ONCE: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


class Interrupts:
    """Counts interruptions; `on_change` is called in the event loop at each that counts.

    `count` is 0, 1 (finish what is in flight) or 2 (stop now); `source` says what came last, in a person's words.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self.count = 0
        self.source = ""

    def interrupted(self, number: int) -> None:
        """A signal has come."""
        if self.count == 2:
            return
        if number == signal.SIGINT:
            self.count += 1
            self.source = "Ctrl-C"
        else:
            self.count = 2
            self.source = signal.Signals(number).name
        self._on_change()


@contextmanager
def listening(interrupts: Interrupts) -> Iterator[None]:
    """Have signals counted while the context lasts; in the main thread, with the loop of the running task.

    `signal.signal` and not the loop's own handlers, which Windows does not have.
    """
    loop = asyncio.get_running_loop()

    def handle(number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(interrupts.interrupted, number)

    held = {number: signal.signal(number, handle) for number in (signal.SIGINT, *_AT_ONCE)}
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
