"""Nothing in the commands by hand is bound to Linux: they work without what only POSIX systems have.

What Windows lacks is taken away before the first import of ours. The event loop stays this system's own.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from http_target import running_target
from support.local_runs import assert_passed, environment, results_in

LACKING = """\
import asyncio, os, signal, socket, sys
# What others do for this system at their import is not ours to test.
import aiohttp, isal.isal_zlib, msgspec, numpy, yaml, yarl

for name in ("crypt", "curses", "fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
sys.modules["uvloop"] = None

absent = {
    os: "fork getegid geteuid getgid getloadavg getpgid getuid killpg sched_getaffinity setsid statvfs sysconf uname",
    signal: "SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 alarm setitimer",
    socket: "MSG_DONTWAIT SO_REUSEPORT TCP_QUICKACK TCP_USER_TIMEOUT",
}
for module, names in absent.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)


def not_there(*_):
    raise NotImplementedError


asyncio.SelectorEventLoop.add_signal_handler = not_there
"""
COMMAND = f"{LACKING}\nfrom loadgen.cli.main import main\nsys.exit(main())\n"


async def without_posix(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(),
    )


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
async def test_a_run_needs_nothing_that_only_posix_has(tmp_path: Path, file_format: str) -> None:
    async with running_target() as target:
        done = await without_posix(
            *("run", "custom", "--batch-size", 20, "--duration", "1s", "--think-time", "50ms"),
            *("--format", file_format, "--url", target.url, "--out", tmp_path, "--samples", tmp_path / "samples.csv"),
        )

    assert "Traceback" not in done.stderr
    summary = results_in(tmp_path).summary
    assert summary.requests.accepted > 0, done.stdout + done.stderr
    assert_passed(summary)


async def test_a_verification_needs_nothing_that_only_posix_has() -> None:
    async with running_target() as target:
        done = await without_posix("verify", "--url", target.url)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [(("sample", "--rows", 2), "client_id,"), (("export", "k6", "light", "--url", "http://127.0.0.1:9/"), "// A load")],
)
async def test_what_sends_nothing_needs_nothing_that_only_posix_has(arguments: tuple[object, ...], begins: str) -> None:
    done = await without_posix(*arguments)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(begins)


async def test_an_answer_that_the_terminal_has_no_letters_for_is_shown_all_the_same() -> None:
    async with running_target(lambda _: web.Response(text="客户")) as target:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "loadgen.cli.main", "verify", "--url", target.url],
            capture_output=True,
            timeout=60,
            check=False,
            env=environment({"PYTHONIOENCODING": "cp1252"}),
        )

    assert b"Traceback" not in done.stderr
    assert done.returncode == 3
    assert b"\\u5ba2\\u6237" in done.stdout
