"""The closed model: each virtual user uploads, waits for the answer, and uploads again."""

import asyncio
from collections.abc import Iterator
from typing import Final

from loadgen.load.iterating import IterationRunner, StepRun
from loadgen.load.timing import Timing
from loadtest_model.load.pacing import batches_of, members_of, stagger_seconds, windows_of
from loadtest_model.values import NANOSECONDS

UNSENT_PAUSE_SECONDS: Final = 0.5
"""A virtual user rests this long after an upload that could not begin. Otherwise it would spin on a dead target."""


class ClosedModel:
    """One pod's virtual users in one step: those with k = index (mod pods)."""

    def __init__(
        self, step_run: StepRun, index: int, pods: int, iteration_runner: IterationRunner, timing: Timing
    ) -> None:
        step = step_run.step
        self._step_run = step_run
        self._users = members_of(step.virtual_users, index, pods)
        self._batches: Iterator[int] = batches_of(step.batch_size, step.records, index, pods)
        self._iteration_runner = iteration_runner
        self._timing = timing
        self.virtual_users = 0
        step_run.recorder.read_ages_by(self._response_ns_so_far)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Let every user begin at its time, as a task of the group; the last one ends with the load."""
        for user in self._users:
            tasks.create_task(self._run_user(user), name=f"{self._step_run.step.name} user {user}")

    def _response_ns_so_far(self, upload_number: int, _due_ns: int, now_ns: int) -> int:
        """How long the response time of an upload that has not ended is already, without our own part."""
        return self._iteration_runner.response_ns_so_far(upload_number, now_ns) or 0

    async def _run_user(self, user: int) -> None:
        segments = self._step_run.step.segments
        stagger = stagger_seconds(segments, user)
        free_ns = 0
        for window in windows_of(segments, user):
            due_ns = max(self._step_run.at(window.begin_seconds + stagger), free_ns)
            end_ns = self._step_run.at(window.end_seconds)
            if due_ns >= end_ns or not await self._timing.wait_until(due_ns):
                continue
            self.virtual_users += 1
            try:
                free_ns = await self._loop_until(end_ns, due_ns)
            finally:
                self.virtual_users -= 1

    async def _loop_until(self, end_ns: int, due_ns: int) -> int:
        """Upload from an instant on until another; give when the user is free after its last upload and its pause."""
        think_seconds = self._step_run.step.think_time_seconds
        recorder, clock_ns = self._step_run.recorder, self._timing.clock_ns
        while due_ns < end_ns:
            iteration_start_ns = clock_ns()
            if iteration_start_ns < due_ns or self._timing.is_draining:
                if not await self._timing.wait_until(due_ns):
                    return due_ns
                iteration_start_ns = clock_ns()
            if iteration_start_ns >= end_ns:
                # This process was held up while it waited; what would begin now would begin after the load.
                recorder.record_offer(due_ns, 0, end_ns - due_ns)
                return due_ns
            rows = next(self._batches, None)
            if rows is None:
                return due_ns
            outcome = await self._iteration_runner.iterate(recorder.begin(due_ns), due_ns, rows, self._step_run)
            unsent_pause_seconds = 0.0 if outcome.has_begun else UNSENT_PAUSE_SECONDS
            pause_ns = int(max(think_seconds, outcome.retry_after_seconds, unsent_pause_seconds) * NANOSECONDS)
            now_ns = clock_ns()
            # Nothing is planned after the end, however long the pause that the target asked for.
            planned_pause_ns = min(pause_ns, max(0, end_ns - now_ns))
            offered_ns = max(0, now_ns - iteration_start_ns - outcome.own_ns) + planned_pause_ns
            recorder.record_offer(due_ns, offered_ns, now_ns - due_ns + planned_pause_ns)
            due_ns = now_ns + pause_ns
        return due_ns
