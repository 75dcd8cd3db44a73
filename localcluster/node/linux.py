"""The few Linux calls that Python 3.11 lacks. Imports nothing heavy: it runs before every container."""

import ctypes
import os
import platform

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWUTS = 0x04000000
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1
# Numbers from 424 on are the same on every architecture.
_SYS_MOUNT_SETATTR = 442
_SYS_PIVOT_ROOT = 155 if platform.machine() == "x86_64" else 41

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def _check(result: int, operation: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{operation}: {os.strerror(number)}")


def die_with_parent(signal_number: int, parent_pid: int) -> None:
    """Have the kernel send the signal when the thread that started this process ends.

    parent_pid is who the parent must be: one that ended before the call is noticed by its absence. It is 0
    for a parent outside this PID namespace, whose absence cannot be seen.
    """
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal_number)


def become_subreaper() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, flags: int) -> None:
    """Join namespaces; fd is a pidfd of a process that is in them."""
    _check(_libc.setns(fd, flags), "setns")


def set_host_name(name: str) -> None:
    encoded = os.fsencode(name)
    _check(_libc.sethostname(encoded, ctypes.c_size_t(len(encoded))), "sethostname")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    def encoded(text: str | None) -> bytes | None:
        return None if text is None else os.fsencode(text)

    result = _libc.mount(encoded(source), encoded(target), encoded(kind), ctypes.c_ulong(flags), encoded(data))
    _check(result, f"mount {source or kind} on {target}")


def unmount(target: str) -> None:
    """Detach what is mounted at target, busy or not."""
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def make_read_only(target: str, recursive: bool) -> None:
    """Make the mount at target read-only, and with recursive those beneath it too (Linux 5.12)."""
    attributes = _MountAttr(attr_set=_MOUNT_ATTR_RDONLY)
    flags = _AT_RECURSIVE if recursive else 0
    result = _libc.syscall(
        _SYS_MOUNT_SETATTR,
        _AT_FDCWD,
        os.fsencode(target),
        flags,
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _check(result, f"make {target} read-only")


def pivot_root_here() -> None:
    """Make the working directory, which must be a mount point, the root; the old root is detached."""
    _check(_libc.syscall(_SYS_PIVOT_ROOT, b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", MNT_DETACH), "umount the old root")
