"""The open model: arrivals are due whatever the target does, and virtual users up to a limit serve them.

An arrival that finds no free user waits, first come first served, and keeps its intended start.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Final

from loadgen.load.iterating import IterationRunner, StepRun
from loadgen.load.timing import Timing
from loadtest_model.load.arrivals import due_seconds
from loadtest_model.load.pacing import batches_of, share_of
from loadtest_model.values import NANOSECONDS

_QUEUE_CHECK_NS: Final = 50_000_000
"""How often the queue is checked for waiting arrivals after the last one became due."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An upload that is due. `flight` is its number in the recorder.

    `had_free_user` says that a virtual user was free when the upload became due.
    """

    due_ns: int
    flight: int
    rows: int
    had_free_user: bool


class OpenModel:
    """One pod's arrivals in one step: those with k = index (mod pods) of the fleet's schedule."""

    def __init__(
        self, step_run: StepRun, index: int, pods: int, iteration_runner: IterationRunner, timing: Timing, seed: str
    ) -> None:
        step = step_run.step
        if step.arrivals is None:
            raise ValueError(f"step {step.name} has no arrivals")
        self._step_run = step_run
        # For a seed, random() gives the same numbers on every platform.
        draw = Random(f"{seed}/{step.name}").random  # noqa: S311 - when something is due is no secret
        self._schedule_seconds = due_seconds(step.arrivals, draw, index, pods)
        self._batches = batches_of(step.batch_size, step.records, index, pods)
        self._max_lateness_ns = int(step.arrivals.max_lateness_seconds * NANOSECONDS)
        self._user_limit = share_of(step.virtual_users, index, pods)
        self._iteration_runner = iteration_runner
        self._timing = timing
        self._queue: deque[_Arrival] = deque()
        self._busy_ns = 0
        self._own_busy_ns = 0
        self.virtual_users = 0

    @property
    def _own_share(self) -> float:
        """How much of the virtual users' time our own side took: so much of a wait for one of them is our own too."""
        return min(1.0, self._own_busy_ns / self._busy_ns) if self._busy_ns else 0.0

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Let arrivals become due at their times, as tasks of the group; the last one ends with the load."""
        tasks.create_task(self._dispatch(tasks), name=f"{self._step_run.step.name} arrivals")

    async def _dispatch(self, tasks: asyncio.TaskGroup) -> None:
        try:
            await self._admit_all(tasks)
        finally:
            while self._queue:
                self._step_run.recorder.withdraw(self._queue.popleft().flight)

    async def _admit_all(self, tasks: asyncio.TaskGroup) -> None:
        next_arrival = self._next_arrival()
        while next_arrival is not None or self._queue:
            now_ns = self._timing.clock_ns()
            is_over = now_ns >= self._step_run.end_ns
            while next_arrival is not None and next_arrival[0] <= now_ns:
                # This process may have been held up: what it finds due after the end of the load begins no more.
                self._admit(*next_arrival, now_ns, None if is_over else tasks)
                next_arrival = self._next_arrival()
            self._drop_until(now_ns if is_over else now_ns - self._max_lateness_ns, now_ns)
            if is_over:
                return
            next_check_ns = self._next_check_ns(next_arrival)
            if next_check_ns <= self._timing.clock_ns():
                # A schedule that runs behind still leaves the users their turns.
                await asyncio.sleep(0)
            if not await self._timing.wait_until(next_check_ns):
                return

    def _next_arrival(self) -> tuple[int, int] | None:
        """The intended start and the rows of the next arrival, if there is one."""
        instant_seconds = next(self._schedule_seconds, None)
        rows = None if instant_seconds is None else next(self._batches, None)
        if instant_seconds is None or rows is None:
            return None
        return self._step_run.at(instant_seconds), rows

    def _admit(self, due_ns: int, rows: int, now_ns: int, tasks: asyncio.TaskGroup | None) -> None:
        recorder = self._step_run.recorder
        has_free_user = self.virtual_users < self._user_limit
        self._queue.append(_Arrival(due_ns, recorder.begin(due_ns), rows, has_free_user))
        recorder.record_lateness(due_ns, now_ns - due_ns if has_free_user else None)
        if has_free_user and tasks is not None:
            self.virtual_users += 1
            recorder.record_users(self.virtual_users, now_ns)
            tasks.create_task(self._run_user(), name=f"{self._step_run.step.name} user")

    def _drop_until(self, due_ns: int, now_ns: int) -> None:
        """Drop what has waited since this instant or longer."""
        while self._queue and self._queue[0].due_ns <= due_ns:
            self._step_run.recorder.drop(self._queue.popleft().flight, now_ns, self._own_share)

    def _next_check_ns(self, next_arrival: tuple[int, int] | None) -> int:
        instants = [self._step_run.end_ns]
        if self._queue:
            instants.append(self._queue[0].due_ns + self._max_lateness_ns)
        instants.append(next_arrival[0] if next_arrival is not None else self._timing.clock_ns() + _QUEUE_CHECK_NS)
        return min(instants)

    async def _run_user(self) -> None:
        """Serve arrivals as long as some wait."""
        try:
            while self._queue and not self._timing.is_draining:
                arrival = self._queue.popleft()
                iteration_start_ns = self._timing.clock_ns()
                wait_ns = iteration_start_ns - arrival.due_ns
                own_wait_ns = wait_ns if arrival.had_free_user else int(wait_ns * self._own_share)
                outcome = await self._iteration_runner.iterate(
                    arrival.flight, arrival.due_ns, arrival.rows, self._step_run, own_wait_ns
                )
                now_ns = self._timing.clock_ns()
                self._busy_ns += now_ns - iteration_start_ns
                self._own_busy_ns += outcome.own_ns
                self._drop_until(now_ns - self._max_lateness_ns, now_ns)
        finally:
            self.virtual_users -= 1
            self._step_run.recorder.record_users(self.virtual_users, self._timing.clock_ns())
