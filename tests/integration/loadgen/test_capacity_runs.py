"""`loadgen run capacity` against a real target of known capacity on 127.0.0.1, in real time."""

import asyncio
import os
import signal
import time
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from aiohttp import web

from example_server import UPLOAD_PATH, example_server
from http_target import PATH, HttpTarget, ReceivedUpload, honouring_answer, running_target, status_answerer
from loadtest_model.judgement.capacity import CapacityLimit
from loadtest_model.judgement.climb import PlateauState
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.report.summary import Summary
from support.local_runs import loadgen, results_in
from worker_target import running_workers

# Four workers of 0.25 s: 16 uploads a second, so that 4 virtual users wait for nobody, and 16 for a second.
WORKERS, MEAN_SECONDS = 4, 0.25
CLIMB = ("capacity", "--batch-size", 10, "--capacity-from", 2, "--capacity-to", 64, "--capacity-factor", 2)


def url_of(target: HttpTarget) -> str:
    return f"http://127.0.0.1:{target.port}{PATH}"


def text_of(folder: Path, pattern: str) -> str:
    (file,) = folder.glob(pattern)
    return file.read_text()


async def test_a_climb_finds_the_known_capacity_and_ends_there(tmp_path: Path) -> None:
    thresholds = ("--threshold", "p95<3s", "--threshold", "error_rate<1%")
    async with running_workers(WORKERS, MEAN_SECONDS) as target:
        done = await loadgen(
            "run", *CLIMB, "--capacity-plateau", "8s", *thresholds, "--url", url_of(target), "--out", tmp_path
        )

    summary = results_in(tmp_path).summary
    capacity = summary.capacity
    assert capacity is not None
    assert done.returncode == 0, done.stdout
    assert (summary.verdict, capacity.limited_by) == (Verdict.PASSED, CapacityLimit.THRESHOLD), done.stdout
    # By queueing theory the p95 is 2.7 s with 32 virtual users and 5.1 s with 64; one step beside is allowed.
    assert capacity.held in (16, 32)
    assert capacity.at_least is False
    assert capacity.uploads_per_second == pytest.approx(16, rel=0.25)
    assert capacity.knee in (2, 4, 8)
    assert summary.requests.due == summary.requests.accepted
    assert f"Capacity    {capacity.held:g} virtual users held" in done.stdout
    assert "How much it can take" in text_of(tmp_path, "*_report.html")
    cases = {case.get("name"): case for case in Xml.fromstring(text_of(tmp_path, "*_junit.xml")).iter("testcase")}
    assert "held" in (cases["capacity"].findtext("system-out") or "")


async def summary_of_a_broken_climb(tmp_path: Path, *options: object) -> tuple[int, Summary]:
    """A climb against a target that breaks with more than four uploads at once."""
    under_way = 0
    async with running_workers(4, 0.05) as workers:
        healthy = workers.answer

        async def answer(received: ReceivedUpload) -> web.StreamResponse:
            nonlocal under_way
            under_way += 1
            try:
                answered = (healthy if under_way <= 4 else status_answerer(503))(received)
                return answered if isinstance(answered, web.StreamResponse) else await answered
            finally:
                under_way -= 1

        workers.answer = answer
        arguments = ("--capacity-plateau", "5s", "--url", url_of(workers), "--out", tmp_path, *options)
        done = await loadgen("run", *CLIMB, *arguments)
    return done.returncode, results_in(tmp_path).summary


async def test_a_climb_that_fails_below_what_is_required_fails_with_exit_status_1(tmp_path: Path) -> None:
    code, summary = await summary_of_a_broken_climb(tmp_path, "--capacity-required", 16)

    assert (code, summary.verdict) == (1, Verdict.FAILED)
    assert summary.capacity is not None
    assert (summary.capacity.held, summary.capacity.limited_by) == (4, CapacityLimit.THRESHOLD)
    assert "the required load of 16 virtual users did not hold" in summary.reasons[0]
    assert [plateau.state for plateau in summary.capacity.plateaus] == [
        PlateauState.HELD,
        PlateauState.HELD,
        PlateauState.NOT_HELD,
    ]


async def test_a_climb_to_its_highest_load_says_at_least(tmp_path: Path) -> None:
    short = ("capacity", "--batch-size", 10, "--capacity-to", 2, "--capacity-plateau", "5s")
    async with running_target(honouring_answer) as target:
        done = await loadgen("run", *short, "--think-time", "20ms", "--url", url_of(target), "--out", tmp_path)

    capacity = results_in(tmp_path).summary.capacity
    assert capacity is not None
    assert (done.returncode, capacity.held, capacity.at_least) == (0, 2, True), done.stdout
    assert capacity.limited_by is CapacityLimit.LADDER
    assert "at least 2 virtual users held" in done.stdout


async def until_uploads_are_logged(log: Path, uploads: int) -> None:
    """Until the target's log has a line for each of so many uploads."""
    async with asyncio.timeout(60):
        # A file tells nobody of its lines.
        while (await asyncio.to_thread(log.read_text)).count("load_test=true") < uploads:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_target_that_crashes_ends_the_climb_at_once(tmp_path: Path) -> None:
    with example_server(tmp_path) as server:
        arguments = ("--capacity-plateau", "10s", "--url", f"http://127.0.0.1:{server.port}{UPLOAD_PATH}")
        climbing = asyncio.ensure_future(loadgen("run", *CLIMB, *arguments, "--out", tmp_path / "results"))
        await until_uploads_are_logged(server.log_path, 50)
        os.killpg(server.group, signal.SIGKILL)
        crashed = time.monotonic()
        done = await climbing
    seconds = time.monotonic() - crashed

    summary = results_in(tmp_path / "results").summary
    assert summary.capacity is not None
    assert (done.returncode, summary.verdict) == (1, Verdict.FAILED), done.stdout
    assert len(summary.capacity.plateaus) == 1
    assert summary.health.level == "Critical", summary.health
    # The drain of uploads in flight may take 30 s; the six plateaus of the climb would take 60.
    assert seconds < 40
