"""The work queue: runs what is due, one turn for a key at a time, and what loads before what waits."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from loadtest_operator.cluster.api import ApiError
from loadtest_operator.observe.contenders import Urgency
from loadtest_operator.observe.memory import Key
from loadtest_operator.program.metrics import OperatorMetrics
from loadtest_operator.program.schedule import Schedule

_LOG: Final = logging.getLogger(__name__)
# A turn mostly waits: for the API server, and for pods that may be silent. Slow tests must not hold up the others.
_AT_ONCE: Final = 128
# All turns share one thread and one API server: those that can wait must leave the others most of both.
_WAITING_AT_ONCE: Final = 16
_WAITING_BESIDE_A_START: Final = 2
BURST_SECONDS: Final = 0.1


class WorkQueue:
    """Keys to reconcile. `clock` is monotonic, in seconds; `random` gives numbers in [0, 1).

    `urgency` says how soon a key must have its turn, at the moment at which the turn is due.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        random: Callable[[], float],
        metrics: OperatorMetrics,
        urgency: Callable[[Key], Urgency],
    ) -> None:
        self._clock = clock
        self._random = random
        self._metrics = metrics
        self._urgency = urgency
        self._schedule: Schedule[Key] = Schedule(urgency)
        self._change_event = asyncio.Event()

    def add(self, key: Key) -> None:
        """Ask for a turn as soon as may be."""
        self._schedule.add(key, self._clock())
        self._change_event.set()

    def rank_anew(self, key: Key) -> None:
        """The urgency of a key has changed."""
        self._schedule.rank_anew(key)
        self._change_event.set()

    def add_soon(self, key: Key) -> None:
        """Ask for a turn for what changes in bursts: the first change of a burst sets the instant."""
        self._schedule.add(key, self._clock() + BURST_SECONDS)
        self._change_event.set()

    async def run(self, reconcile: Callable[[Key], Awaitable[float | None]]) -> None:
        """Work until cancelled; turns under way are then cancelled too."""
        async with asyncio.TaskGroup() as group:
            turns: dict[asyncio.Task[None], Urgency] = {}

            def end(task: asyncio.Task[None]) -> None:
                del turns[task]
                self._change_event.set()

            while True:
                self._change_event.clear()
                while (key := self._next_key(turns.values())) is not None:
                    task = group.create_task(self._turn(key, reconcile))
                    turns[task] = self._urgency(key)
                    task.add_done_callback(end)
                self._metrics.queue_depth.set(self._schedule.depth)
                await self._wait()

    def _next_key(self, under_way: Collection[Urgency]) -> Key | None:
        """The next key that is due, if there is room for its turn."""
        if len(under_way) >= _AT_ONCE:
            return None
        count = Counter(under_way)
        if count[Urgency.STARTS]:
            # The pods of those that gather have time, and need the same API server.
            can_wait, most = count[Urgency.GATHERS] + count[Urgency.WAITS], _WAITING_BESIDE_A_START
            highest = Urgency.WAITS if can_wait < most else Urgency.STARTS
        else:
            highest = Urgency.WAITS if count[Urgency.WAITS] < _WAITING_AT_ONCE else Urgency.GATHERS
        return self._schedule.take(self._clock(), highest)

    async def _turn(self, key: Key, reconcile: Callable[[Key], Awaitable[float | None]]) -> None:
        began_at = self._clock()
        try:
            again = await reconcile(key)
        except Exception as error:
            self._metrics.reconcile_errors.inc()
            retry_after_seconds = error.retry_after_seconds if isinstance(error, ApiError) else 0.0
            backoff = self._schedule.fail(key, self._clock(), self._random(), retry_after_seconds)
            # An API server out of reach explains itself; anything else is a defect and needs its trace.
            trace = None if isinstance(error, ApiError) else error
            _LOG.error("%s/%s: %s; again in %.1f s", *key, error, backoff, exc_info=trace)
        else:
            self._schedule.finish(key, began_at, self._clock(), again)
        finally:
            self._metrics.reconcile_seconds.observe(self._clock() - began_at)

    async def _wait(self) -> None:
        """Wait until something has changed, or the next key becomes due."""
        due = self._schedule.next_due()
        timeout = None if due is None else max(0.0, due - self._clock())
        try:
            async with asyncio.timeout(timeout):
                await self._change_event.wait()
        except TimeoutError:
            return
