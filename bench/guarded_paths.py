"""The paths whose instructions `bench.guard` counts: each is called some hundred times between two markers.

Run alone it does the same work; its output says how often each path was called.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable
from typing import Final, cast

import msgspec

from bench.clients.ours import plan_for
from bench.operator.merging import STEP, SimulatedPod
from bench.operator.pods import sample
from loadgen.answers.judging import AnswerPaths, HttpAnswer, judge
from loadgen.cli import event_loop
from loadgen.formats import XlsxFormat
from loadgen.http.answer_heads import AnswerHeads
from loadgen.http.endpoints import Endpoint
from loadgen.load.engine import Engine
from loadgen.measure.recorder import Recorder
from loadgen.records import Composer, RecordSpace, load_pools
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import make_uploader
from loadtest_model.measurement.aggregate import merge_snapshots
from loadtest_model.measurement.snapshot import Snapshot
from loadtest_model.plan import Plan
from loadtest_model.values import NANOSECONDS

_BODY: Final = b'{"success": true, "load_test_mode": true, "processed_count": 10}'
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)
_UPLOADS: Final = 400

Path = Callable[[], object]


def compose(rows: int) -> Path:
    composer = Composer(RecordSpace(seed=1, run_tag=1), load_pools())

    def compose_one() -> None:
        for chunk in composer.compose(rows).chunks():
            del chunk

    return compose_one


def encode_workbook(rows: int) -> Path:
    made = XlsxFormat()
    composer = Composer(RecordSpace(seed=1, run_tag=1), load_pools(), made.rendering)
    return lambda: asyncio.run(made.encode(composer.compose(rows)))


def record() -> Path:
    recorder = Recorder(0, 1).open_step(STEP, 0)
    upload = sample(NANOSECONDS, 2_000_000, 10)
    return lambda: recorder.finish(recorder.begin(NANOSECONDS), upload)


def judge_answer() -> Path:
    paths = AnswerPaths(marker="load_test_mode", count="processed_count", nonce="load_test_nonce")
    answer = HttpAnswer(200, {}, _BODY)
    return lambda: judge(answer, 10, "nonce", paths)


def merge_pods() -> Path:
    pods = [SimulatedPod(index) for index in range(10)]
    for pod in pods:
        pod.load_until(60)
    answers = [pod.answer() for pod in pods]
    decoder = msgspec.json.Decoder(Snapshot)
    return lambda: merge_snapshots([decoder.decode(answer) for answer in answers])


class _Target(asyncio.Protocol):
    """Answers whenever a request has come whole, which one of ten rows does in one read or two."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(b"--\r\n"):
            self._received = b""
            self._transport.write(_ANSWER)


async def upload_all(plan: Plan) -> None:
    """A load of small uploads with the whole engine, with a target in the same process."""
    server = await asyncio.get_running_loop().create_server(_Target, "127.0.0.1", 0)
    address, port = server.sockets[0].getsockname()
    book = AddressBook()
    book.confirm(Endpoint(address, port))
    recorder, numbers = Recorder(0, 1), iter(range(10**9))
    uploader = make_uploader(plan, 0, lambda: f"{next(numbers):032x}")
    engine = Engine(plan, 0, uploader, book, recorder, time.monotonic_ns)
    remaining = 2 * _UPLOADS

    def mark(_: object) -> None:
        nonlocal remaining
        remaining -= 1
        if remaining == _UPLOADS:
            os.getppid()
        elif remaining == 0:
            os.getppid()
            engine.drain()

    engine.observer = mark
    violation = await engine.run(time.monotonic_ns(), is_alone=True)
    server.close()
    _, (step,) = recorder.read(0, time.monotonic_ns())
    assert violation is None
    assert not step.errors


def main() -> None:
    paths: list[tuple[str, int, Path]] = [
        ("compose a chunk of 2,500 rows", 100, compose(2_500)),
        ("compose a file of 10 rows", 1_000, compose(10)),
        ("compose and pack an XLSX file of 10,000 rows", 10, encode_workbook(10_000)),
        ("record an upload", 1_000, record()),
        ("judge an answer", 1_000, judge_answer()),
        ("decode and merge ten pods after a minute", 20, merge_pods()),
    ]
    for _, calls, call in paths:
        call()
        os.getppid()
        for _ in range(calls):
            call()
        os.getppid()
    heads = AnswerHeads(asyncio.new_event_loop())
    heads.whole_answer(_ANSWER)
    os.getppid()
    for _ in range(1_000):
        heads.whole_answer(_ANSWER)
    os.getppid()
    event_loop.run(upload_all(plan_for("http://127.0.0.1:1/upload/", "csv", 10, 5, 3_600)))
    counted = [(name, calls) for name, calls, _ in paths]
    print(json.dumps([*counted, ("know an answer by its head", 1_000), ("upload a file of 10 rows, whole", _UPLOADS)]))


if __name__ == "__main__":
    main()
