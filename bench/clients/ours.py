"""`ours.py URL FORMAT BATCH_ROWS VIRTUAL_USERS SECONDS`: the generator's engine on a target taken as proven."""

import asyncio
import secrets
import sys
import time
from typing import Any

import msgspec

from loadgen.cli import event_loop
from loadgen.http.endpoints import site_of
from loadgen.load.engine import Engine
from loadgen.measure.recorder import Recorder
from loadgen.measure.saturation import Monitor
from loadgen.upload.addresses import AddressBook
from loadgen.upload.name_resolution import resolve
from loadgen.upload.uploading import make_uploader
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, compile_plan
from loadtest_model.spec import Identity, Spec


def plan_for(
    url: str, file_format: str, rows: int, virtual_users: int, seconds: int, arrivals_per_second: float | None = None
) -> Plan:
    load: dict[str, Any] = {"batchSize": rows, "virtualUsers": virtual_users, "duration": f"{seconds}s"}
    if arrivals_per_second is not None:
        load["arrivalRate"] = arrivals_per_second
    document = {"target": {"url": url, "format": file_format}, "scenario": "custom", "load": load}
    return compile_plan(msgspec.convert(document, Spec), Identity(namespace="bench", name="bench", uid="bench"))


async def load(plan: Plan) -> tuple[StepAggregate, str]:
    """Load a target that is taken as proven; everything that was measured, and what is to be said of the generator."""
    site = site_of(plan.target.url)
    book = AddressBook()
    for endpoint in await resolve(site.host, site.port):
        book.confirm(endpoint)
    recorder = Recorder(0, 1)
    uploader = make_uploader(plan, 0, lambda: secrets.token_hex(16))
    monitor = Monitor(time.monotonic_ns)
    engine = Engine(plan, 0, uploader, book, recorder, time.monotonic_ns)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(monitor.watch())
        violation = await engine.run(time.monotonic_ns(), is_alone=True)
        watching.cancel()
    _, (step,) = recorder.read(0, time.monotonic_ns())
    return step, f"{violation} {monitor.health()}"


def main() -> None:
    url, file_format, *numbers = sys.argv[1:]
    step, generator = event_loop.run(load(plan_for(url, file_format, *map(int, numbers))))
    print(step.total, step.errors, generator, flush=True)


if __name__ == "__main__":
    main()
