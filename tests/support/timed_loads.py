"""Loads on a clock that passes by waiting alone, against an uploader that takes as long as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from loadgen.answers.judging import AnswerJudgement
from loadgen.http.endpoints import Endpoint, parse_endpoint
from loadgen.http.stalls import Stalls
from loadgen.http.transport import Client
from loadgen.http.upload_progress import UploadProgress
from loadgen.load.engine import Engine
from loadgen.measure.recorder import Recorder
from loadgen.upload.addresses import AddressBook
from loadgen.upload.routes import Route
from loadgen.upload.uploading import Upload, Uploader
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, compile_plan
from loadtest_model.spec import Identity, Spec

ADDRESS = "127.0.0.1:8000"


@dataclass
class TimedUploader:
    """Each upload takes the next of the given times, and ends as the next of the given errors says.

    Before that its file is made, one after the other, in the next of the times of `making_seconds`. There is no token
    for the first `token_seconds`. An upload that fails asks for a pause of `pause_seconds`.
    """

    seconds: list[float]
    errors: list[ErrorKind | None] = field(default_factory=lambda: [None])
    making_seconds: list[float] = field(default_factory=lambda: [0.0])
    token_seconds: float = 0.0
    pause_seconds: float = 0.0
    token_at: float = 0.0
    stalls: Stalls = field(default_factory=Stalls)
    begun_at: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    encoder: asyncio.Lock = field(default_factory=asyncio.Lock)
    files_made: int = 0

    def prepare(self, book: AddressBook, addresses: tuple[Endpoint, ...], began_at: float) -> None:
        """The load begins now."""
        self.token_at = began_at + self.token_seconds

    @asynccontextmanager
    async def open_client(self, _rows: int) -> AsyncIterator[Client]:
        yield cast("Client", None)

    async def upload(
        self, _client: Client, route: Route, rows: int, progress: UploadProgress, *, is_traced: bool = False
    ) -> Upload:
        assert is_traced
        await asyncio.sleep(self.token_at - asyncio.get_running_loop().time())
        await self._make_file()
        number = len(self.begun_at)
        self.begun_at.append(asyncio.get_running_loop().time())
        self.rows.append(rows)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        progress.has_begun = True
        progress.ready_at = progress.last_byte_at = self.begun_at[-1]
        try:
            await asyncio.sleep(self.seconds[number % len(self.seconds)])
        finally:
            self.under_way -= 1
        error = self.errors[number % len(self.errors)]
        judgement = AnswerJudgement(error, records_confirmed=0 if error else rows)
        pause_seconds = self.pause_seconds if error else None
        return Upload(rows, "c1", route.endpoint, 200, judgement, retry_after_seconds=pause_seconds)

    async def _make_file(self) -> None:
        async with self.encoder:
            making_seconds = self.making_seconds[self.files_made % len(self.making_seconds)]
            self.files_made += 1
            if making_seconds:
                await asyncio.sleep(making_seconds)


@dataclass(frozen=True)
class Ran:
    """A load that is over: what was recorded, and what the uploader knows."""

    step: StepAggregate
    uploader: TimedUploader
    began_at: float
    virtual_users: int

    @property
    def due_at(self) -> list[float]:
        """When uploads began, in seconds from the common start."""
        return [at - self.began_at for at in self.uploader.begun_at]


def a_custom_plan(parallelism: int = 1, **load: Any) -> Plan:
    document = {
        "target": {"url": "http://clients.test/upload/", "timeout": "5s"},
        "scenario": "custom",
        "parallelism": parallelism,
        "load": {"batchSize": 10, **load},
    }
    return compile_plan(msgspec.convert(document, Spec), Identity(namespace="n", name="t", uid="u"))


async def load(
    plan: Plan,
    uploader: TimedUploader,
    *,
    index: int = 0,
    drain_at: float | None = None,
    cancel_at: float | None = None,
    addresses: tuple[Endpoint, ...] = (parse_endpoint(ADDRESS),),
    recorder: Recorder | None = None,
) -> Ran:
    loop = asyncio.get_running_loop()

    def clock_ns() -> int:
        return round(loop.time() * 1_000_000_000)

    book = AddressBook(has_push=True)
    for address in addresses:
        book.confirm(address)
    book.observe(addresses)
    recorder = recorder or Recorder(index, plan.parallelism)
    engine = Engine(plan, index, cast("Uploader", uploader), book, recorder, clock_ns)
    began_at = loop.time()
    uploader.prepare(book, addresses, began_at)
    running = asyncio.create_task(engine.run(clock_ns()))
    if drain_at is not None:
        loop.call_later(drain_at, engine.drain)
    if cancel_at is not None:
        loop.call_later(cancel_at, running.cancel)
    await asyncio.wait({running})
    if not running.cancelled():
        running.result()
    (step,) = recorder.read(0, clock_ns())[1]
    return Ran(step, uploader, began_at, engine.virtual_users)
