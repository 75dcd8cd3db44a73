"""A long line of tests for one target: what it costs while nothing changes, and how long a change takes."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from bench.operator.scenarios import Figure
from bench.operator.stage import LOADTESTS, NAMESPACE, Json, Stage

_CHANGES: Final = 3
_POLL_SECONDS: Final = 0.05
_LOAD_SECONDS: Final = 3_600.0


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
    names = [f"line-{number:04}" for number in range(tests + 2)]
    for name in names[:2]:
        await _apply(stage, name)
    await _loads(stage, names[0], 60)
    before = await _rest(stage, names[0], rest_seconds)
    alone = await _change(stage, names[0], names[1])
    applied = time.monotonic()
    for name in names[2:]:
        await _apply(stage, name)
    while sum(status.get("phase") == "Queued" for status in (await stage.statuses()).values()) < tests:
        _give_up(applied, 900, "all wait")
        await asyncio.sleep(1)
    all_wait = time.monotonic() - applied
    await asyncio.sleep(10)
    at_rest = await _rest(stage, names[1], rest_seconds)
    changes = [await _change(stage, names[n], names[n + 1]) for n in range(1, _CHANGES + 1)]
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
        Figure(f"{label}: from there to the next one's pods, worst", f"{max(one.start_seconds for one in changes):.2f} s", bound),
        Figure(f"{label}: from there to its load, worst", f"{max(one.load_seconds for one in changes):.2f} s"),
        Figure(f"{label}: writes of a change, worst", f"{max(one.writes for one in changes):.0f}"),
    ]


async def _apply(stage: Stage, name: str) -> None:
    await stage.apply(name, 2, 2, _LOAD_SECONDS, concurrency="Forbid")


async def _rest(stage: Stage, running: str, seconds: float) -> _Rest:
    cpu, requests, began = stage.operator.cpu_seconds, _requests(stage), time.monotonic()
    told = set[float]()
    while time.monotonic() - began < seconds:
        told.add((await stage.status(running))["progress"]["elapsedSeconds"])
        await asyncio.sleep(0.5)
    passed = time.monotonic() - began
    return _Rest(
        cores=(stage.operator.cpu_seconds - cpu) / passed,
        requests_per_second=(_requests(stage) - requests) / passed,
        progress_per_minute=60 * (len(told) - 1) / passed,
    )


def _requests(stage: Stage) -> float:
    return stage.operator.metric("loadtest_operator_api_requests_total")


async def _change(stage: Stage, running: str, following: str) -> _Change:
    """Stop the test that runs, and wait until the next one loads."""
    writes, pods, began = await stage.writes(), len(stage.node.running_since), time.monotonic()
    await stage.stop(running)
    while (await stage.status(running)).get("phase") != "Completed":
        _give_up(began, 120, f"{running} has ended")
        await asyncio.sleep(_POLL_SECONDS)
    ended = time.monotonic()
    while len(stage.node.running_since) < pods + 2:
        _give_up(ended, 300, f"{following} has its pods")
        await asyncio.sleep(_POLL_SECONDS)
    started = time.monotonic()
    await _loads(stage, following, 120)
    loading = time.monotonic()
    await asyncio.sleep(10)
    return _Change(ended - began, started - ended, loading - started, await stage.writes() - writes)


async def _loads(stage: Stage, name: str, seconds: float) -> Json:
    began = time.monotonic()
    while not (status := await stage.status(name)).get("progress"):
        _give_up(began, seconds, f"{name} loads")
        await asyncio.sleep(_POLL_SECONDS)
    return status


def _give_up(began: float, seconds: float, what: str) -> None:
    if time.monotonic() - began > seconds:
        raise TimeoutError(f"waited {seconds:g} s until {what}")
