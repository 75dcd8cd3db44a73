"""One local run: the target proven, the whole load from this process, and everything that was measured."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import structs

from loadgen.load.engine import Engine, Iteration
from loadgen.local.interrupts import Interrupts
from loadgen.measure.recorder import Recorder
from loadgen.measure.saturation import Monitor
from loadgen.measure.target_memory import memory_watch
from loadgen.proof.proving import Prover
from loadgen.proof.verification import CheckObserver
from loadgen.proof.violations import BrokenPromiseError, first_violation
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import make_uploader
from loadtest_model.judgement.abort import Watch, watch
from loadtest_model.judgement.verdict import Facts, Gap
from loadtest_model.measurement.aggregate import Aggregate, aggregate_of
from loadtest_model.measurement.snapshot import SNAPSHOT_SCHEMA, PodState, Snapshot, VerificationReport, Violation
from loadtest_model.measurement.timeline import Timeline, with_series
from loadtest_model.plan import Plan, plan_hash
from loadtest_model.plan.exposure import STOP_SECONDS
from loadtest_model.reasons import Reason
from loadtest_model.values import NANOSECONDS

ABORT_LOOK_SECONDS: Final = 2.0
"""How often the bounds of `abort` are looked at; the operator does so at every reading of the pods."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a run at an instant: what it is judged by, what proved the target, and when the load began."""

    facts: Facts
    report: VerificationReport | None
    started_at: str | None


