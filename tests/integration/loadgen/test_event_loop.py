"""Nothing of the generator holds its event loop for long, whatever else it does beside the load."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from certificates import make_authority
from loadgen.http.endpoints import parse_endpoint
from loadgen.load.share import Share
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.plan import Place, Plan, SecretPlaces, TlsPlan
from support.loadgen_plans import make_plan

LONGEST_SECONDS = 0.003
LOAD_SECONDS = 8
READ_EVERY_SECONDS = 0.25


@dataclass
class Watch:
    """The processor time of each callback that this thread's event loop ran, the longest with its name."""

    longest: list[tuple[float, str]] = field(default_factory=list)

    def add(self, seconds: float, handle: asyncio.Handle) -> None:
        if seconds > LONGEST_SECONDS / 3:
            self.longest.append((seconds, repr(handle)))


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    watch, thread, run = Watch(), threading.get_ident(), asyncio.Handle._run

    def timed(self: asyncio.Handle) -> None:
        if threading.get_ident() != thread:
            return run(self)
        before = time.thread_time()
        try:
            return run(self)
        finally:
            watch.add(time.thread_time() - before, self)

    with monkeypatch.context() as patch:
        patch.setattr(asyncio.Handle, "_run", timed)
        yield watch


def filler(kib: int) -> str:
    """Metrics such as a Django process with many views has."""
    lines, number = [], 0
    while sum(map(len, lines[-200:])) * max(1, len(lines) // 200) < kib * 1024:
        lines.append(
            f'django_http_requests_latency_seconds_by_view_method_bucket{{le="{number}",view="v{number % 97}"}} 1.0\n'
        )
        number += 1
    return "".join(lines)


METRICS = filler(161) + "process_resident_memory_bytes 1.5e+08\nprocess_start_time_seconds 1.7e+09\n"


async def upload(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response(
        {"success": True, "load_test_mode": True, "load_test_nonce": request.headers["X-Load-Test-Nonce"]}
    )


async def login(request: web.Request) -> web.Response:
    return web.json_response({"access": f"token-{time.monotonic()}", "expires_in": 3})


async def count(request: web.Request) -> web.Response:
    return web.json_response({"count": 7, "clients": [{"id": str(n), "name": "x" * 50} for n in range(3000)]})


async def metrics(request: web.Request) -> web.Response:
    return web.Response(text=METRICS)


class TargetThread:
    """The target, in a thread and an event loop of its own."""

    def __init__(self, tls: Any) -> None:
        self._tls = tls
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        application = web.Application(client_max_size=1 << 30)
        application.router.add_post("/upload/", upload)
        application.router.add_post("/login/", login)
        application.router.add_get("/count/", count)
        application.router.add_get("/metrics", metrics)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, None, 0, ssl_context=self._tls)
        await site.start()
        self.port = runner.addresses[0][1]

    def __enter__(self) -> "TargetThread":
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


def test_nothing_beside_the_load_holds_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = make_authority(tmp_path)
    certificate = authority.sign("target", "IP:127.0.0.1,IP:127.0.0.2,IP:127.0.0.3,DNS:localhost")
    monkeypatch.setenv("ROBOT", "robot")
    monkeypatch.setenv("WORD", "word")
    with TargetThread(certificate.server_context()) as target:
        base = f"https://127.0.0.1:{target.port}"
        plan = make_plan(
            f"{base}/upload/",
            batch_size=500,
            virtual_users=4,
            duration_seconds=LOAD_SECONDS,
            addresses=tuple(f"127.0.0.{n}:{target.port}" for n in (1, 2)),
            places=SecretPlaces(username=Place(variable="ROBOT"), password=Place(variable="WORD")),
            target={
                "response": {"expectCount": "any"},
                "metricsUrl": f"{base}/metrics",
                "format": "xlsx",
                "auth": {
                    "login": {"url": f"{base}/login/", "secretRef": {"name": "robot"}, "expiresInPath": "expires_in"}
                },
            },
        )
        plan = msgspec.structs.replace(
            plan, target=msgspec.structs.replace(plan.target, tls=TlsPlan(ca_file=str(authority.file)))
        )
        with watched(monkeypatch) as watch, asyncio.Runner() as runner:
            runner.run(a_run(plan, target, watch))
    print(sorted(watch.longest, reverse=True)[:25])
    assert 0


async def a_run(plan: Plan, target: TargetThread, watch: Watch) -> None:
    share = Share(plan, 0, "uid", time.monotonic_ns)
    report = await share.prove()
    assert report.proven, report
    watch.longest.clear()
    loading = asyncio.ensure_future(share.load(time.monotonic_ns(), alone=True))
    said, number, encode = 0, 0, msgspec.json.Encoder().encode
    while not loading.done():
        await asyncio.sleep(READ_EVERY_SECONDS)
        number += 1
        snapshot = share.snapshot(0, PodState.RUNNING)
        encode(snapshot)
        share.tell(
            tuple(parse_endpoint(f"127.0.0.{n}:{target.port}") for n in ((1, 2), (1, 2, 3))[number // 4 % 2]),
            more=False,
        )
    assert await loading is None
    share.freeze()
    (step,) = share.snapshot(0, PodState.DONE).steps
    print(step.total, step.errors, share.snapshot(0, PodState.DONE).target_memory, share.notice)
