"""What the kernel gives this process of the CPU, as its cgroup says: version 2, version 1, or both side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

SELF: Final = Path("/proc/self")
_UNBOUNDED: Final = "max"


class CpuGroup(Protocol):
    """A cgroup with the CPU controller. Each answer is None if it cannot be read."""

    def throttled_seconds(self) -> float | None:
        """How long its processes were kept from the CPU so far."""

    def limit_cores(self) -> float | None:
        """How many CPUs it may use; None also if it may use all."""


@dataclass(frozen=True, slots=True)
class CpuGroupV2:
    """A cgroup of version 2, see the kernel's cgroup-v2.rst."""

    folder: Path

    def throttled_seconds(self) -> float | None:
        # Without the CPU controller the file is there, but tells nothing of throttling.
        return _quotient(_number(_fields(self.folder / "cpu.stat").get("throttled_usec")), 1e6)

    def limit_cores(self) -> float | None:
        quota, _, period = _text(self.folder / "cpu.max").partition(" ")
        return None if quota == _UNBOUNDED else _quotient(_number(quota), _number(period))


@dataclass(frozen=True, slots=True)
class CpuGroupV1:
    """A cgroup of version 1, see the kernel's sched-bwc.rst."""

    folder: Path

    def throttled_seconds(self) -> float | None:
        return _quotient(_number(_fields(self.folder / "cpu.stat").get("throttled_time")), 1e9)

    def limit_cores(self) -> float | None:
        quota = _number(_text(self.folder / "cpu.cfs_quota_us"))
        return (
            None if quota is None or quota < 0 else _quotient(quota, _number(_text(self.folder / "cpu.cfs_period_us")))
        )


def own_cpu_group(process: Path = SELF) -> CpuGroup | None:
    """The cgroup that bounds the CPU time of a process, given its folder in /proc; None if none is visible.

    If both versions are mounted, the CPU controller belongs to one of them, and version 1 names it.
    """
    paths = dict(_paths(process / "cgroup"))
    mounts = list(_mounts(process / "mountinfo"))
    for controllers, path in paths.items():
        if "cpu" in controllers:
            folder = _folder(path, [mount for mount in mounts if mount.version == 1 and "cpu" in mount.options])
            return None if folder is None else CpuGroupV1(folder)
    if _VERSION_2 not in paths:
        return None
    folder = _folder(paths[_VERSION_2], [mount for mount in mounts if mount.version == 2])
    return None if folder is None else CpuGroupV2(folder)


_VERSION_2: Final = frozenset({""})


@dataclass(frozen=True, slots=True)
class _Mount:
    """Where a hierarchy is mounted, and which of its cgroups is the top of what is seen there."""

    version: int
    root: PurePosixPath
    point: Path
    options: frozenset[str]


def _paths(file: Path) -> Iterator[tuple[frozenset[str], PurePosixPath]]:
    """Controllers and path of each hierarchy that a process belongs to; version 2 names no controllers."""
    for line in _text(file).splitlines():
        _, _, rest = line.partition(":")
        controllers, separator, path = rest.partition(":")
        if separator:
            yield frozenset(controllers.split(",")), PurePosixPath(path)


def _mounts(file: Path) -> Iterator[_Mount]:
    """The mounted hierarchies of cgroups, see proc_pid_mountinfo(5)."""
    for line in _text(file).splitlines():
        mount_text, _, filesystem_text = line.partition(" - ")
        mount_fields, filesystem_fields = mount_text.split(" "), filesystem_text.split(" ")
        if len(mount_fields) > 4 and len(filesystem_fields) > 2 and filesystem_fields[0] in ("cgroup", "cgroup2"):
            version = 2 if filesystem_fields[0] == "cgroup2" else 1
            yield _Mount(
                version,
                PurePosixPath(mount_fields[3]),
                Path(mount_fields[4]),
                frozenset(filesystem_fields[2].split(",")),
            )


def _folder(path: PurePosixPath, mounts: list[_Mount]) -> Path | None:
    """Where a cgroup is to be seen. A container often sees its own as the top of what is mounted."""
    for mount in mounts:
        # A path with `..` lies outside of what this process's namespace shows.
        if path.is_relative_to(mount.root) and ".." not in path.parts:
            folder = mount.point / path.relative_to(mount.root)
            if folder.is_dir():
                return folder
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _fields(file: Path) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in _text(file).splitlines() if " " in line)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(int(text))
    except ValueError:
        return None


def _quotient(dividend: float | None, divisor: float | None) -> float | None:
    return dividend / divisor if dividend is not None and divisor else None
