"""The open model: arrivals are due whatever the target does, and virtual users up to a limit serve them.

An arrival that finds no free user waits, first come first served, and keeps its intended start.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Final

from loadgen.load.iterating import Course, Iterating
from loadgen.load.timing import Timing
from loadtest_model.load.arrivals import due_seconds
from loadtest_model.load.pacing import batches_of, share_of
from loadtest_model.values import NANOSECONDS

_LAST_LOOK_NS: Final = 50_000_000
"""Once nothing more is due, how often it is looked whether users have taken all that waited."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An upload that is due; `flight` is its number in the recorder. `found_free`: a virtual user was free for it."""

    due_ns: int
    flight: int
    rows: int
    found_free: bool


class OpenModel:
    """One pod's arrivals in one step: those with k = index (mod pods) of the fleet's schedule."""

    def __init__(self, course: Course, index: int, pods: int, iterating: Iterating, timing: Timing, seed: str) -> None:
        step = course.step
        if step.arrivals is None:
            raise ValueError(f"step {step.name} has no arrivals")
        self._course = course
        # For a seed, random() gives the same numbers on every platform.
        draw = Random(f"{seed}/{step.name}").random  # noqa: S311 - when something is due is no secret
        self._due = due_seconds(step.arrivals, draw, index, pods)
        self._batches = batches_of(step.batch_size, step.records, index, pods)
        self._patience_ns = int(step.arrivals.max_lateness_seconds * NANOSECONDS)
        self._limit = share_of(step.virtual_users, index, pods)
        self._iterating = iterating
        self._timing = timing
        self._waiting: deque[_Arrival] = deque()
        self._busy_ns = 0
        self._own_busy_ns = 0
        self.virtual_users = 0

    @property
    def _own_share(self) -> float:
        """How much of the virtual users' time our own side took: so much of a wait for one of them is our own too."""
        return min(1.0, self._own_busy_ns / self._busy_ns) if self._busy_ns else 0.0

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Let arrivals become due at their times, as tasks of the group; the last one ends with the load."""
        tasks.create_task(self._dispatch(tasks), name=f"{self._course.step.name} arrivals")

    async def _dispatch(self, tasks: asyncio.TaskGroup) -> None:
        try:
            await self._admit_all(tasks)
        finally:
            while self._waiting:
                self._course.recorder.withdraw(self._waiting.popleft().flight)

    async def _admit_all(self, tasks: asyncio.TaskGroup) -> None:
        upcoming = self._next()
        while upcoming is not None or self._waiting:
            now_ns = self._timing.clock_ns()
            over = now_ns >= self._course.end_ns
            while upcoming is not None and upcoming[0] <= now_ns:
                # This process may have been held up: what it finds due after the end of the load begins no more.
                self._admit(*upcoming, now_ns, None if over else tasks)
                upcoming = self._next()
            self._drop_until(now_ns if over else now_ns - self._patience_ns, now_ns)
            if over:
                return
            look_ns = self._next_look(upcoming)
            if look_ns <= self._timing.clock_ns():
                # A schedule that runs behind still leaves the users their turns.
                await asyncio.sleep(0)
            if not await self._timing.wait_until(look_ns):
                return

    def _next(self) -> tuple[int, int] | None:
        """The intended start and the rows of the next arrival, if there is one."""
        instant_seconds = next(self._due, None)
        rows = None if instant_seconds is None else next(self._batches, None)
        if instant_seconds is None or rows is None:
            return None
        return self._course.at(instant_seconds), rows

    def _admit(self, due_ns: int, rows: int, now_ns: int, tasks: asyncio.TaskGroup | None) -> None:
        recorder = self._course.recorder
        free = self.virtual_users < self._limit
        self._waiting.append(_Arrival(due_ns, recorder.begin(due_ns), rows, free))
        recorder.arrive(due_ns, now_ns - due_ns if free else None)
        if free and tasks is not None:
            self.virtual_users += 1
            recorder.employ(self.virtual_users, now_ns)
            tasks.create_task(self._be_user(), name=f"{self._course.step.name} user")

    def _drop_until(self, due_ns: int, now_ns: int) -> None:
        """Drop what has waited since this instant or longer."""
        while self._waiting and self._waiting[0].due_ns <= due_ns:
            self._course.recorder.drop(self._waiting.popleft().flight, now_ns, self._own_share)

    def _next_look(self, upcoming: tuple[int, int] | None) -> int:
        instants = [self._course.end_ns]
        if self._waiting:
            instants.append(self._waiting[0].due_ns + self._patience_ns)
        instants.append(upcoming[0] if upcoming is not None else self._timing.clock_ns() + _LAST_LOOK_NS)
        return min(instants)

    async def _be_user(self) -> None:
        """Serve arrivals as long as some wait."""
        try:
            while self._waiting and not self._timing.draining:
                arrival = self._waiting.popleft()
                begun_ns = self._timing.clock_ns()
                waited_ns = begun_ns - arrival.due_ns
                own_wait_ns = waited_ns if arrival.found_free else int(waited_ns * self._own_share)
                made = await self._iterating.iterate(
                    arrival.flight, arrival.due_ns, arrival.rows, self._course, own_wait_ns
                )
                now_ns = self._timing.clock_ns()
                self._busy_ns += now_ns - begun_ns
                self._own_busy_ns += made.own_ns
                self._drop_until(now_ns - self._patience_ns, now_ns)
        finally:
            self.virtual_users -= 1
            self._course.recorder.employ(self.virtual_users, self._timing.clock_ns())
