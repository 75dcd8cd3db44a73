"""`ours.py URL FORMAT BATCH_ROWS VIRTUAL_USERS SECONDS`: the generator's engine on a target taken as proven."""

import asyncio
import secrets
import sys
import time

import msgspec

from loadgen.cli import event_loop
from loadgen.http.endpoints import site_of
from loadgen.load.engine import Engine
from loadgen.measure.recorder import Recorder
from loadgen.measure.saturation import Monitor
from loadgen.upload.addresses import AddressBook
from loadgen.upload.name_resolution import resolve
from loadgen.upload.uploading import make_uploader
from loadtest_model.plan import Plan, compile_plan
from loadtest_model.spec import Identity, Spec


def plan_for(url: str, file_format: str, rows: int, virtual_users: int, seconds: int) -> Plan:
    document = {
        "target": {"url": url, "format": file_format},
        "scenario": "custom",
        "load": {"batchSize": rows, "virtualUsers": virtual_users, "duration": f"{seconds}s"},
    }
    return compile_plan(msgspec.convert(document, Spec), Identity(namespace="bench", name="bench", uid="bench"))


async def load(plan: Plan) -> None:
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
    print(step.total, step.errors, violation, monitor.health(), flush=True)


def main() -> None:
    url, file_format, *numbers = sys.argv[1:]
    event_loop.run(load(plan_for(url, file_format, *map(int, numbers))))


if __name__ == "__main__":
    main()
