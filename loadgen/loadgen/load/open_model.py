"""The open model: arrivals are due whatever the target does, and virtual users up to a limit serve them.

An arrival that finds no free user waits, first come first served, and keeps its intended start.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Final

from loadgen.load.ideal_users import IdealUsers
from loadgen.load.iterating import IterationRunner, StepRun
from loadgen.load.timing import Timing
from loadgen.measure.own_tally import ON_TIME_NS, is_notable
from loadtest_model.load.arrivals import due_seconds
from loadtest_model.load.pacing import batches_of, share_of
from loadtest_model.values import NANOSECONDS

_QUEUE_CHECK_NS: Final = 50_000_000
"""How often the queue is checked for waiting arrivals after the last one became due."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An upload that is due. `upload_number` is its number in the recorder.

    `had_free_user` says that a virtual user was free when the upload became due, and `is_on_time` that this was noticed
    on time.
    """

    due_ns: int
    upload_number: int
    rows: int
    had_free_user: bool
    is_on_time: bool


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
        self._ideal_users = IdealUsers(
            self._user_limit, iteration_runner.target_ns, iteration_runner.awaits_answer, iteration_runner.stalls
        )
        self.virtual_users = 0
        step_run.recorder.read_ages_by(self._response_ns_so_far)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Let arrivals become due at their times, as tasks of the group; the last one ends with the load."""
        tasks.create_task(self._dispatch(tasks), name=f"{self._step_run.step.name} arrivals")

    async def _dispatch(self, tasks: asyncio.TaskGroup) -> None:
        try:
            await self._admit_all(tasks)
        finally:
            while self._queue:
                self._step_run.recorder.withdraw(self._queue.popleft().upload_number)

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
        is_on_time = has_free_user and now_ns - due_ns <= ON_TIME_NS
        self._queue.append(_Arrival(due_ns, recorder.begin(due_ns), rows, has_free_user, is_on_time))
        if has_free_user:
            recorder.record_lateness(now_ns - due_ns)
            recorder.record_offer(due_ns, int(is_on_time), 1)
        if has_free_user and tasks is not None:
            self.virtual_users += 1
            recorder.record_users(self.virtual_users, now_ns)
            tasks.create_task(self._run_user(), name=f"{self._step_run.step.name} user")

    def _drop_until(self, due_ns: int, now_ns: int) -> None:
        """Drop what has waited since this instant or longer."""
        while self._queue and self._queue[0].due_ns <= due_ns:
            self._drop(self._queue.popleft(), now_ns)

    def _drop(self, arrival: _Arrival, now_ns: int) -> None:
        """Drop an arrival that has waited too long, or that the end of the load came upon."""
        recorder = self._step_run.recorder
        ideal_start_ns = self._ideal_start_ns(arrival, now_ns)
        own_ns = now_ns - ideal_start_ns
        wait_ns = now_ns - arrival.due_ns
        if is_notable(own_ns, wait_ns):
            self._ideal_users.pass_over(ideal_start_ns)
        if wait_ns >= self._max_lateness_ns:
            is_withheld = recorder.drop(arrival.upload_number, now_ns, own_ns)
        else:
            remaining_ns = self._max_lateness_ns - wait_ns + self._iteration_runner.timeout_ns
            is_withheld = recorder.drop_at_end(arrival.upload_number, now_ns, own_ns, remaining_ns)
        if is_withheld and arrival.is_on_time:
            recorder.record_offer(arrival.due_ns, -1, 0)

    def _ideal_start_ns(self, arrival: _Arrival, now_ns: int) -> int:
        """When an arrival that waits no longer would have begun, had our own side taken no time."""
        if arrival.had_free_user:
            return arrival.due_ns
        ideal_start_ns = self._ideal_users.start_of(arrival.due_ns, now_ns)
        is_held_up = ideal_start_ns - arrival.due_ns <= ON_TIME_NS
        recorder = self._step_run.recorder
        recorder.record_wait(arrival.due_ns, is_held_up=is_held_up)
        if is_held_up:
            recorder.record_offer(arrival.due_ns, int(now_ns - arrival.due_ns <= ON_TIME_NS), 1)
        return ideal_start_ns

    def _next_check_ns(self, next_arrival: tuple[int, int] | None) -> int:
        instants = [self._step_run.end_ns]
        if self._queue:
            instants.append(self._queue[0].due_ns + self._max_lateness_ns)
        instants.append(next_arrival[0] if next_arrival is not None else self._timing.clock_ns() + _QUEUE_CHECK_NS)
        return min(instants)

    def _response_ns_so_far(self, upload_number: int, due_ns: int, now_ns: int) -> int:
        """How long the response time of an arrival that has not ended is already, without our own part."""
        response_ns = self._iteration_runner.response_ns_so_far(upload_number, now_ns)
        if response_ns is not None:
            return response_ns
        head = self._queue[0] if self._queue else None
        if head is None or head.had_free_user:
            return 0
        # Nobody begins before those who have waited longer.
        return max(0, self._ideal_users.start_of(head.due_ns, now_ns) - due_ns)

    async def _run_user(self) -> None:
        """Serve arrivals as long as some wait."""
        try:
            while self._queue and not self._timing.is_draining:
                arrival = self._queue.popleft()
                iteration_start_ns = self._timing.clock_ns()
                ideal_start_ns = self._ideal_start_ns(arrival, iteration_start_ns)
                self._ideal_users.begin(arrival.upload_number, ideal_start_ns)
                outcome = await self._iteration_runner.iterate(
                    arrival.upload_number,
                    arrival.due_ns,
                    arrival.rows,
                    self._step_run,
                    iteration_start_ns - ideal_start_ns,
                )
                self._ideal_users.end(arrival.upload_number, outcome.target_ns, has_begun=outcome.has_begun)
                if outcome.is_withheld and arrival.is_on_time:
                    self._step_run.recorder.record_offer(arrival.due_ns, -1, 0)
                now_ns = self._timing.clock_ns()
                self._drop_until(now_ns - self._max_lateness_ns, now_ns)
        finally:
            self.virtual_users -= 1
            self._step_run.recorder.record_users(self.virtual_users, self._timing.clock_ns())
