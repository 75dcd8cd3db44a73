"""Pods that cost little: the real `loadgen.fleet.pod.Pod`, whose proof and uploads alone are made up.

Control server, states, deadlines, barrier, halting of peers, recorder, snapshots and last word are the generator's own.
Instead of composing and sending, the engine here records what such uploads would have measured; instead of asking a
target, the prover reports a proof at once. All pods of a process share its event loop.
"""

import asyncio
import random
import signal
import time
from collections.abc import Callable
from typing import Any, Final

import loadgen.fleet.pod
import loadgen.load.engine
import loadgen.load.share
import loadgen.proof.proving
from loadgen.fleet.environment import PodSettings
from loadgen.http.stalls import Stalls
from loadgen.http.upload_progress import PartNanoseconds
from loadgen.measure.samples import Sample
from loadtest_model.load.pacing import share_of
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import AddressProofs, ProofLevel, VerificationReport, Violation
from loadtest_model.plan import Plan
from loadtest_model.values import NANOSECONDS

_TICK_SECONDS: Final = 1.0
_MEDIAN_SECONDS: Final = 0.4
_ADDRESS: Final = "127.0.0.1:8000"


class Uploader:
    """Uploads nothing; a pod knows by it when its process came late."""

    def __init__(self) -> None:
        self.stalls = Stalls()


class Prover(loadgen.proof.proving.Prover):
    """A target that is proven as soon as it is asked."""

    @property
    def report(self) -> VerificationReport | None:
        return self._report

    @property
    def proofs(self) -> AddressProofs:
        return AddressProofs(proven=(_ADDRESS,) if self._report else ())

    async def prove(self, *, full_rows: int | None) -> VerificationReport:
        self._report = VerificationReport(
            level=ProofLevel.ECHOED, message="made up", addresses=(_ADDRESS,), uploads=4, rows=full_rows or 11
        )
        return self._report

    async def keep_fresh(self, pause_seconds: float = 0.0) -> None:
        await asyncio.Event().wait()


class Engine(loadgen.load.engine.Engine):
    """Records uploads of about `_MEDIAN_SECONDS` each, as many as its virtual users would have made.

    `began_ns` and `ended_ns` say when its load did. `break_promise` makes it meet a violation.
    """

    def __init__(self, plan: Plan, pod_index: int, *rest: Any) -> None:
        super().__init__(plan, pod_index, *rest)
        self._clock_ns: Callable[[], int] = rest[-1]
        self._random = random.Random(pod_index)
        self._promise_broken: asyncio.Event = asyncio.Event()
        self._drained = asyncio.Event()
        self._users = max(1, share_of(plan.steps[0].virtual_users, pod_index, plan.parallelism))
        self._users_at_work = 0
        self.began_ns = 0
        self.ended_ns = 0

    @property
    def virtual_users(self) -> int:
        return self._users_at_work

    def drain(self) -> None:
        self._drained.set()

    def break_promise(self) -> None:
        self._promise_broken.set()

    async def run(self, start_ns: int, *, is_alone: bool = False) -> Violation | None:
        assert not is_alone
        await asyncio.sleep(max(0.0, (start_ns - self._clock_ns()) / NANOSECONDS))
        self.began_ns = self._clock_ns()
        try:
            for step in self._plan.steps:
                recorder = self._recorder.open_step(step, start_ns)
                self._users_at_work = self._users
                end_ns = start_ns + int(step.duration_seconds * NANOSECONDS)
                tick_start_ns = start_ns
                while tick_start_ns < end_ns:
                    tick_end_ns = min(end_ns, tick_start_ns + int(_TICK_SECONDS * NANOSECONDS))
                    if await self._must_stop_before(tick_end_ns):
                        recorder.end()
                        return self._violation()
                    for intended_ns in range(
                        tick_start_ns, tick_end_ns, int(_MEDIAN_SECONDS / self._users * NANOSECONDS)
                    ):
                        duration_ns = int(self._random.lognormvariate(0, 0.4) * _MEDIAN_SECONDS * NANOSECONDS)
                        recorder.finish(recorder.begin(intended_ns), sample(intended_ns, duration_ns, step.batch_size))
                    tick_start_ns = tick_end_ns
                recorder.mark_complete()
                recorder.end(end_ns)
                start_ns = end_ns
        finally:
            self._users_at_work = 0
            self.ended_ns = self._clock_ns()
        return None

    async def _must_stop_before(self, until_ns: int) -> bool:
        try:
            async with asyncio.timeout(max(0.0, (until_ns - self._clock_ns()) / NANOSECONDS)):
                await self._promise_broken.wait()
        except TimeoutError:
            return self._drained.is_set()
        return True

    def _violation(self) -> Violation | None:
        if not self._promise_broken.is_set():
            return None
        return Violation(
            kind=ErrorKind.MARKER_MISSING,
            address=_ADDRESS,
            status=200,
            rows=1_000,
            first_client_id="C1",
            message="answered 200 without load_test_mode",
        )


class Monitor:
    """Nothing is watched: two hundred pods in one process would be watching each other."""

    def __init__(self, _clock_ns: Callable[[], int], **_: object) -> None:
        pass

    def restart(self) -> None:
        pass

    async def watch(self) -> None:
        await asyncio.Event().wait()

    def health(self) -> GeneratorHealth:
        return GeneratorHealth(memory_bytes=60_000_000, cpu_seconds=1.0)


class Pod(loadgen.fleet.pod.Pod):
    """A pod whose engine can be looked at."""

    @property
    def engine(self) -> Engine:
        return self._share._engine  # type: ignore[return-value]

    @property
    def start_ns(self) -> int:
        """The instant at which it was told to begin; its process may come to it a little later."""
        return self._start_ns

    def terminate(self) -> None:
        """What SIGTERM does."""
        self._terminate(signal.SIGTERM)


def make_pod(settings: PodSettings) -> Pod:
    return Pod(settings, time.monotonic_ns)


def sample(intended_ns: int, duration_ns: int, rows: int) -> Sample:
    return Sample(
        intended_ns=intended_ns,
        sent_ns=intended_ns + 1_000,
        finished_ns=intended_ns + duration_ns,
        rows=rows,
        error=None,
        records_confirmed=rows,
        bytes_sent=rows * 200,
        has_begun=True,
        address=_ADDRESS,
        parts=PartNanoseconds(connect=1_000_000, upload=duration_ns // 2, wait=duration_ns // 2),
    )


loadgen.load.share.Prover = Prover  # type: ignore[attr-defined]
loadgen.load.share.Engine = Engine  # type: ignore[attr-defined,assignment]
loadgen.load.share.Monitor = Monitor  # type: ignore[attr-defined,assignment]
loadgen.load.share.make_uploader = lambda *_: Uploader()  # type: ignore[attr-defined,assignment]
