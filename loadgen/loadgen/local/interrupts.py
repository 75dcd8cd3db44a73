"""Interruptions of a run: one lets uploads in flight finish, a second one (or SIGTERM) stops at once."""

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_IMMEDIATE_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


def _stays_ignored(number: int) -> bool:
    """Whether whoever started this process had it ignore the end of its terminal, as `nohup` does.

    Other signals are heeded even so: shells ignore SIGINT for what they start in the background, and a script that
    sends it means it.
    """
    return number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) is signal.SIG_IGN


class Interrupts:
    """Counts interruptions; `on_change` is called in the event loop at each that counts.

    `count` is 0, 1 (finish what is in flight) or 2 (stop now). `source` names the last interruption for people.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self.count = 0
        self.source = ""

    def receive_signal(self, signal_number: int) -> None:
        """Count a signal."""
        if self.count == 2:
            return
        if signal_number == signal.SIGINT:
            self.count += 1
            self.source = "Ctrl-C"
        else:
            self.count = 2
            self.source = signal.Signals(signal_number).name
        self._on_change()


@contextmanager
def listen_for_signals(interrupts: Interrupts) -> Iterator[None]:
    """Count signals while the context lasts; in the main thread, with the loop of the running task.

    `signal.signal` and not the loop's own handlers, which Windows does not have.
    """
    loop = asyncio.get_running_loop()

    def handle(signal_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(interrupts.receive_signal, signal_number)

    with _handled(handle, (signal.SIGINT, *_IMMEDIATE_SIGNALS)):
        yield


@contextmanager
def every_signal_as_ctrl_c() -> Iterator[None]:
    """Have the signals that end a program count as Ctrl-C while the context lasts; in the main thread."""
    with _handled(lambda _number, _frame: signal.raise_signal(signal.SIGINT), _IMMEDIATE_SIGNALS):
        yield


@contextmanager
def _handled(handle: Callable[[int, FrameType | None], None], numbers: Iterable[int]) -> Iterator[None]:
    previous_handlers = {number: signal.signal(number, handle) for number in numbers if not _stays_ignored(number)}
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