class Session:
    """Verifies and loads a target; `clock_ns` is the monotonic clock of all its instants.

    `interrupts` may be told to end at any time; a load that it cut is counted and judged like any other. `on_interrupt`
    is called when that happens while the load runs.
    """

    def __init__(self, plan: Plan, clock_ns: Callable[[], int]) -> None:
        self.plan = plan
        self.interrupts = Interrupts(self._interrupted)
        self.started_at: str | None = None
        self.running = False
        self._plan_hash = plan_hash(plan)
        self._clock_ns = clock_ns
        self._start_ns = 0
        self._end_ns: int | None = None
        self._recorder = Recorder(0, plan.parallelism)
        self._monitor = Monitor(clock_ns)
        self._book = AddressBook()
        uploader = make_uploader(plan, 0, lambda: secrets.token_hex(16))
        self._prover = Prover(plan, uploader, self._book)
        self._prover.generator = self._monitor.health
        self._memory = memory_watch(plan, 0, clock_ns)
        self._engine = Engine(plan, 0, uploader, self._book, self._recorder, clock_ns)
        self._violation: Violation | None = None
        self._defect: Exception | None = None
        self._watch = Watch()
        self._cut = asyncio.Event()
        self.on_interrupt: Callable[[], None] | None = None
        self._observers: list[Callable[[Iteration], None]] = []
        self._held: Snapshot | None = None
        self._timeline = Timeline()

    @property
    def breach(self) -> str:
        """The bound of the plan's `abort` that ended the load, and what was measured; empty where none did."""
        return self._watch.breach

    @property
    def report(self) -> VerificationReport | None:
        """What the verification showed; None before it ended."""
        return self._prover.report

    @property
    def defect(self) -> Exception | None:
        """What went wrong in this program itself."""
        return self._defect

    def observe(self, observer: Callable[[Iteration], None], observe_check: CheckObserver | None = None) -> None:
        """Have each finished upload of the load told to `observer`, and those of verifications to `observe_check`."""
        self._observers.append(observer)
        self._engine.observe = self._tell
        if observe_check is not None:
            self._prover.observe_check = observe_check

    async def verify(self) -> VerificationReport | None:
        """Prove the target, a full-size batch included; None where it was interrupted."""
        full_rows = max(step.batch_size for step in self.plan.steps)
        await self._run(self._prove(full_rows))
        return self._prover.report

    async def load(self) -> None:
        """Run the load of all steps, to its end or until it is interrupted twice."""
        self.started_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._start_ns = self._clock_ns()
        self.running = True
        try:
            await self._run(self._load())
        finally:
            self.running = False
            self._end_ns = self._clock_ns()
            self._recorder.freeze()

    @property
    def reads_back(self) -> bool:
        """Whether there is something to read after the load; not where it was halted, for that is judged as it is."""
        return self._prover.reads_back and self._violation is None and not self._cut.is_set()

    async def conclude(self) -> None:
        """Read back what the target has stored, also after a load that was stopped once."""
        if self.reads_back:
            await self._run(self._prover.conclude(), in_spite_of=1)

    def elapsed_seconds(self) -> float:
        """Since the load began; 0 before."""
        if self.started_at is None:
            return 0.0
        return ((self._end_ns or self._clock_ns()) - self._start_ns) / NANOSECONDS

    def aggregate(self) -> Aggregate:
        """All that was measured so far."""
        held = self._held
        sequence, steps = self._recorder.read(held.sequence if held else 0, self._end_ns or self._clock_ns())
        seen = Snapshot(
            schema=SNAPSHOT_SCHEMA,
            pod_index=0,
            pod_uid=self.plan.uid,
            sequence=sequence,
            state=PodState.RUNNING if self.running else PodState.DONE,
            plan_hash=self._plan_hash,
            steps=steps,
        )
        self._held = self._timeline.hear(seen)
        newest = structs.replace(
            self._held,
            violation=self._violation,
            generator=self._monitor.health(),
            target_memory=self._memory.memory,
            elapsed_seconds=self.elapsed_seconds(),
            virtual_users=self._engine.virtual_users,
        )
        return with_series(aggregate_of(newest), self._timeline.series([self.plan.uid]))

    def seen(self) -> Seen:
        """The run as it stands."""
        report = self._prover.report
        facts = Facts(
            plan=self.plan,
            aggregate=self.aggregate(),
            refusal=report if report is not None and report.refusal is not None else None,
            read_back=report.read_back if report is not None else None,
            gaps=tuple(self._gaps()),
            on_record=(Gap(Reason.Aborted, f"aborted: {self.breach}"),) if self.breach else (),
        )
        return Seen(facts, report, self.started_at)

    def _gaps(self) -> list[Gap]:
        gaps = []
        if self._defect is not None:
            asked = "" if isinstance(self._defect, OSError) else "; please report it"
            gaps.append(
                Gap(Reason.GeneratorDefect, f"loadgen failed: {type(self._defect).__name__}: {self._defect}{asked}")
            )
        if self.interrupts.count:
            how = "stopped at once" if self.interrupts.count == 2 else "stopped"
            when = "while it ran" if self.started_at else "before the load began"
            gaps.append(
                Gap(Reason.Stopped, f"the test was {how} by {self.interrupts.source} {when}{self._left_by_proof()}")
            )
        elif self.running:
            gaps.append(Gap(Reason.Running, "the test is still running, or was killed"))
        return gaps

    def _left_by_proof(self) -> str:
        """What a verification that was cut off may have left in the target."""
        report = self._prover.report
        if report is None or report.proven or not report.message:
            return ""
        return f"; {report.message}"

    async def _prove(self, full_rows: int) -> None:
        await self._prover.prove(full_rows=full_rows)

    async def _load(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                following = tasks.create_task(self._prover.keep_fresh())
                watching = tasks.create_task(self._monitor.watch())
                reading = tasks.create_task(self._memory.watch(self._start_ns))
                judging = tasks.create_task(self._watch_bounds())
                self._monitor.restart()
                self._violation = await self._engine.run(self._start_ns, alone=True)
                for task in (following, watching, reading, judging):
                    task.cancel()
        except* BrokenPromiseError as seen:
            self._violation = self._violation or first_violation(seen)

    async def _watch_bounds(self) -> None:
        """Cut the load when a bound of the plan's `abort` is breached for good."""
        while self.plan.abort is not None:
            await asyncio.sleep(ABORT_LOOK_SECONDS)
            self._watch = watch(self.plan, self.aggregate(), self._watch)
            if self.breach:
                self._cut.set()
                return

    async def _run(self, work: Coroutine[Any, Any, None], in_spite_of: int = 0) -> None:
        """Do a part of the run; being interrupted cuts it short, and a defect is kept for the report.

        After more than `in_spite_of` interruptions it is not begun.
        """
        if self.interrupts.count > in_spite_of:
            work.close()
            return
        task, cut = asyncio.ensure_future(work), asyncio.ensure_future(self._cut.wait())
        await asyncio.wait({task, cut}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=STOP_SECONDS)
        cut.cancel()
        error = task.exception() if task.done() and not task.cancelled() else None
        if isinstance(error, Exception):
            self._defect = _root(error)
        elif error is not None:
            raise error

    def _tell(self, iteration: Iteration) -> None:
        for observer in self._observers:
            observer(iteration)

    def _interrupted(self) -> None:
        self._engine.drain()
        if self.interrupts.count == 2 or not self.running:
            self._cut.set()
        if self.running and self.on_interrupt is not None:
            self.on_interrupt()


def _root(error: Exception) -> Exception:
    """The one failure within a group of one."""
    if isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        return _root(error.exceptions[0])
    return error
