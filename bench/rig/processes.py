"""Processes on a core of their own, and the CPU time that they and their children take."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def pinned_process(
    command: Sequence[str], core: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process group on one core; all of it has ended when the context ends. Its standard input stays open."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "--cpu-list", str(core), *command],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def cpu_seconds(root: int, names: frozenset[str] = frozenset()) -> float:
    """What a process and all its descendants, also those that ended, have taken so far; on demand only those of some
    names."""
    pids = [pid for pid in _process_tree(root) if not names or _name(pid) in names]
    return sum(sum(int(field) for field in _stat(pid)[11:15]) for pid in pids) / _TICKS_PER_SECOND


def resident_bytes(root: int) -> int:
    """The memory that a process and its descendants hold; what they share counts for each."""
    return sum(int(_stat(pid)[21]) for pid in _process_tree(root)) * _PAGE_BYTES


def _process_tree(root: int) -> list[int]:
    pids, todo = [], [root]
    while todo:
        pid = todo.pop()
        try:
            children = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
        except OSError:
            continue
        pids.append(pid)
        todo += [int(child) for text in children for child in text.split()]
    return pids


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (proc_pid_stat(5) numbers it 3); zeros if it has just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 50
