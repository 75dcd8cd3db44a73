"""`loadgen` as a person runs it: in a process of its own, in a terminal or out of one."""

import asyncio
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.report.summary import Summary

VARIABLES = ("API_URL", "AUTH_TOKEN", "BATCH_SIZE", "CONCURRENCY", "DURATION", "NO_COLOR")
_WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None; from loadgen.cli.main import main; sys.exit(main())"


def command(*arguments: object, uvloop: bool = True) -> list[str]:
    start = ["-m", "loadgen.cli.main"] if uvloop else ["-c", _WITHOUT_UVLOOP]
    return [sys.executable, *start, *map(str, arguments)]


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what `loadgen` reads, and with these variables."""
    inherited = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return {**inherited, "TERM": "xterm", **(variables or {})}


async def loadgen(
    *arguments: object, variables: Mapping[str, str] | None = None, uvloop: bool = True
) -> "subprocess.CompletedProcess[str]":
    """Run to the end, out of a terminal, beside what else the event loop does."""
    return await asyncio.to_thread(finished_loadgen, *arguments, variables=variables, uvloop=uvloop)


def finished_loadgen(
    *arguments: object, variables: Mapping[str, str] | None = None, uvloop: bool = True
) -> "subprocess.CompletedProcess[str]":
    """Run to the end, out of a terminal."""
    return subprocess.run(
        command(*arguments, uvloop=uvloop),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment(variables),
    )


@dataclass(frozen=True)
class Results:
    """The files of a run."""

    details: dict[str, Any]
    summary: Summary
    summary_json: dict[str, Any]
    time_series: list[str]
    names: tuple[str, ...]


def results_in(folder: Path) -> Results:
    """The files of the one run whose results are in a folder."""
    (summary,) = folder.glob("*_summary.json")
    stem = summary.name.removesuffix("_summary.json")
    return Results(
        details=json.loads((folder / f"{stem}.json").read_text()),
        summary=msgspec.json.decode(summary.read_bytes(), type=Summary),
        summary_json=json.loads(summary.read_text()),
        time_series=(folder / f"{stem}.csv").read_text().splitlines(),
        names=tuple(sorted(path.name for path in folder.iterdir())),
    )


def assert_passed(summary: Summary) -> None:
    assert summary.verdict is Verdict.PASSED, summary.reasons


class Terminal:
    """A running command in a terminal of its own; `text` is all that was printed, its control sequences included."""

    def __init__(self, process: "subprocess.Popen[bytes]", master: int) -> None:
        self.process = process
        self.text = ""
        self._master = master
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def plain(self) -> str:
        """The text without control sequences."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text)

    async def until(self, pattern: str, deadline_seconds: float = 30.0) -> None:
        """Wait until what was printed matches."""
        end = time.monotonic() + deadline_seconds
        while re.search(pattern, self.plain) is None:
            assert time.monotonic() < end, f"{pattern!r} is not in {self.plain!r}"
            await asyncio.sleep(0.02)

    async def until_true(self, condition: Any, deadline_seconds: float = 30.0) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + deadline_seconds
        while not condition():
            assert time.monotonic() < end, f"it did not come true: {self.plain!r}"
            await asyncio.sleep(0.02)

    def press_ctrl_c(self) -> None:
        os.write(self._master, b"\x03")

    async def exit_status(self, deadline_seconds: float = 30.0) -> int:
        status = await asyncio.to_thread(self.process.wait, deadline_seconds)
        await asyncio.to_thread(self._reader.join, 10)
        return status

    def _read(self) -> None:
        try:
            while chunk := os.read(self._master, 65536):
                self.text += chunk.decode("utf-8", "replace")
        except OSError:
            # Linux says so when the other side is closed.
            pass


@contextmanager
def in_terminal(
    *arguments: object, variables: Mapping[str, str] | None = None, uvloop: bool = True, columns: int | None = None
) -> Iterator[Terminal]:
    """Start in a terminal, so many columns wide; killed when the block ends, if it still runs."""
    master, slave = pty.openpty()
    if columns is not None:
        termios.tcsetwinsize(slave, (50, columns))
    # Ctrl-C reaches only the processes whose controlling terminal it is typed in.
    process = subprocess.Popen(
        ["setsid", "--ctty", *command(*arguments, uvloop=uvloop)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(variables),
    )
    os.close(slave)
    terminal = Terminal(process, master)
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(10)
        os.close(master)
