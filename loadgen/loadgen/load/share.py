"""One share of a plan: its target is proven and kept so, its steps are run, and everything is measured meanwhile.

Each pod of a fleet runs a share of its own; `loadgen run` is the one pod of its plan.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from loadgen.http.endpoints import Endpoint
from loadgen.load.engine import Engine, Iteration
from loadgen.measure.recorder import Recorder
from loadgen.measure.saturation import Monitor
from loadgen.measure.target_memory import memory_watch
from loadgen.proof.proving import Prover
from loadgen.proof.verification import CheckObserver
from loadgen.proof.violations import BrokenPromiseError, first_violation
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import make_uploader
from loadtest_model.measurement.snapshot import SNAPSHOT_SCHEMA, PodState, Snapshot, VerificationReport, Violation
from loadtest_model.plan import Plan, plan_hash
from loadtest_model.plan.exposure import STOP_SECONDS
from loadtest_model.values import NANOSECONDS


class Share:
    """The share of one pod. `clock_ns` is the monotonic clock of all its instants.

    `report` is what the verification has shown so far. `notice` describes changes of the target's addresses.
    """

    def __init__(self, plan: Plan, pod_index: int, pod_uid: str, clock_ns: Callable[[], int]) -> None:
        self.plan_hash = plan_hash(plan)
        self._pod_index = pod_index
        self._pod_uid = pod_uid
        self._clock_ns = clock_ns
        self._full_rows = max(step.batch_size for step in plan.steps)
        self._start_ns: int | None = None
        self._end_ns: int | None = None
        self._recorder = Recorder(pod_index, plan.parallelism)
        self._memory = memory_watch(plan, pod_index, clock_ns)
        self._book = AddressBook(has_push=bool(plan.target.addresses))
        uploader = make_uploader(plan, pod_index, lambda: secrets.token_hex(16))
        self._monitor = Monitor(clock_ns, stalls=uploader.stalls, on_lag=self._recorder.record_lag)
        self._prover = Prover(plan, uploader, self._book, goes_first=pod_index == 0)
        self._following: asyncio.Task[None] | None = None
        self._prover.generator = self._monitor.health
        self._engine = Engine(plan, pod_index, uploader, self._book, self._recorder, clock_ns)
        self._observers: list[Callable[[Iteration], None]] = []

    @property
    def report(self) -> VerificationReport | None:
        return self._prover.report

    @property
    def notice(self) -> str:
        return self._book.notice

    @property
    def reads_back(self) -> bool:
        """Whether `conclude` has something to read."""
        return self._prover.reads_back

    def observe(self, observer: Callable[[Iteration], None]) -> None:
        """Call `observer` with each finished upload of the load; there may be several observers."""
        self._observers.append(observer)
        self._engine.observer = self._notify_observers

    def observe_checks(self, observer: CheckObserver) -> None:
        """Call `observer` with the uploads of verifications."""
        self._prover.observe_check = observer

    def update_addresses(
        self, addresses: tuple[Endpoint, ...], *, more: bool, age_seconds: float = 0.0, goes_first: bool = False
    ) -> None:
        """Take the target's addresses as they are now, see `Prover.push_addresses`."""
        self._prover.push_addresses(addresses, has_others=more, age_seconds=age_seconds, goes_first=goes_first)

    def renew_proofs(self, older_than_seconds: float) -> None:
        """Have every proof that is older made again while the addresses are followed."""
        self._prover.renew_proofs(older_than_seconds)

    @property
    def resolves_name(self) -> bool:
        """Whether the target's addresses are those of its name."""
        return self._prover.resolves_name

    @property
    def has_forgotten_addresses(self) -> bool:
        """Whether addresses that the operator told of have left the target's name since."""
        return self._prover.has_forgotten_addresses

    def follow_addresses(self) -> asyncio.Task[None]:
        """Follow the target's addresses from now on, through the load; the task fails if one breaks its promise."""
        if self._following is None:
            self._following = asyncio.create_task(self._prover.keep_fresh())
        return self._following

    async def stop_following(self) -> None:
        """Stop following the addresses, and wait until no verification is under way any more."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following}, timeout=STOP_SECONDS)

    def adopt_late_refusal(self) -> None:
        """Let the report be refused by the promise that following the addresses found broken before the load."""
        self._prover.adopt_late_refusal()

    async def prove(self) -> VerificationReport:
        """Verify the target, with a full-size batch if this pod goes first."""
        self._monitor.restart()
        return await self._prover.prove(full_rows=None if self._pod_index else self._full_rows)

    async def prove_alone(self) -> VerificationReport:
        """Verify a target that no load follows for."""
        self._monitor.restart()
        return await self._prover.prove_alone(full_rows=self._full_rows)

    async def load(self, start_ns: int, *, is_alone: bool = False) -> Violation | None:
        """Run all steps from the common start, alone or together with other pods; gives what broke the promise.

        Cancelling cuts every upload in flight and counts it so.
        """
        self._start_ns = start_ns
        violation = None
        try:
            async with asyncio.TaskGroup() as tasks:
                background_tasks = (
                    tasks.create_task(_wait_for(self.follow_addresses())),
                    tasks.create_task(self._monitor.watch()),
                    tasks.create_task(self._memory.watch(start_ns)),
                )
                self._monitor.restart()
                violation = await self._engine.run(start_ns, is_alone=is_alone)
                for task in background_tasks:
                    task.cancel()
        except* BrokenPromiseError as broken_promises:
            violation = violation or first_violation(broken_promises)
        finally:
            self._end_ns = self._clock_ns()
            await self.stop_following()
        return violation

    def drain(self) -> None:
        """Start nothing new; what is in flight is finished."""
        self._engine.drain()

    async def conclude(self) -> None:
        """Read back what the target has stored, when the last answer of all pods is in."""
        await self._prover.conclude()

    async def read_after_halt(self, violation: Violation | None) -> None:
        """Read once what the target has stored, after a load that was halted because of a broken promise."""
        await self._prover.read_after_halt(violation)

    def freeze(self) -> None:
        """Nothing more will be recorded: every snapshot from now on has the last sequence number."""
        self._recorder.freeze()

    def snapshot(self, since: int, state: PodState) -> Snapshot:
        """All that was measured so far, with those seconds that changed after the snapshot numbered `since`."""
        now_ns = self._clock_ns()
        sequence, steps = self._recorder.read(since, now_ns)
        return Snapshot(
            schema=SNAPSHOT_SCHEMA,
            pod_index=self._pod_index,
            pod_uid=self._pod_uid,
            sequence=sequence,
            state=state,
            plan_hash=self.plan_hash,
            message=self._book.notice,
            verification=self._prover.report,
            steps=steps,
            generator=self._monitor.health(),
            target_memory=self._memory.memory,
            elapsed_seconds=self._elapsed_seconds(now_ns),
            virtual_users=self._engine.virtual_users,
            proofs=self._prover.proofs,
        )

    def _elapsed_seconds(self, now_ns: int) -> float:
        """Since the common start, up to the end of this share's load; 0 without a start."""
        if self._start_ns is None:
            return 0.0
        return max(0.0, ((self._end_ns or now_ns) - self._start_ns) / NANOSECONDS)

    def _notify_observers(self, iteration: Iteration) -> None:
        for observer in self._observers:
            observer(iteration)


async def _wait_for(task: asyncio.Task[None]) -> None:
    """Wait for a task, and fail as it does; cancelling the wait leaves the task alone."""
    await asyncio.shield(task)


def sole_error(error: Exception) -> Exception:
    """The one failure within a group of one, as what runs beside each other raises it."""
    if isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        return sole_error(error.exceptions[0])
    return error


async def cut(task: asyncio.Task[Any]) -> None:
    """Cancel what runs a share, and wait until nothing is in flight any more, at most `STOP_SECONDS`."""
    task.cancel()
    await asyncio.wait({task}, timeout=STOP_SECONDS)
