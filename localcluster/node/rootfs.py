"""The root file system of a container: the host's, read-only, with the pod's mounts in their exact places.

The root is a tmpfs whose entries are bind mounts of the host's. A host directory is split into its entries
only where a mount point must be made in it that the host does not have, so nothing is made on the host.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import PurePosixPath

from localcluster.node import linux


@dataclass(frozen=True, slots=True)
class Mount:
    """One thing to be seen at target, an absolute path; a source of None is an empty tmpfs of its own."""

    target: str
    source: str | None
    read_only: bool = False


def parents(path: str) -> list[str]:
    """Return the directories above path, the root first."""
    return [str(parent) for parent in reversed(PurePosixPath(path).parents)]


def directories_to_split(targets: list[str], exists: list[str]) -> set[str]:
    """Return the host directories in which some target cannot be mounted without an entry being made.

    targets are absolute and without symbolic links; exists names those of them, and of the directories above
    them, that the host has. A target beneath another target is made inside that one and splits nothing.
    """
    existing = set(exists)
    split = {"/"}
    for target in targets:
        above = parents(target)
        if target in existing or any(parent in targets for parent in above):
            continue
        split.update(parent for parent in above if parent in existing)
    return split


def closed_directories(visible: list[str]) -> list[str]:
    """Return the outermost directories above visible ones that not everybody may enter.

    If a container runs as another user than the host's, it can see nothing beneath them.
    """
    closed = {next((above for above in parents(path) if not os.stat(above).st_mode & 0o001), None) for path in visible}
    return sorted(path for path in closed if path is not None)


def build(new_root: str, mounts: list[Mount]) -> None:
    """Build the root at new_root, an existing directory, in a mount namespace of the caller's own."""
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", new_root, "tmpfs", 0, "mode=0755")
    resolved = {os.path.realpath(mount.target): mount for mount in mounts}
    targets = sorted(resolved, key=lambda target: target.count("/") if target != "/" else 0)
    candidates = {*targets, *(parent for target in targets for parent in parents(target))}
    split = directories_to_split(targets, [path for path in candidates if os.path.lexists(path)])
    _mirror("/", new_root, split, {*targets, "/proc"})
    os.makedirs(new_root + "/proc", exist_ok=True)
    outermost_targets = [target for target in targets if not any(parent in resolved for parent in parents(target))]
    for target in outermost_targets:
        _make_mount_point(new_root + target, resolved[target].source)
    linux.make_read_only(new_root, recursive=True)
    _mount_proc(new_root + "/proc")
    for target in targets:
        _mount(new_root + target, resolved[target])
    # Only now is every mount point made, of which one may lie in another mount.
    for target in targets:
        if resolved[target].read_only:
            linux.make_read_only(new_root + target, recursive=False)


def _mirror(directory: str, new_root: str, split: set[str], mount_targets: set[str]) -> None:
    with os.scandir(directory) as entries:
        for entry in entries:
            new_path = new_root + entry.path
            if entry.path in split:
                os.mkdir(new_path)
                _mirror(entry.path, new_root, split, mount_targets)
            elif entry.path in mount_targets:
                continue
            elif entry.is_symlink():
                os.symlink(os.readlink(entry.path), new_path)
            else:
                _make_mount_point(new_path, entry.path)
                linux.mount(entry.path, new_path, None, linux.MS_BIND | linux.MS_REC)


def _make_mount_point(path: str, source: str | None) -> None:
    if os.path.lexists(path):
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if source is None or stat.S_ISDIR(os.stat(source).st_mode):
        os.mkdir(path)
    else:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def _mount_proc(path: str) -> None:
    try:
        linux.mount("proc", path, "proc", 0)
    except PermissionError:
        # A container that masks parts of /proc forbids a fresh one to its own user namespaces.
        linux.mount("/proc", path, None, linux.MS_BIND | linux.MS_REC)


def _mount(path: str, mount: Mount) -> None:
    _make_mount_point(path, mount.source)
    if mount.source is None:
        linux.mount("tmpfs", path, "tmpfs", 0, "mode=1777")
    else:
        linux.mount(mount.source, path, None, linux.MS_BIND | linux.MS_REC)
