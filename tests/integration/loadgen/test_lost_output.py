"""Nobody need be there any more to see a run: it goes on, and its results are written."""

import asyncio
import os
import pty
import signal
from pathlib import Path

import pytest
from aiohttp import web

from http_target import HttpTarget, ReceivedUpload, honouring_answer, running_target
from loadtest_model.judgement.verdict import Verdict
from support.local_runs import command, environment, loadgen, results_in

VERIFICATION_UPLOADS = 4


class Held:
    """Honours the header; it holds back the answers of the load until they are released, or for a minute."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.release = asyncio.Event()

    async def answer(self, received: ReceivedUpload) -> web.StreamResponse:
        if received.number >= VERIFICATION_UPLOADS:
            self.has_begun.set()
            async with asyncio.timeout(60):
                await self.release.wait()
        return honouring_answer(received)


def a_run(target: HttpTarget, out: Path) -> tuple[object, ...]:
    return ("run", "light", "--url", target.url, "--batch-size", 10, "--out", out)


@pytest.mark.parametrize("option", [(), ("--debug",)], ids=["progress", "debug"])
async def test_ctrl_c_that_ends_the_reader_of_the_output_as_well_takes_no_results(
    option: tuple[str, ...], tmp_path: Path
) -> None:
    held = Held()
    read_end, write_end = os.pipe()
    async with running_target(held.answer) as target:
        process = await asyncio.create_subprocess_exec(
            *command(*a_run(target, tmp_path), *option),
            stdout=write_end,
            stderr=write_end,
            env=environment(),
        )
        os.close(write_end)
        try:
            async with asyncio.timeout(60):
                await held.has_begun.wait()
                # As `loadgen run 2>&1 | tee log` in a terminal.
                os.close(read_end)
                process.send_signal(signal.SIGINT)
                held.release.set()
                status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()

    results = results_in(tmp_path)
    assert results.details["complete"] is True
    assert results.summary.reasons[0] == "the test was stopped by Ctrl-C while it ran"
    assert results.summary.requests.accepted >= 1
    assert status == 2


async def test_a_terminal_whose_connection_is_lost_takes_no_results(tmp_path: Path) -> None:
    held, loop = Held(), asyncio.get_running_loop()
    terminal, end_of_the_run = pty.openpty()
    async with running_target(held.answer) as target:
        process = await asyncio.create_subprocess_exec(
            "setsid",
            "--ctty",
            *command(*a_run(target, tmp_path)),
            stdin=end_of_the_run,
            stdout=end_of_the_run,
            stderr=end_of_the_run,
            env=environment(),
        )
        os.close(end_of_the_run)
        loop.add_reader(terminal, os.read, terminal, 65536)
        try:
            async with asyncio.timeout(60):
                await held.has_begun.wait()
                loop.remove_reader(terminal)
                os.close(terminal)
                status = await process.wait()
        finally:
            held.release.set()
            if process.returncode is None:
                process.kill()

    results = results_in(tmp_path)
    assert results.details["complete"] is True
    assert results.summary.verdict is Verdict.INCONCLUSIVE
    assert results.summary.reasons[0] == "the test was stopped at once by SIGHUP while it ran"
    assert status == 2


async def test_samples_that_find_the_disk_full_take_no_results(tmp_path: Path) -> None:
    async with running_target() as target:
        options = ("custom", "--batch-size", 1, "--duration", "1s", "--url", target.url, "--out", tmp_path)
        ended = await loadgen("run", *options, "--samples", "/dev/full")

    results = results_in(tmp_path)
    assert results.details["complete"] is True
    assert "loadgen run: the samples are not complete: No space left on device" in ended.stderr
    assert results.summary.requests.accepted == results.summary.requests.due > 100
    assert ended.returncode in (0, 2)
