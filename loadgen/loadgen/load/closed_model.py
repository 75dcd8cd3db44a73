"""The closed model: each virtual user uploads, waits for the answer, and uploads again."""

import asyncio
from collections.abc import Iterator
from typing import Final

from loadgen.load.iterating import Course, Iterating
from loadgen.load.timing import Timing
from loadtest_model.load.pacing import batches_of, members_of, stagger_seconds, windows_of
from loadtest_model.values import NANOSECONDS

UNSENT_PAUSE_SECONDS: Final = 0.5
"""How long a virtual user rests after an upload that could not even begin; it would else spin on a dead target."""


class ClosedModel:
    """One pod's virtual users in one step: those with k = index (mod pods)."""

    def __init__(self, course: Course, index: int, pods: int, iterating: Iterating, timing: Timing) -> None:
        step = course.step
        self._course = course
        self._users = members_of(step.virtual_users, index, pods)
        self._batches: Iterator[int] = batches_of(step.batch_size, step.records, index, pods)
        self._iterating = iterating
        self._timing = timing
        self.virtual_users = 0

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Let every user begin at its time, as a task of the group; the last one ends with the load."""
        for user in self._users:
            tasks.create_task(self._be_user(user), name=f"{self._course.step.name} user {user}")

    async def _be_user(self, user: int) -> None:
        segments = self._course.step.segments
        stagger = stagger_seconds(segments, user)
        for window in windows_of(segments, user):
            due_ns = max(self._course.at(window.begin_seconds + stagger), self._timing.clock_ns())
            end_ns = self._course.at(window.end_seconds)
            if due_ns >= end_ns or not await self._timing.wait_until(due_ns):
                continue
            self.virtual_users += 1
            try:
                await self._loop_until(end_ns, due_ns)
            finally:
                self.virtual_users -= 1

    async def _loop_until(self, end_ns: int, due_ns: int) -> None:
        think_seconds = self._course.step.think_time_seconds
        while due_ns < end_ns and await self._timing.wait_until(due_ns):
            if self._timing.clock_ns() >= end_ns:
                # This process was held up while it waited; what would begin now would begin after the load.
                return
            rows = next(self._batches, None)
            if rows is None:
                return
            begun_ns = self._timing.clock_ns()
            made = await self._iterating.iterate(self._course.recorder.begin(due_ns), due_ns, rows, self._course)
            unsent_seconds = 0.0 if made.begun else UNSENT_PAUSE_SECONDS
            pause_ns = int(max(think_seconds, made.retry_after_seconds, unsent_seconds) * NANOSECONDS)
            now_ns = self._timing.clock_ns()
            offered_ns = max(0, now_ns - begun_ns - made.own_ns) + pause_ns
            self._course.recorder.offer(due_ns, offered_ns, now_ns - due_ns + pause_ns)
            due_ns = now_ns + pause_ns
