"""A target whose capacity is known beforehand, and climbs against it in virtual time.

It has so many workers, each of which serves one upload at a time. Service times are exponential, so queueing theory
says what the response times are at each load.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from random import Random
from typing import Any, Final, cast

import msgspec

from loadgen.answers.judging import AnswerJudgement
from loadgen.http.endpoints import parse_endpoint
from loadgen.http.stalls import Stalls
from loadgen.http.transport import Client
from loadgen.http.upload_progress import UploadProgress
from loadgen.load.engine import Engine
from loadgen.measure.recorder import Recorder
from loadgen.upload.addresses import AddressBook
from loadgen.upload.routes import Route
from loadgen.upload.uploading import Upload, Uploader
from loadtest_model.judgement.capacity import CapacityFinding, capacity_of, climb_end
from loadtest_model.judgement.climb import plateau_levels
from loadtest_model.judgement.health import Health
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.plan import Plan, compile_plan
from loadtest_model.spec import Identity, Spec

LOOK_SECONDS: Final = 2.0
ADDRESS: Final = parse_endpoint("127.0.0.1:8000")


class WorkerPool:
    """An uploader whose target has `workers`, each with exponential service times of a mean; uploads wait in line.

    From `errors_after` on, counted in uploads under way, an upload beyond them is rejected at once.
    """

    def __init__(self, workers: int, mean_seconds: float, seed: int, errors_after: int | None = None) -> None:
        self._free = asyncio.Semaphore(workers)
        self._mean_seconds = mean_seconds
        self._random = Random(seed)
        self._errors_after = errors_after
        self._under_way = 0
        self.uploads = 0
        self.stalls = Stalls()

    @asynccontextmanager
    async def open_client(self, _rows: int) -> AsyncIterator[Client]:
        yield cast("Client", None)

    async def upload(
        self, _client: Client, route: Route, rows: int, progress: UploadProgress, *, is_traced: bool = False
    ) -> Upload:
        loop = asyncio.get_running_loop()
        progress.has_begun = True
        # Nothing of what follows is the generator's own time.
        progress.ready_at = loop.time()
        self.uploads += 1
        self._under_way += 1
        try:
            if self._errors_after is not None and self._under_way > self._errors_after:
                await asyncio.sleep(0.05)
                return Upload(rows, "c1", route.endpoint, 503, AnswerJudgement(ErrorKind.SERVER_ERROR))
            async with self._free:
                await asyncio.sleep(self._random.expovariate(1 / self._mean_seconds))
        finally:
            self._under_way -= 1
            progress.finished_at = loop.time()
        return Upload(rows, "c1", route.endpoint, 200, AnswerJudgement(None, records_confirmed=rows))


def a_capacity_plan(parallelism: int = 1, thresholds: tuple[str, ...] = (), timeout: str = "60s", **load: Any) -> Plan:
    document: dict[str, Any] = {
        "target": {"url": "http://clients.test/upload/", "timeout": timeout},
        "scenario": "capacity",
        "parallelism": parallelism,
        "load": load,
    }
    if thresholds:
        document["thresholds"] = list(thresholds)
    return compile_plan(msgspec.convert(document, Spec), Identity(namespace="n", name="t", uid="u"))


async def climb(plan: Plan, pool: WorkerPool) -> tuple[CapacityFinding, Aggregate, float]:
    """Climb as `loadgen run` does. Gives what was found, what was measured, and how many seconds the load took."""
    loop = asyncio.get_running_loop()

    def clock_ns() -> int:
        return round(loop.time() * 1_000_000_000)

    book = AddressBook(has_push=True)
    book.confirm(ADDRESS)
    book.observe((ADDRESS,))
    recorder = Recorder(0, plan.parallelism)
    engine = Engine(plan, 0, cast("Uploader", pool), book, recorder, clock_ns)
    began_at = loop.time()

    def measured() -> Aggregate:
        return Aggregate(steps=recorder.read(0, clock_ns())[1], pods=1)

    running = asyncio.create_task(engine.run(clock_ns()))
    while not running.done():
        await asyncio.wait({running}, timeout=LOOK_SECONDS)
        if climb_end(plan, measured(), Health()):
            engine.drain()
            await running
    running.result()
    finding = capacity_of(plan, measured(), Health())
    assert finding is not None
    return finding, measured(), loop.time() - began_at


@cache
def closed_response_quantile(quantile: float, users: int, workers: int, mean_seconds: float) -> float:
    """The exact quantile of the response time with so many virtual users that never pause.

    An upload that finds all workers busy waits for `users - workers` others to end, and each of these takes an
    exponential time of the mean over the workers. Then it is served itself.
    """
    waits = max(0, users - workers)
    return _root(lambda t: _exceeds(t, waits, workers / mean_seconds, 1 / mean_seconds), 1 - quantile)


@cache
def open_response_quantile(quantile: float, rate: float, workers: int, mean_seconds: float) -> float:
    """The exact quantile of the response time of an M/M/c queue; infinite if it is overloaded (Erlang's C)."""
    offered = rate * mean_seconds
    if offered >= workers:
        return math.inf
    head = sum(offered**k / math.factorial(k) for k in range(workers))
    tail = offered**workers / math.factorial(workers) / (1 - offered / workers)
    waiting = tail / (head + tail)
    service, drain = 1 / mean_seconds, (workers - offered) / mean_seconds

    def exceeds(t: float) -> float:
        if math.isclose(service, drain):
            return math.exp(-service * t) * (1 + waiting * service * t)
        both = (drain * math.exp(-service * t) - service * math.exp(-drain * t)) / (drain - service)
        return (1 - waiting) * math.exp(-service * t) + waiting * both

    return _root(exceeds, 1 - quantile)


def _exceeds(t: float, waits: int, wait_rate: float, service_rate: float) -> float:
    """The chance that a sum of `waits` exponential times of one rate and one of another is longer than t."""
    if waits == 0:
        return math.exp(-service_rate * t)
    pieces = 400
    total = _erlang_exceeds(t, waits, wait_rate)
    width = t / pieces
    for number in range(pieces):
        x = (number + 0.5) * width
        log_density = waits * math.log(wait_rate) + (waits - 1) * math.log(x) - wait_rate * x - math.lgamma(waits)
        total += math.exp(log_density) * width * math.exp(-service_rate * (t - x))
    return total


def _erlang_exceeds(t: float, count: int, rate: float) -> float:
    return sum(math.exp(-rate * t + k * math.log(rate * t) - math.lgamma(k + 1)) for k in range(count))


def _root(exceeds: Callable[[float], float], share: float) -> float:
    low, high = 1e-9, 1.0
    while exceeds(high) > share:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if exceeds(middle) > share else (low, middle)
    return high


def known_place(plan: Plan, quantile: float, bound_seconds: float, workers: int, mean_seconds: float) -> int:
    """The place in the plan's ladder of the highest load whose exact quantile is below the bound; -1 if none is."""
    (step,) = plan.steps
    quantile_of: Callable[[float], float] = (
        (lambda level: closed_response_quantile(quantile, int(level), workers, mean_seconds))
        if step.arrivals is None
        else (lambda level: open_response_quantile(quantile, level, workers, mean_seconds))
    )
    return sum(quantile_of(level) < bound_seconds for level in plateau_levels(step)) - 1
