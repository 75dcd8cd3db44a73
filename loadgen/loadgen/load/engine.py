"""This pod's share of the load, step by step.

Step k begins the sum of the spans of the steps before it after the common start; a span is a step's load and its
longest drain. So all pods begin each step together without a word, whatever happened in the step before.
"""

import asyncio
from collections.abc import Callable
from itertools import accumulate
from typing import Final

from loadgen.load.closed_model import ClosedModel
from loadgen.load.gate import Gate
from loadgen.load.iterating import Iteration, IterationRunner, StepRun
from loadgen.load.open_model import OpenModel
from loadgen.load.timing import Timing
from loadgen.measure.recorder import Recorder
from loadgen.proof.violations import BrokenPromiseError, first_violation
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import Uploader
from loadtest_model.load.pacing import share_of
from loadtest_model.measurement.snapshot import Violation
from loadtest_model.plan import Plan, Step
from loadtest_model.values import NANOSECONDS

__all__ = ["Engine", "Iteration"]

_CUT_GRACE_SECONDS: Final = 1.0


class Engine:
    """Runs a pod's share of a plan. `clock_ns` is the monotonic clock that every instant is given on.

    `observer`, if it is set before the run, is called with each finished iteration.
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
        self._recorder = recorder
        self._timing = Timing(clock_ns)
        self._iteration_runner = IterationRunner(uploader, book, clock_ns, plan.target.timeout_seconds)
        self._model: ClosedModel | OpenModel | None = None

    @property
    def virtual_users(self) -> int:
        """How many virtual users of this pod are at work."""
        return 0 if self._model is None else self._model.virtual_users

    @property
    def observer(self) -> Callable[[Iteration], None] | None:
        return self._iteration_runner.observer

    @observer.setter
    def observer(self, observer: Callable[[Iteration], None] | None) -> None:
        self._iteration_runner.observer = observer

    def drain(self) -> None:
        """Start nothing new; what is in flight is finished."""
        self._timing.drain()

    async def run(self, start_ns: int, *, is_alone: bool = False) -> Violation | None:
        """Run all steps from the common start; gives the violation that ended it, if one did.

        A pod that is alone need not wait for others: a step begins as soon as the one before has drained.
        Cancelling cuts every upload in flight and counts it so.
        """
        offsets = accumulate(self._plan.step_span_seconds, initial=0.0)
        for step, offset_seconds in zip(self._plan.steps, offsets, strict=False):
            if self._timing.is_draining:
                break
            begin_ns = start_ns + int(offset_seconds * NANOSECONDS)
            if is_alone:
                begin_ns = max(start_ns, self._timing.clock_ns())
            violation = await self._run_step(step, begin_ns)
            if violation is not None:
                return violation
        return None

    async def _run_step(self, step: Step, begin_ns: int) -> Violation | None:
        recorder = self._recorder.open_step(step, begin_ns)
        violation = None
        load_end_ns = None
        try:
            async with self._uploader.open_client(step.batch_size) as client:
                end_ns = begin_ns + int(step.duration_seconds * NANOSECONDS)
                step_run = StepRun(step, begin_ns, client, recorder, Gate(self._timing, end_ns))
                await self._load(step_run)
            if self._ran_to_its_end(step_run):
                recorder.mark_complete()
                load_end_ns = step_run.end_ns if step.records is None else None
        except* BrokenPromiseError as broken_promises:
            violation = first_violation(broken_promises)
        finally:
            now_ns, drain_start_ns = self._timing.clock_ns(), self._timing.drain_start_ns
            recorder.end(load_end_ns or (now_ns if drain_start_ns is None else min(now_ns, drain_start_ns)))
        return violation

    async def _load(self, step_run: StepRun) -> None:
        """The load of a step and its drain; what is in flight after the drain is cut."""
        step, pods = step_run.step, self._plan.parallelism
        model: ClosedModel | OpenModel = (
            ClosedModel(step_run, self._pod_index, pods, self._iteration_runner, self._timing)
            if step.arrivals is None
            else OpenModel(
                step_run, self._pod_index, pods, self._iteration_runner, self._timing, str(self._plan.records.seed)
            )
        )
        self._model = model
        remaining_seconds = (step_run.end_ns - self._timing.clock_ns()) / NANOSECONDS + step.graceful_stop_seconds
        if step.graceful_stop_seconds >= self._plan.target.timeout_seconds:
            # Each upload has its own time-out, so the cut is only the last resort for one that is stuck.
            remaining_seconds += _CUT_GRACE_SECONDS
        closing = asyncio.create_task(step_run.gate.close_in_time(), name=f"{step.name} gate")
        try:
            async with asyncio.timeout(remaining_seconds) as deadline, asyncio.TaskGroup() as tasks:
                model.start(tasks)
        except TimeoutError:
            if not deadline.expired():
                raise
        finally:
            closing.cancel()
            # Of a user that was cancelled before its first turn the model itself never hears.
            self._model = None

    def _ran_to_its_end(self, step_run: StepRun) -> bool:
        """Whether nobody cut the load short; a stop while it drained took nothing away."""
        if step_run.step.uploads is not None:
            return step_run.recorder.due == share_of(step_run.step.uploads, self._pod_index, self._plan.parallelism)
        drain_start_ns = self._timing.drain_start_ns
        return drain_start_ns is None or drain_start_ns >= step_run.end_ns
