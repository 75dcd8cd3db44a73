"""What of the machine a whole node uses: Debian's programs, folders of its own in place of the machine's, cgroups."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from localcluster.node import linux
from localcluster.packages import PackageError, install

# By the program that shows whether the package is installed.
_PACKAGES = {
    "/usr/bin/containerd": "containerd",
    "/usr/sbin/runc": "runc",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "/usr/sbin/iptables": "iptables",
    "/usr/sbin/conntrack": "conntrack",
    "/usr/sbin/ip": "iproute2",
    "/usr/bin/unshare": "util-linux",
}
_CGROUPS = Path("/sys/fs/cgroup")
_REMOVAL_SECONDS = 10.0


class MachineError(Exception):
    """This machine cannot have a whole node; the message says why and what to do."""


def require() -> None:
    """Return if a whole node can live here, having installed what is missing; raise MachineError."""
    if os.geteuid() != 0:
        raise MachineError("a node with real containers needs root: run this as root, or take CLUSTER=local")
    missing = [package for program, package in _PACKAGES.items() if not Path(program).exists()]
    if not missing:
        return
    try:
        install(missing)
    except PackageError as error:
        raise MachineError(str(error)) from error


def take_own_folders(run_dir: Path) -> None:
    """Put folders of the node's own over those that its programs write to, in this process's mount namespace."""
    for name in ("lib", "log"):
        own = run_dir / "var" / name
        own.mkdir(parents=True)
        linux.mount(str(own), f"/var/{name}", None, linux.MS_BIND)
    linux.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
    for made in ("/run/cni", "/run/lock", "/run/containerd"):
        Path(made).mkdir()


def leave_mounts(run_dir: Path) -> None:
    """Unmount what lies under the run folder, so that removing the folder reaches nothing else."""
    # /var/lib and /var/log are the run folder's, and what is mounted there is listed under those names.
    roots = (f"{run_dir}/", "/var/lib/", "/var/log/", "/run/")
    mounted = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for target in reversed(mounted):
        if target.startswith(roots):
            with contextlib.suppress(OSError):
                linux.unmount(target)


def make_cgroups(name: str) -> str:
    """Make the group that holds all of a node's pods, in every hierarchy; return its path."""
    for hierarchy in _hierarchies():
        if (hierarchy / "cgroup.subtree_control").exists():
            available = (hierarchy / "cgroup.controllers").read_text().split()
            with contextlib.suppress(OSError):
                (hierarchy / "cgroup.subtree_control").write_text(" ".join(f"+{one}" for one in available))
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        # Under cgroup v1 a cpuset is empty at first, and an empty one takes no process.
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (group / setting).exists() and not (group / setting).read_text().strip():
                (group / setting).write_text((hierarchy / setting).read_text())
    return f"/{name}"


def remove_cgroups(name: str) -> None:
    """Remove a node's groups, whose processes have ended or are about to."""
    deadline = time.monotonic() + _REMOVAL_SECONDS
    for hierarchy in _hierarchies():
        while (hierarchy / name).exists():
            for group in sorted((hierarchy / name).rglob("*/"), key=lambda path: -len(path.parts)):
                with contextlib.suppress(OSError):
                    group.rmdir()
            with contextlib.suppress(OSError):
                (hierarchy / name).rmdir()
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)


def cgroup_of(name: str, container_id: str) -> Path | None:
    """Return the group of a running container of a node; None where there is none."""
    root = next(hierarchy / name for hierarchy in _hierarchies() if (hierarchy / name).exists())
    return next((path for path in root.rglob(container_id) if path.is_dir()), None)


def _hierarchies() -> Iterator[Path]:
    if (_CGROUPS / "cgroup.controllers").exists():
        yield _CGROUPS
        return
    # The memory hierarchy comes first: it is the one that is looked into.
    yield from sorted(
        (path for path in _CGROUPS.iterdir() if path.is_dir() and not path.is_symlink()),
        key=lambda path: path.name != "memory",
    )
