"""The closed model: this pod's virtual users, each uploading, waiting for the answer, and uploading again.

Step k begins the sum of the spans of the steps before it after the common start; a span is a step's load and its
longest drain. So all pods begin each step together without a word, whatever happened in the step before.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from loadgen.addresses import AddressBook
from loadgen.recorder import Recorder, Sample, StepRecorder
from loadgen.transport import Client, Progress
from loadgen.uploading import Upload, Uploader
from loadtest_model.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.pacing import members_of, stagger_seconds, windows_of
from loadtest_model.plan import Plan, Step
from loadtest_model.snapshot import Violation
from loadtest_model.values import NANOSECONDS

UNSENT_PAUSE_SECONDS: Final = 0.5
"""How long a virtual user rests after an upload that could not even begin; it would else spin on a dead target."""

_CUT_GRACE_SECONDS: Final = 1.0


class _BrokenPromiseError(Exception):
    """Ends a step at once: the siblings of the virtual user that saw the violation are cancelled."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.message)
        self.violation = violation


@dataclass(frozen=True, slots=True)
class _Course:
    """A step under way. `begin_ns` is the instant that its load starts at."""

    step: Step
    begin_ns: int
    cut_ns: int
    client: Client
    recorder: StepRecorder

    def at(self, seconds: float) -> int:
        return self.begin_ns + int(seconds * NANOSECONDS)


@dataclass(frozen=True, slots=True)
class Iteration:
    """A finished iteration for whoever wants to know of each. `upload` is None where it was cut or had no address."""

    step: Step
    sample: Sample
    upload: Upload | None
    progress: Progress


