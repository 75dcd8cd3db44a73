"""A cgroup of a test's own, in which the kernel limits the CPU of processes, in either version."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_V1: Final = Path("/sys/fs/cgroup/cpu")
_V2: Final = Path("/sys/fs/cgroup")
_PERIOD_US: Final = 100_000


class NoCpuGroupError(Exception):
    """This machine, or this user, has no cgroup to limit the CPU with; the message says why."""


@dataclass(frozen=True, slots=True)
class CpuGroup:
    """A cgroup in `folder`. A process that is started with `prefix` before its command lives in it."""

    folder: Path

    @property
    def prefix(self) -> tuple[str, ...]:
        return ("sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.folder / "cgroup.procs"))

    def limit(self, cores: float) -> None:
        """Let its processes use so much of the CPU, from now on."""
        quota_us = int(cores * _PERIOD_US)
        if (self.folder / "cpu.max").exists():
            (self.folder / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")
        else:
            (self.folder / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (self.folder / "cpu.cfs_quota_us").write_text(str(quota_us))


@contextmanager
def cpu_group() -> Iterator[CpuGroup]:
    """A cgroup that is there until the block ends, which must have ended its processes. Raises NoCpuGroupError."""
    group = CpuGroup((_V1 if (_V1 / "cpu.shares").exists() else _V2) / f"loadtest-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        group.folder.mkdir()
    except OSError as error:
        raise NoCpuGroupError(f"no cgroup can be made at {group.folder} (it takes root): {error.strerror}") from error
    try:
        if not any((group.folder / name).exists() for name in ("cpu.max", "cpu.cfs_quota_us")):
            raise NoCpuGroupError(f"the CPU controller is not at work in {group.folder.parent}")
        yield group
    finally:
        group.folder.rmdir()
