"""One pod's load without the pod, in the test's own event loop, on a target that is taken as proven."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from http_target import ReceivedUpload, honouring_answer
from loadgen.http.endpoints import parse_endpoint
from loadgen.load.engine import Engine
from loadgen.measure.recorder import Recorder
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import make_uploader
from loadtest_model.measurement.snapshot import Violation
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, compile_plan
from loadtest_model.spec import Identity, Spec


def custom_plan(url: str, *, timeout: str = "10s", parallelism: int = 1, **load: Any) -> Plan:
    """A custom step of batches of 20 rows with these fields of the load."""
    document = {
        "target": {"url": url, "timeout": timeout},
        "scenario": "custom",
        "parallelism": parallelism,
        "load": {"batchSize": 20, **load},
    }
    return compile_plan(msgspec.convert(document, Spec), Identity(namespace="tests", name="open", uid="u"))


class Load:
    """One pod's load with all that belongs to it. The endpoints, or ports of 127.0.0.1, are taken as proven."""

    def __init__(self, plan: Plan, *endpoints: str | int, pod_index: int = 0) -> None:
        self.book = AddressBook()
        for endpoint in endpoints:
            self.book.confirm(parse_endpoint(f"127.0.0.1:{endpoint}" if isinstance(endpoint, int) else endpoint))
        self.recorder = Recorder(pod_index, plan.parallelism)
        nonces = itertools.count()
        uploader = make_uploader(plan, pod_index, lambda: f"nonce-{next(nonces)}")
        self.engine = Engine(plan, pod_index, uploader, self.book, self.recorder, time.monotonic_ns)

    async def run(self) -> Violation | None:
        return await self.engine.run(time.monotonic_ns())

    def steps(self) -> tuple[StepAggregate, ...]:
        return self.recorder.read(0, time.monotonic_ns())[1]

    def step(self) -> StepAggregate:
        """The only step, with its counts found in order."""
        (step,) = self.steps()
        assert step.total.is_conserved
        assert all(second.counts.is_conserved for second in step.seconds)
        assert sum(second.counts.sent for second in step.seconds) == step.total.sent
        assert sum(second.counts.due for second in step.seconds) == step.total.due
        assert sum(second.lapsed for second in step.seconds) == step.total.dropped
        return step


def answer_after(seconds: float) -> Callable[[ReceivedUpload], Awaitable[web.StreamResponse]]:
    """Answers that honour the header, each after so long."""

    async def answer(received: ReceivedUpload) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return honouring_answer(received)

    return answer
