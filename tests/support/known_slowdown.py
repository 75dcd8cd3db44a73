"""A target that is slower than another by a known factor, and whole runs against it in virtual time."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any, cast

import msgspec

from loadgen.answers.judging import AnswerJudgement
from loadgen.http.transport import Client
from loadgen.http.upload_progress import UploadProgress
from loadgen.load.engine import Engine
from loadgen.measure.recorder import Recorder
from loadgen.upload.addresses import AddressBook
from loadgen.upload.routes import Route
from loadgen.upload.uploading import Upload, Uploader
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.plan import Plan, compile_plan
from loadtest_model.spec import Identity, Spec
from support.known_capacity import ADDRESS
from support.virtual_time import run_in_virtual_time


class SteadyTarget:
    """An uploader whose target answers after log-normal times of a median, with a share of errors."""

    def __init__(self, median_seconds: float, spread: float, seed: int, error_share: float = 0.0) -> None:
        self._location = math.log(median_seconds)
        self._spread = spread
        self._random = Random(seed)
        self._error_share = error_share

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
        await asyncio.sleep(self._random.lognormvariate(self._location, self._spread))
        progress.finished_at = loop.time()
        if self._random.random() < self._error_share:
            return Upload(rows, "c1", route.endpoint, 503, AnswerJudgement(ErrorKind.SERVER_ERROR))
        return Upload(rows, "c1", route.endpoint, 200, AnswerJudgement(None, records_confirmed=rows))


def a_compared_plan(*thresholds: str, duration: str = "120s", users: int = 2, **fields: Any) -> Plan:
    document: dict[str, Any] = {
        "target": {"url": "http://clients.test/upload/"},
        "scenario": "custom",
        "load": {"batchSize": 100, "virtualUsers": users, "duration": duration},
        "thresholds": list(thresholds),
        **fields,
    }
    return compile_plan(msgspec.convert(document, Spec), Identity(namespace="n", name="t", uid="u"))


def measured_run(plan: Plan, target: SteadyTarget) -> Aggregate:
    """All that the engine measures in a run of the plan."""

    async def load() -> Aggregate:
        loop = asyncio.get_running_loop()

        def clock_ns() -> int:
            return round(loop.time() * 1_000_000_000)

        book = AddressBook(has_push=True)
        book.confirm(ADDRESS)
        book.observe((ADDRESS,))
        recorder = Recorder(0, plan.parallelism)
        await Engine(plan, 0, cast("Uploader", target), book, recorder, clock_ns).run(clock_ns())
        return Aggregate(steps=recorder.read(0, clock_ns())[1], pods=1, elapsed_seconds=plan.steps[0].duration_seconds)

    return run_in_virtual_time(load())
