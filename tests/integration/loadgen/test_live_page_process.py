"""The process of a local run's page: when it begins, how long it stays, and that it takes nothing from the run."""

import asyncio
import os
import re
import signal
import socket
from asyncio.subprocess import DEVNULL
from pathlib import Path

import aiohttp
import pytest

from http_target import running_target
from localcluster.ports import free_port
from support.local_runs import command, environment, in_terminal, loadgen, results_in

LOAD = ("--batch-size", "100", "--virtual-users", "1")
LONG = (*LOAD, "--duration", "60s")


async def page_text(port: int) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as answer:
        assert answer.status == 200
        return await answer.text()


def is_served(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def sole_child(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


async def test_on_a_terminal_the_page_stays_with_the_report_until_ctrl_c(tmp_path: Path) -> None:
    port = free_port()
    async with running_target() as target:
        arguments = ("run", "custom", "--ui", port, "--url", target.url, *LOAD, "--duration", "2s", "--out", tmp_path)
        with in_terminal(*arguments, columns=200) as terminal:
            await terminal.until(f"stays at http://127.0.0.1:{port}/ until Ctrl-C")
            report = await page_text(port)
            assert terminal.process.poll() is None
            terminal.press_ctrl_c()
            status = await terminal.exit_status()

    assert "Records per second" in report
    assert 'data-final="true"' in report
    verdict = str(results_in(tmp_path).summary.verdict)
    assert verdict in report
    # Looking longer does not change what the run came to.
    assert status == {"Passed": 0, "Inconclusive": 2}[verdict]
    assert not is_served(port)


async def test_a_run_that_was_interrupted_does_not_stay(tmp_path: Path) -> None:
    port = free_port()
    async with running_target() as target:
        arguments = ("run", "custom", "--ui", port, "--url", target.url, *LONG, "--out", tmp_path)
        with in_terminal(*arguments, columns=200) as terminal:
            await terminal.until_true(lambda: len(target.uploads) > 8)
            async with asyncio.timeout(30):
                while "Thresholds so far" not in await page_text(port):  # noqa: ASYNC110 (the page is asked)
                    await asyncio.sleep(0.1)
            terminal.press_ctrl_c()
            status = await terminal.exit_status()

    assert status == 2
    assert "stays at" not in terminal.plain
    assert not is_served(port)


async def test_out_of_a_terminal_the_run_ends_when_it_is_over(tmp_path: Path) -> None:
    port = free_port()
    async with running_target() as target:
        process = await loadgen(
            "run", "custom", "--ui", port, "--url", target.url, *LOAD, "--duration", "1s", "--out", tmp_path
        )

    assert process.returncode in (0, 2), process.stderr
    assert f"Page        http://127.0.0.1:{port}/" in process.stdout
    assert not is_served(port)


async def test_a_scenario_behind_the_option_is_the_scenario(tmp_path: Path) -> None:
    async with running_target() as target:
        process = await loadgen(
            "run", "--ui", "custom", "--url", target.url, *LOAD, "--duration", "1s", "--out", tmp_path
        )

    assert process.returncode in (0, 2), process.stderr
    assert re.search(r"^Page +http://127\.0\.0\.1:\d+/$", process.stdout, re.MULTILINE)
    assert results_in(tmp_path).summary.scenario == "custom"


async def test_a_port_that_is_taken_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with running_target() as target:
            process = await loadgen("run", "custom", "--ui", port, "--url", target.url, *LONG, "--out", tmp_path)

    assert process.returncode == 64
    assert f"127.0.0.1:{port} cannot be listened on" in process.stderr
    assert target.uploads == []


@pytest.mark.parametrize("text", ["0", "65536", "-1", "eighty", "80.5", "lite"])
async def test_what_is_no_port_is_refused(text: str) -> None:
    process = await loadgen("run", "custom", f"--ui={text}", "--url", "http://127.0.0.1:1/")

    assert process.returncode == 64
    assert "--ui" in process.stderr


async def test_a_page_that_was_killed_ends_no_run(tmp_path: Path) -> None:
    arguments = ("run", "custom", "--ui", *LOAD, "--duration", "4s", "--out", tmp_path)
    async with running_target() as target:
        run = await asyncio.create_subprocess_exec(
            *command(*arguments, "--url", target.url), stdout=DEVNULL, stderr=DEVNULL, env=environment()
        )
        async with asyncio.timeout(30):
            while len(target.uploads) < 8:  # noqa: ASYNC110 (the target tells nobody)
                await asyncio.sleep(0.02)
        os.kill(sole_child(run.pid), signal.SIGKILL)
        uploads = len(target.uploads)
        status = await run.wait()

    assert status in (0, 2)
    assert results_in(tmp_path).summary.requests.accepted > uploads
