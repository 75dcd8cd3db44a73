"""Memory limits: by control groups where the node may make them, else by a watch that does what the kernel would.

A control group is one of version 1 or 2 without a group kill: what is killed is the process that takes the most, and
the container only if that is its first one.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from localcluster.cgroups import own_memory_group

_MOUNTS = Path("/sys/fs/cgroup")
WATCH_SECONDS = 0.2
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class MemoryLimit(Protocol):
    """The limit of one run of a container."""

    @property
    def join_file(self) -> str | None:
        """The file by which the container's first process comes under the limit, None if it need not."""

    async def enforce(self, pid: int) -> None:
        """Enforce the limit on pid and its descendants until cancelled."""

    def kills(self) -> int:
        """Return how many processes were killed because of the limit."""


class MemoryLimits:
    """What the node can do about limits. name is that of the cluster's run folder."""

    def __init__(self, name: str) -> None:
        self._group = _make_group(name)

    @contextmanager
    def limit(self, name: str, limit_bytes: int | None) -> Iterator[MemoryLimit | None]:
        """Yield the limit of one run of a container, None without one. name is a file name of its own."""
        if limit_bytes is None:
            yield None
        elif self._group is None:
            yield WatchedLimit(limit_bytes)
        else:
            with self._group.limit(name, limit_bytes) as limit:
                yield limit


@dataclass(frozen=True, slots=True)
class _GroupFiles:
    """The files of a control group of one version."""

    limit: str
    swap: str
    swap_at_limit: bool
    events: str


_VERSION_1 = _GroupFiles("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", True, "memory.oom_control")
_VERSION_2 = _GroupFiles("memory.max", "memory.swap.max", False, "memory.events")


@dataclass(frozen=True, slots=True)
class _Group:
    """The cluster's own group, with one beneath it for each container that has a limit."""

    path: Path
    files: _GroupFiles

    @contextmanager
    def limit(self, name: str, limit_bytes: int) -> Iterator[MemoryLimit]:
        path = self.path / name
        path.mkdir(exist_ok=True)
        try:
            (path / self.files.limit).write_text(str(limit_bytes), encoding="ascii")
            # Not every kernel accounts swap.
            with contextlib.suppress(OSError):
                swap_bytes = limit_bytes if self.files.swap_at_limit else 0
                (path / self.files.swap).write_text(str(swap_bytes), encoding="ascii")
            limit = _GroupLimit(path, self.files, 0)
            yield _GroupLimit(path, self.files, limit.kills())
        finally:
            # The kernel may not be done with its processes yet; what stays goes with the cluster.
            with contextlib.suppress(OSError):
                path.rmdir()


@dataclass(frozen=True, slots=True)
class _GroupLimit:
    path: Path
    files: _GroupFiles
    kills_before: int

    @property
    def join_file(self) -> str:
        return str(self.path / "cgroup.procs")

    async def enforce(self, _pid: int) -> None:
        return None

    def kills(self) -> int:
        for line in (self.path / self.files.events).read_text(encoding="ascii").splitlines():
            key, _, value = line.partition(" ")
            if key == "oom_kill":
                return int(value) - self.kills_before
        return 0


class WatchedLimit:
    """Looks at what the processes take a few times a second, and kills as the kernel would."""

    join_file = None

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kills = 0

    async def enforce(self, pid: int) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            sizes = {member: _resident_bytes(member) for member in _process_tree(pid)}
            # Pages that several share count for each of them here; only who seems too large is looked at in full.
            if sum(sizes.values()) <= self._limit_bytes:
                continue
            sizes = {member: _own_bytes(member, size) for member, size in sizes.items()}
            if sum(sizes.values()) > self._limit_bytes:
                self._kills += 1
                with contextlib.suppress(ProcessLookupError):
                    os.kill(max(sizes, key=lambda member: sizes[member]), signal.SIGKILL)

    def kills(self) -> int:
        return self._kills


def _make_group(name: str) -> _Group | None:
    for base, files in ((own_memory_group(), _VERSION_1), (_version_2(), _VERSION_2)):
        if base is None:
            continue
        path = base / name
        try:
            path.mkdir(exist_ok=True)
            if files is _VERSION_2:
                for folder in (base, path):
                    (folder / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
        except OSError:
            with contextlib.suppress(OSError):
                path.rmdir()
        else:
            return _Group(path, files)
    print("memory limits are kept by a watch, not by control groups", file=sys.stderr)
    return None


def _version_2() -> Path | None:
    """Return the root of version 2 if it has a memory controller: only there may groups stand beside processes."""
    for mount in (_MOUNTS, _MOUNTS / "unified"):
        with contextlib.suppress(OSError):
            if "memory" in (mount / "cgroup.controllers").read_text(encoding="ascii").split():
                return mount
    return None


def _process_tree(pid: int) -> list[int]:
    """Return a process and its descendants, which are all of a container, since orphans become its first one's."""
    pids = [pid]
    for parent in pids:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{parent}/task"):
                text = Path(f"/proc/{parent}/task/{thread}/children").read_text(encoding="ascii")
                pids += [int(child) for child in text.split()]
    return pids


def _resident_bytes(pid: int) -> int:
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * _PAGE_BYTES


def _own_bytes(pid: int, fallback_bytes: int) -> int:
    """Return a process's share of the memory that no file backs; fallback_bytes where it cannot be read."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return fallback_bytes
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line.split(" ", 1)[0])
    return int(fields["Pss_Anon"].split()[0]) * 1024 if "Pss_Anon" in fields else fallback_bytes
