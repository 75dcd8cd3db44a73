"""The demo as a person runs it: it tells the verdict and the rows, and leaves nothing behind however it ends."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localcluster.installation import REPOSITORY
from localcluster.rest import wait_for
from localcluster.supervisor import RUN_DIR_PREFIX
from support.demo_closing import verdict_of_the_demo

MANIFEST = REPOSITORY / "examples" / "loadtest-demo.yaml"
END_SECONDS = 30.0
MOMENT_SECONDS = 150.0


@contextmanager
def demo(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo, started in a folder and with a temporary folder of its own."""
    (folder / "tmp").mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder / "tmp"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "localcluster", "demo", str(MANIFEST)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def read_until(process: subprocess.Popen[str], pattern: str) -> None:
    assert process.stdout is not None
    lines = []
    # It ends the demo that does not say it in time, so that what it said instead is shown.
    alarm = threading.Timer(MOMENT_SECONDS, process.kill)
    alarm.start()
    try:
        for line in process.stdout:
            lines.append(line)
            if re.search(pattern, line):
                return
    finally:
        alarm.cancel()
    raise AssertionError(f"the demo ended, or was ended, before it said {pattern!r}:\n{''.join(lines)}")


def processes_in(folder: Path) -> list[int]:
    """The processes whose command line, environment or working directory lies in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            inside = os.fsencode(folder) in text or (entry / "cwd").resolve().is_relative_to(folder)
        except OSError:
            continue
        if inside:
            found.append(int(entry.name))
    return found


def test_the_demo_tells_verdict_thresholds_and_rows_and_exits_by_them(tmp_path: Path) -> None:
    began = time.monotonic()
    with demo(tmp_path) as process:
        text, _ = process.communicate(timeout=180)

    assert time.monotonic() - began < 180
    assert (process.returncode == 0) == (verdict_of_the_demo(tmp_path, text) == "Passed"), text
    assert list((tmp_path / "tmp").iterdir()) == []
    assert processes_in(tmp_path) == []


MOMENTS = {
    "while the control plane starts": "starting the control plane",
    "while things are installed": "waiting for the example target",
    "under load": r"Running +[1-9]",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_demo_that_is_ended_leaves_no_process_and_no_folder(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    with demo(tmp_path) as process:
        read_until(process, MOMENTS[moment])
        assert any(path.name.startswith(RUN_DIR_PREFIX) for path in (tmp_path / "tmp").iterdir())

        process.send_signal(number)
        assert process.stdout is not None
        process.stdout.read()
        process.wait(END_SECONDS)

        assert process.returncode not in (0, None)
        wait_for("every process to end", lambda: not processes_in(tmp_path), END_SECONDS)
        wait_for("every folder to be gone", lambda: not list((tmp_path / "tmp").iterdir()), END_SECONDS)