class Engine:
    """Runs a pod's share of a plan. `clock_ns` is the monotonic clock that every instant is given on.

    `observe`, where it is set before the run, is called with each finished iteration.
    """

    def __init__(
        self,
        plan: Plan,
        pod_index: int,
        uploader: Uploader,
        book: AddressBook,
        recorder: Recorder,
        clock_ns: Callable[[], int],
    ) -> None:
        self._plan = plan
        self._pod_index = pod_index
        self._uploader = uploader
        self._book = book
        self._recorder = recorder
        self._clock_ns = clock_ns
        self._draining = asyncio.Event()
        self.virtual_users = 0
        self.observe: Callable[[Iteration], None] | None = None

    def drain(self) -> None:
        """Start nothing new; what is in flight is finished."""
        self._draining.set()

    async def run(self, start_ns: int, *, alone: bool = False) -> Violation | None:
        """Run all steps from the common start; gives the violation that ended it, if one did.

        A pod that is `alone` need not wait for others: a step begins as soon as the one before has drained.
        Cancelling cuts every upload in flight and counts it so.
        """
        offsets = accumulate(self._plan.step_span_seconds, initial=0.0)
        for step, offset_seconds in zip(self._plan.steps, offsets, strict=False):
            if self._draining.is_set():
                break
            begin_ns = start_ns + int(offset_seconds * NANOSECONDS)
            if alone:
                begin_ns = max(start_ns, self._clock_ns())
            violation = await self._run_step(step, begin_ns)
            if violation is not None:
                return violation
        return None

    async def _run_step(self, step: Step, begin_ns: int) -> Violation | None:
        cut_ns = begin_ns + int((step.duration_seconds + self._plan.target.timeout_seconds) * NANOSECONDS)
        recorder = self._recorder.open_step(step, begin_ns)
        violation = None
        try:
            async with self._uploader.open_client(step.batch_size) as client:
                course = _Course(step, begin_ns, cut_ns, client, recorder)
                left_seconds = (cut_ns - self._clock_ns()) / NANOSECONDS + _CUT_GRACE_SECONDS
                async with asyncio.timeout(left_seconds) as cut, asyncio.TaskGroup() as users:
                    for user in members_of(step.virtual_users, self._pod_index, self._plan.parallelism):
                        users.create_task(self._be_user(user, course), name=f"{step.name} user {user}")
            # A stop that came when the load was over, while it drained, took nothing away.
            if not self._draining.is_set() or self._clock_ns() >= course.at(step.duration_seconds):
                recorder.complete()
        except* _BrokenPromiseError as seen:
            violation = _first(seen)
        except* TimeoutError:
            # Each upload has its own time-out, so this is only the last resort for one that is stuck.
            if not cut.expired():
                raise
        finally:
            recorder.end()
        return violation

    async def _be_user(self, user: int, course: _Course) -> None:
        stagger = stagger_seconds(course.step.segments, user)
        for window in windows_of(course.step.segments, user):
            due_ns = max(course.at(window.begin_seconds + stagger), self._clock_ns())
            end_ns = course.at(window.end_seconds)
            if due_ns >= end_ns or not await self._wait_until(due_ns):
                continue
            self.virtual_users += 1
            try:
                await self._loop_until(end_ns, due_ns, course)
            finally:
                self.virtual_users -= 1

    async def _loop_until(self, end_ns: int, due_ns: int, course: _Course) -> None:
        think_ns = int(course.step.think_time_seconds * NANOSECONDS)
        while due_ns < end_ns and await self._wait_until(due_ns):
            if self._clock_ns() >= end_ns:
                # This process was held up while it waited; what would begin now would begin after the load.
                return
            begun = await self._iterate(due_ns, course)
            pause_ns = think_ns if begun else max(think_ns, int(UNSENT_PAUSE_SECONDS * NANOSECONDS))
            due_ns = self._clock_ns() + pause_ns

    async def _iterate(self, due_ns: int, course: _Course) -> bool:
        """One iteration, its response time counted from `due_ns`. Gives whether a request began."""
        progress = Progress()
        flight = course.recorder.begin(due_ns)
        sent_ns = self._clock_ns()
        rows = course.step.batch_size
        try:
            endpoint = self._book.next()
            upload = (
                await self._uploader.upload(course.client, endpoint, rows, progress) if endpoint is not None else None
            )
        except BaseException:
            late = self._clock_ns() >= course.cut_ns
            cut = ErrorKind.TIMEOUT if late else ErrorKind.CANCELLED
            self._finish(flight, self._sample(due_ns, sent_ns, rows, cut, 0, progress), None, progress, course)
            raise
        error = upload.error if upload is not None else ErrorKind.NO_ADDRESS
        confirmed = upload.judgement.records_confirmed if upload is not None else 0
        sample = self._sample(due_ns, sent_ns, rows, error, confirmed, progress)
        self._finish(flight, sample, upload, progress, course)
        if upload is not None and error is not None and outcome_of(error) is Outcome.VIOLATION:
            raise _BrokenPromiseError(_violation(upload, error))
        return progress.begun

    def _finish(self, flight: int, sample: Sample, upload: Upload | None, progress: Progress, course: _Course) -> None:
        course.recorder.finish(flight, sample)
        if self.observe is not None:
            self.observe(Iteration(course.step, sample, upload, progress))

    def _sample(
        self, due_ns: int, sent_ns: int, rows: int, error: ErrorKind | None, confirmed: int, progress: Progress
    ) -> Sample:
        return Sample(
            intended_ns=due_ns,
            sent_ns=sent_ns,
            finished_ns=self._clock_ns(),
            rows=rows,
            error=error,
            records_confirmed=confirmed,
            bytes_sent=progress.body_bytes_sent,
            begun=progress.begun,
        )

    async def _wait_until(self, instant_ns: int) -> bool:
        """Sleep until an instant; False, at once, where nothing new may start."""
        left_seconds = (instant_ns - self._clock_ns()) / NANOSECONDS
        if left_seconds > 0 and not self._draining.is_set():
            try:
                async with asyncio.timeout(left_seconds):
                    await self._draining.wait()
            except TimeoutError:
                pass
        return not self._draining.is_set()


def _violation(upload: Upload, kind: ErrorKind) -> Violation:
    return Violation(
        kind=kind,
        address=str(upload.endpoint),
        status=upload.status,
        rows=upload.rows,
        first_client_id=upload.first_client_id or "",
        message=upload.judgement.detail,
    )


def _first(group: BaseExceptionGroup[_BrokenPromiseError]) -> Violation:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first.violation
