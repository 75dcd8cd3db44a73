"""The control groups of a cluster's containers: they are the machine's, so they are removed by name."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_REMOVAL_SECONDS = 10.0


def make_groups(name: str) -> str:
    """Make the group of this name in every hierarchy, for a kubelet to keep its pods in; return its path there."""
    for hierarchy in _hierarchies():
        if (hierarchy / "cgroup.subtree_control").exists():
            available = (hierarchy / "cgroup.controllers").read_text().split()
            with contextlib.suppress(OSError):
                (hierarchy / "cgroup.subtree_control").write_text(
                    " ".join(f"+{controller}" for controller in available)
                )
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        # Under version 1 a cpuset is empty at first, and an empty one takes no process.
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (group / setting).exists() and not (group / setting).read_text().strip():
                (group / setting).write_text((hierarchy / setting).read_text())
    return f"/{name}"


def remove_groups(name: str) -> None:
    """Remove the groups of this name and all beneath them, whose processes have ended or are about to."""
    deadline = time.monotonic() + _REMOVAL_SECONDS
    roots = [root for root in _roots(name) if root.exists()]
    while roots and time.monotonic() < deadline:
        for root in roots:
            # What ends meanwhile is passed over: a walk takes no offence at a folder that went.
            for folder, _, _ in os.walk(root, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)
        roots = [root for root in roots if root.exists()]
        if roots:
            time.sleep(0.02)


def processes_of(name: str, container_id: str) -> list[int]:
    """Return the processes of a container that runs under the groups of this name; none if it does not."""
    for root in _roots(name):
        for folder, _, _ in os.walk(root):
            if os.path.basename(folder) == container_id:
                with contextlib.suppress(OSError):
                    return [int(pid) for pid in Path(folder, "cgroup.procs").read_text().split()]
    return []


def _roots(name: str) -> Iterator[Path]:
    for hierarchy in _hierarchies():
        yield hierarchy / name
    own = own_memory_group()
    if own is not None:
        yield own / name


def _hierarchies() -> Iterator[Path]:
    if (_MOUNT / "cgroup.controllers").exists():
        yield _MOUNT
        return
    # The memory hierarchy comes first: it is the one that is looked into.
    yield from sorted(
        (path for path in _MOUNT.glob("*") if path.is_dir() and not path.is_symlink()),
        key=lambda path: path.name != "memory",
    )


def own_memory_group() -> Path | None:
    """Return this process's group of the memory controller of version 1; the process node makes its own beneath it."""
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            # In a container the path may be the host's, and what is mounted is its own group.
            mount = _MOUNT / "memory"
            candidates = (mount / path.lstrip("/"), mount)
            return next((group for group in candidates if (group / "cgroup.procs").exists()), None)
    return None
