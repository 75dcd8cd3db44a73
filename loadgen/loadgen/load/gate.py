"""The last moment before an upload's first byte: whether the load still lasts."""

import asyncio
from types import TracebackType
from typing import Any

from msgspec import Struct

from loadgen.http.transport import TurnedAwayError
from loadgen.http.upload_progress import UploadProgress
from loadgen.load.timing import Timing


class Gate:
    """Turns away each upload of a step that comes to its first byte after the step's end, or after a stop.

    An upload may wait for the encoder, a token, an address, a connection or its turn to send. Whatever it was, the gate
    is asked right before the first byte. Besides, a wait for our own side ends as soon as the gate closes.
    """

    def __init__(self, timing: Timing, end_ns: int) -> None:
        self._timing = timing
        self._end_ns = end_ns
        self._passages: set[Passage] = set()
        self._is_closed = False

    def may_send(self) -> bool:
        """Whether the load still lasts."""
        timing = self._timing
        return not self._is_closed and not timing.is_draining and timing.clock_ns() < self._end_ns

    @property
    def has_reached_end(self) -> bool:
        """Whether the load has lasted to its end: no stop came before."""
        stop_ns = self._timing.drain_start_ns
        is_over = self._is_closed or self._timing.clock_ns() >= self._end_ns
        return is_over and (stop_ns is None or stop_ns >= self._end_ns)

    def passage(self, progress: UploadProgress) -> "Passage":
        """The context of one upload's way to its first byte and beyond."""
        return Passage(self._passages, progress, self.may_send())

    async def close_in_time(self) -> None:
        """Wait for the end or a stop, and turn away the uploads that have not tried to connect by then."""
        await self._timing.wait_until(self._end_ns)
        self._is_closed = True
        for passage in self._passages:
            passage.close()


class Passage(Struct, eq=False):
    """One upload on its way through the gate. Leaving it raises TurnedAwayError if the gate closed on a wait in it.

    It is entered and left by the task that uploads, and cancels that task to end a wait, as a time-out does. A time-out
    of asyncio that never comes costs each upload several times as much.
    """

    _passages: "set[Passage]"
    _progress: UploadProgress
    _may_pass: bool
    _task: asyncio.Task[Any] | None = None
    _cancellations: int = 0
    _is_closed: bool = False

    def close(self) -> None:
        """End the wait for our own side; an upload that has approached the target meets the gate by itself."""
        if self._task is not None and not self._is_closed and not self._progress.has_approached:
            self._is_closed = True
            self._task.cancel()

    def __enter__(self) -> None:
        if not self._may_pass:
            raise TurnedAwayError
        self._task = asyncio.current_task()
        if self._task is not None:
            self._cancellations = self._task.cancelling()
        self._passages.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._passages.discard(self)
        if self._task is None or not self._is_closed:
            return
        # A cancellation that came from elsewhere meanwhile must still take effect.
        if self._task.uncancel() <= self._cancellations and kind is asyncio.CancelledError:
            raise TurnedAwayError from None
