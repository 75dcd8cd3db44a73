"""One local run: the target proven, the whole load from this process, and everything that was measured."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import structs

from loadgen.load.engine import Iteration
from loadgen.load.share import Share, cut, sole_error
from loadgen.local.interrupts import Interrupts
from loadgen.proof.verification import CheckObserver
from loadtest_model.judgement.abort import AbortWatch, watch_for_abort
from loadtest_model.judgement.capacity import climb_end, climb_step
from loadtest_model.judgement.judging import run_health
from loadtest_model.judgement.verdict import Facts, Gap
from loadtest_model.measurement.aggregate import Aggregate, aggregate_of
from loadtest_model.measurement.snapshot import PodState, Snapshot, VerificationReport, Violation
from loadtest_model.measurement.timeline import Timeline, with_series
from loadtest_model.plan import Plan
from loadtest_model.reasons import Reason

ABORT_CHECK_SECONDS: Final = 2.0
"""How often the bounds of `abort` are looked at; the operator does so at every reading of the pods."""


CLIMB_CHECK_SECONDS: Final = 1.0
"""How often the plateaus of a climb are judged."""


@dataclass(frozen=True, slots=True)
class SessionState:
    """A run at one instant: the facts for its verdict, the report of the verification, and when the load began.

    `snapshot` is what this process says of itself, without the seconds, and `manifest` the test as YAML.
    """

    facts: Facts
    snapshot: Snapshot
    manifest: str
    report: VerificationReport | None
    started_at: str | None


class Session:
    """Verifies and loads a target from this process alone; `clock_ns` is the monotonic clock of all its instants.

    `manifest` is the test as YAML, for the results.

    `interrupts` may end it at any time. A load that was cut is counted and judged like any other. `on_interrupt` is
    called at an interruption while the load runs. `climb_end` says why a climb ended before its highest load.
    """

    def __init__(self, plan: Plan, clock_ns: Callable[[], int], manifest: str = "") -> None:
        self.plan = plan
        self.interrupts = Interrupts(self._handle_interrupt)
        self.started_at: str | None = None
        self.is_running = False
        self._clock_ns = clock_ns
        self._manifest = manifest
        self._share = Share(plan, 0, plan.uid, clock_ns)
        self._violation: Violation | None = None
        self._defect: Exception | None = None
        self._watch = AbortWatch()
        self.climb_end = ""
        self._cut_request = asyncio.Event()
        self.on_interrupt: Callable[[], None] | None = None
        self._timeline = Timeline()
        self._newest_snapshot: Snapshot | None = None

    @property
    def breach(self) -> str:
        """The bound of the plan's `abort` that ended the load, and what was measured; empty if none did."""
        return self._watch.breach

    @property
    def report(self) -> VerificationReport | None:
        """What the verification showed; None before it ended."""
        return self._share.report

    @property
    def defect(self) -> Exception | None:
        """The error in this program itself, if there was one."""
        return self._defect

    def observe(self, observer: Callable[[Iteration], None], observe_check: CheckObserver | None = None) -> None:
        """Call `observer` with each finished upload of the load, and `observe_check` with those of verifications."""
        self._share.observe(observer)
        if observe_check is not None:
            self._share.observe_checks(observe_check)

    async def verify(self) -> VerificationReport | None:
        """Prove the target, a full-size batch included; None if it was interrupted."""
        await self._run(self._share.prove())
        return self.report

    async def load(self) -> None:
        """Run the load of all steps, to its end or until it is interrupted twice."""
        self.started_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.is_running = True
        try:
            await self._run(self._load())
        finally:
            self.is_running = False
            self._share.freeze()

    @property
    def reads_back(self) -> bool:
        """Whether there is something to read after the load; not if it was cut, because that is judged as it is."""
        return self._share.reads_back and not self._cut_request.is_set()

    async def conclude(self) -> None:
        """Read back what the target has stored, also after a load that was stopped once."""
        if self.reads_back:
            violation = self._violation
            work = self._share.conclude() if violation is None else self._share.read_after_halt(violation)
            await self._run(work, tolerated_interrupts=1)

    def aggregate(self) -> Aggregate:
        """All that was measured so far."""
        return self._aggregate_of(self._take_snapshot())

    def current_state(self) -> SessionState:
        """The run as it stands."""
        report = self.report
        snapshot = self._take_snapshot()
        facts = Facts(
            plan=self.plan,
            aggregate=self._aggregate_of(snapshot),
            refusal=report if report is not None and report.refusal is not None else None,
            read_back=report.read_back if report is not None else None,
            refused_addresses=report.refused_addresses if report is not None else (),
            gaps=tuple(self._gaps()),
            recorded_failures=(Gap(Reason.Aborted, f"aborted: {self.breach}"),) if self.breach else (),
            load_began=self.started_at is not None,
            climb_ended=bool(self.climb_end),
        )
        return SessionState(facts, snapshot, self._manifest, report, self.started_at)

    def snapshot_since(self, since: int) -> Snapshot:
        """What this process says of itself, with those seconds that changed after the snapshot numbered `since`."""
        return self._share.snapshot(since, PodState.RUNNING if self.is_running else PodState.DONE)

    def _take_snapshot(self) -> Snapshot:
        """The share as it stands; its seconds go into the timeline."""
        since = self._newest_snapshot.sequence if self._newest_snapshot else 0
        snapshot = self.snapshot_since(since)
        self._newest_snapshot = self._timeline.add_snapshot(snapshot)
        return structs.replace(snapshot, steps=self._newest_snapshot.steps, violation=self._violation)

    def _aggregate_of(self, snapshot: Snapshot) -> Aggregate:
        return with_series(aggregate_of(snapshot), self._timeline.series([self.plan.uid]))

    def _gaps(self) -> list[Gap]:
        gaps = []
        if self._defect is not None:
            request_text = "" if isinstance(self._defect, OSError) else "; please report it"
            gaps.append(
                Gap(
                    Reason.GeneratorDefect,
                    f"loadgen failed: {type(self._defect).__name__}: {self._defect}{request_text}",
                )
            )
        if self.interrupts.count:
            manner = "stopped at once" if self.interrupts.count == 2 else "stopped"
            moment = "while it ran" if self.started_at else "before the load began"
            gaps.append(
                Gap(
                    Reason.Stopped,
                    f"the test was {manner} by {self.interrupts.source} {moment}{self._proof_remainder()}",
                )
            )
        elif self.is_running:
            gaps.append(Gap(Reason.Running, "the test is still running, or was killed"))
        return gaps

    def _proof_remainder(self) -> str:
        """What a verification that was cut off may have left in the target."""
        report = self.report
        if report is None or report.is_proven or not report.message:
            return ""
        return f"; {report.message}"

    async def _load(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            watch_tasks = [tasks.create_task(watch) for watch in (self._watch_bounds(), self._watch_climb())]
            self._violation = await self._share.load(self._clock_ns(), is_alone=True)
            for task in watch_tasks:
                task.cancel()

    async def _watch_bounds(self) -> None:
        """Cut the load when a bound of the plan's `abort` is breached for good."""
        while self.plan.abort is not None:
            await asyncio.sleep(ABORT_CHECK_SECONDS)
            self._watch = watch_for_abort(self.plan, self.aggregate(), self._watch)
            if self.breach:
                self._cut_request.set()
                return

    async def _watch_climb(self) -> None:
        """Start nothing new once a plateau of the climb did not hold, or the target is in a critical state."""
        while climb_step(self.plan) is not None and not self.interrupts.count:
            await asyncio.sleep(CLIMB_CHECK_SECONDS)
            aggregate = self.aggregate()
            self.climb_end = climb_end(self.plan, aggregate, run_health(self.plan, aggregate))
            if self.climb_end:
                self._share.drain()
                return

    async def _run(self, work: Coroutine[Any, Any, object], tolerated_interrupts: int = 0) -> None:
        """Do a part of the run; being interrupted cuts it short, and a defect is kept for the report.

        After more than `tolerated_interrupts` interruptions it is not begun.
        """
        if self.interrupts.count > tolerated_interrupts:
            work.close()
            return
        task, cut_task = asyncio.ensure_future(work), asyncio.ensure_future(self._cut_request.wait())
        await asyncio.wait({task, cut_task}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await cut(task)
        cut_task.cancel()
        error = task.exception() if task.done() and not task.cancelled() else None
        if isinstance(error, Exception):
            self._defect = sole_error(error)
        elif error is not None:
            raise error

    def _handle_interrupt(self) -> None:
        self._share.drain()
        if self.interrupts.count == 2 or not self.is_running:
            self._cut_request.set()
        if self.is_running and self.on_interrupt is not None:
            self.on_interrupt()
