"""A long line of tests for one target: what it costs while nothing changes, and how long a change takes."""

import asyncio
import time
from dataclasses import dataclass
from itertools import count
from typing import Final

from bench.operator.scenarios import Figure
from bench.operator.stage import LOADTESTS, NAMESPACE, Stage

_CHANGES: Final = 3
_PODS: Final = 2
_POLL_SECONDS: Final = 0.05
_LOAD_SECONDS: Final = 3_600.0
_numbers = count()


@dataclass(frozen=True, slots=True)
class _Change:
    """How long a stop took to the verdict, the next test from there to its pods and to its load, and what it wrote."""

    stop_seconds: float
    start_seconds: float
    load_seconds: float
    writes: float


@dataclass(frozen=True, slots=True)
class _Rest:
    """What goes on while nothing changes but one test's load."""

    cores: float
    requests_per_second: float
    progress_per_minute: float


async def line(stage: Stage, tests: int, rest_seconds: float = 30.0) -> list[Figure]:
    """One test runs, the others wait: with nobody in line, and with all of them."""
    stage.operator.kill()
    stage.operator.start()
    await asyncio.sleep(5)
    for _ in range(2):
        await _apply(stage)
    await _until_loads(stage, 0, 60)
    before = await _rest(stage, rest_seconds)
    alone = await _change(stage)
    applied = time.monotonic()
    for _ in range(tests):
        await _apply(stage)
    # One that nobody has looked at yet has no conditions.
    while not all(status.get("conditions") for status in (await stage.statuses()).values()):
        _give_up(applied, 900, "all wait")
        await asyncio.sleep(1)
    all_wait = time.monotonic() - applied
    await asyncio.sleep(10)
    at_rest = await _rest(stage, rest_seconds)
    changes = [await _change(stage) for _ in range(_CHANGES)]
    await stage.call("DELETE", f"{LOADTESTS}/namespaces/{NAMESPACE}/loadtests")
    label = f"{tests} tests in line"
    return [
        Figure(f"{label}: apply to all of them waiting", f"{all_wait:.1f} s"),
        *_figures_of_rest("nobody in line", before, bounded=False),
        *_figures_of_rest(label, at_rest, bounded=True),
        *_figures_of_changes("1 test in line", [alone], bounded=False),
        *_figures_of_changes(label, changes, bounded=True),
    ]


def _figures_of_rest(label: str, rest: _Rest, *, bounded: bool) -> list[Figure]:
    return [
        Figure(f"{label}, nothing changes: operator", f"{rest.cores:.3f} cores", "0.1 cores" if bounded else ""),
        Figure(f"{label}, nothing changes: requests to the API server", f"{rest.requests_per_second:.1f} /s"),
        Figure(f"{label}, nothing changes: progress written", f"{rest.progress_per_minute:.0f} /min"),
    ]


def _figures_of_changes(label: str, changes: list[_Change], *, bounded: bool) -> list[Figure]:
    bound = "2 s" if bounded else ""
    return [
        Figure(f"{label}: stop to verdict, worst", f"{max(one.stop_seconds for one in changes):.2f} s", bound),
        Figure(
            f"{label}: from there to the next one's pods, worst",
            f"{max(one.start_seconds for one in changes):.2f} s",
            bound,
        ),
        Figure(f"{label}: from there to its load, worst", f"{max(one.load_seconds for one in changes):.2f} s"),
        Figure(f"{label}: writes of a change, worst", f"{max(one.writes for one in changes):.0f}"),
    ]


async def _apply(stage: Stage) -> None:
    await stage.apply(f"line-{next(_numbers):04}", _PODS, _PODS, _LOAD_SECONDS, concurrency="Forbid")


async def _rest(stage: Stage, seconds: float) -> _Rest:
    running = await _running(stage)
    cpu, requests, began = stage.operator.cpu_seconds, _requests(stage), time.monotonic()
    progress_seconds = set[float]()
    while time.monotonic() - began < seconds:
        progress_seconds.add((await stage.status(running))["progress"]["elapsedSeconds"])
        await asyncio.sleep(0.5)
    passed = time.monotonic() - began
    return _Rest(
        cores=(stage.operator.cpu_seconds - cpu) / passed,
        requests_per_second=(_requests(stage) - requests) / passed,
        progress_per_minute=60 * (len(progress_seconds) - 1) / passed,
    )


def _requests(stage: Stage) -> float:
    return stage.operator.metric("loadtest_operator_api_requests_total")


async def _change(stage: Stage) -> _Change:
    """Stop the test that runs, and wait until another one loads: of tests made in the same second it may be any."""
    running = await _running(stage)
    writes, pods, began = await stage.writes(), len(stage.node.running_since), time.monotonic()
    await stage.stop(running)
    while (await stage.status(running)).get("phase") != "Completed":
        _give_up(began, 120, f"{running} has ended")
        await asyncio.sleep(_POLL_SECONDS)
    ended = time.monotonic()
    while len(stage.node.running_since) < pods + _PODS:
        _give_up(ended, 300, "the next one has its pods")
        await asyncio.sleep(_POLL_SECONDS)
    started = time.monotonic()
    await _until_loads(stage, pods, 120)
    loading = time.monotonic()
    await asyncio.sleep(10)
    return _Change(ended - began, started - ended, loading - started, await stage.writes() - writes)


async def _running(stage: Stage) -> str:
    """The test that runs, once its status has its progress."""
    began = time.monotonic()
    while True:
        for name, status in (await stage.statuses()).items():
            if status.get("phase") == "Running" and status.get("progress"):
                return name
        _give_up(began, 60, "a test shows its progress")
        await asyncio.sleep(0.5)


async def _until_loads(stage: Stage, pods_before: int, seconds: float) -> None:
    """Wait until all pods of the next test load."""
    began = time.monotonic()
    while sum(pod.engine.began_ns > 0 for pod in stage.node.pods.values()) < pods_before + _PODS:
        _give_up(began, seconds, "the next test loads")
        await asyncio.sleep(_POLL_SECONDS)


def _give_up(began: float, seconds: float, what: str) -> None:
    if time.monotonic() - began > seconds:
        raise TimeoutError(f"waited {seconds:g} s until {what}")
