"""The process between the node and a container: makes its namespaces, starts it, passes on signals and its end.

`run SPEC FD` starts the container of a SandboxSpec file and writes one line to FD: `started PID` (as seen by
the node) or `failed REASON`. It ends with the container's exit code, 128 + n where signal n ended it. The
container is process 1 of a PID namespace, so its end, which is also this process's end, is its whole tree's.
SIGTERM is passed on; SIGUSR1 ends the container with SIGKILL.
`enter PID SPEC ARGUMENT...` runs a command in the namespaces of a running container.
"""

import json
import os
import select
import signal
import sys
from dataclasses import asdict, dataclass
from types import FrameType
from typing import NoReturn

from localcluster.node import linux
from localcluster.node.rootfs import Mount, build

START_FAILED_EXIT_CODE = 128
_NAMESPACES = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWUTS


class StartError(Exception):
    """The container cannot be started; the message is what its status will say."""


@dataclass(frozen=True, slots=True)
class User:
    """A container's user, its group, and the groups that it is in besides."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    @property
    def home(self) -> str:
        """HOME as a runtime sets it: from /etc/passwd, and / for whoever is not in there."""
        return "/root" if self.uid == 0 else "/"


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What a container runs, and in which world. root is an empty directory, env is the whole environment.

    With user_namespace the user is whoever starts the container, under another number and without rights of its own
    over the machine; otherwise it is really the user, for which root is needed. cgroup is the file by which a process
    joins the container's control group, None if it has none.
    """

    root: str
    argv: list[str]
    env: dict[str, str]
    working_directory: str
    host_name: str
    mounts: list[Mount]
    user: User
    user_namespace: bool
    cgroup: str | None = None

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def read_spec(path: str) -> SandboxSpec:
    with open(path, "rb") as file:
        fields = json.load(file)
    mounts = [Mount(**mount) for mount in fields.pop("mounts")]
    user = fields.pop("user")
    return SandboxSpec(mounts=mounts, user=User(user["uid"], user["gid"], tuple(user["groups"])), **fields)


def _namespaces(spec: SandboxSpec) -> int:
    # Without root, a user namespace gives the right to make the others, and one user and group of one's choice.
    return _NAMESPACES | linux.CLONE_NEWUSER if spec.user_namespace else _NAMESPACES


def _unshare(spec: SandboxSpec) -> None:
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(_namespaces(spec))
    if not spec.user_namespace:
        return
    maps = {"setgroups": "deny", "uid_map": f"{spec.user.uid} {uid} 1", "gid_map": f"{spec.user.gid} {gid} 1"}
    for name, text in maps.items():
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _change_user(user: User) -> None:
    os.setgroups(user.groups)
    os.setgid(user.gid)
    os.setuid(user.uid)
    # The kernel forgets with a change of users what it was asked for before.
    linux.die_with_parent(signal.SIGKILL, 0)


def _exec(spec: SandboxSpec, argv: list[str]) -> NoReturn:
    # Python ignores these, and an ignored signal stays ignored across exec.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.umask(0o022)
    if not spec.user_namespace:
        _change_user(spec.user)
    os.chdir(spec.working_directory)
    try:
        os.execvpe(argv[0], argv, spec.env)
    except FileNotFoundError as error:
        raise StartError(f'exec: "{argv[0]}": executable file not found in $PATH') from error


def _run_in_container(spec: SandboxSpec, parent_alive_fd: int) -> NoReturn:
    linux.die_with_parent(signal.SIGKILL, 0)
    if select.select([parent_alive_fd], [], [], 0)[0]:
        os._exit(START_FAILED_EXIT_CODE)
    if not spec.user_namespace:
        # Who opens /dev/stdout by its name must own what it stands for, here the log.
        os.fchown(1, spec.user.uid, spec.user.gid)
    os.setsid()
    if spec.cgroup is not None:
        with open(spec.cgroup, "w", encoding="ascii") as file:
            file.write("0")
    linux.set_host_name(spec.host_name)
    build(spec.root, spec.mounts)
    os.chdir(spec.root)
    linux.pivot_root_here()
    _exec(spec, spec.argv)


def _start_error(error: Exception) -> str:
    return str(error) if isinstance(error, StartError) else f"{type(error).__name__}: {error}"


def _exit_code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _fork_container(spec: SandboxSpec) -> tuple[int, int]:
    """Return the container's pid, and a descriptor that yields why it did not start, or nothing."""
    # The child's copy of alive_write is closed, so alive_read ends exactly when this process has ended.
    alive_read, alive_write = os.pipe()
    error_read, error_write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(alive_write)
            _run_in_container(spec, alive_read)
        except Exception as error:
            os.write(error_write, _start_error(error).encode())
        finally:
            os._exit(START_FAILED_EXIT_CODE)
    os.close(error_write)
    os.close(alive_read)
    return child, error_read


def run(spec: SandboxSpec, report_fd: int) -> int:
    """Run the container to its end and return its exit code."""
    os.set_inheritable(report_fd, False)
    signals = {signal.SIGTERM, signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    _unshare(spec)
    child, error_fd = _fork_container(spec)

    def forward_signal(number: int, _frame: FrameType | None) -> None:
        os.kill(child, signal.SIGKILL if number == signal.SIGUSR1 else number)

    for number in signals:
        signal.signal(number, forward_signal)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    with os.fdopen(error_fd, "rb") as errors:
        failure = errors.read()
    line = b"failed " + failure if failure else b"started %d" % child
    os.write(report_fd, line.replace(b"\n", b" ") + b"\n")
    os.close(report_fd)
    return _exit_code(os.waitpid(child, 0)[1])


def enter(pid: int, spec: SandboxSpec, argv: list[str]) -> int:
    """Run a command beside a container's process pid and return its exit code, 126 if it cannot be run."""
    linux.setns(os.pidfd_open(pid), _namespaces(spec))
    child = os.fork()
    if child == 0:
        try:
            linux.die_with_parent(signal.SIGKILL, 0)
            _exec(spec, argv)
        except Exception as error:
            sys.stderr.write(_start_error(error) + "\n")
            sys.stderr.flush()
        finally:
            os._exit(126)
    return _exit_code(os.waitpid(child, 0)[1])


def main(arguments: list[str]) -> int:
    verb, node_pid, *rest = arguments
    linux.die_with_parent(signal.SIGKILL, int(node_pid))
    if verb == "run":
        return run(read_spec(rest[0]), int(rest[1]))
    return enter(int(rest[0]), read_spec(rest[1]), rest[2:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
