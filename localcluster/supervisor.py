"""The one process that owns a cluster: whatever becomes of its starter, nothing of the cluster outlives it.

`python -m localcluster.supervisor` reads its settings as a line of JSON from standard input. The end of
standard input, or SIGTERM, ends the cluster, unless the starter has said `detach` before. It says on standard
output, in lines of JSON, what it is doing, that the cluster is ready, or why it will not be.
Should this process be killed, the kernel kills the cluster's, and the starter or the next cluster removes the
run folder, whose lock is then free.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from localcluster import cgroups, controlplane
from localcluster.build import find_programs
from localcluster.claims import NumbersTakenError, claim_until_exit
from localcluster.controlplane import Access, Component, ControlPlaneError
from localcluster.go import BuildError
from localcluster.node import linux
from localcluster.node.network import SECOND_OCTETS, LoopbackNetwork
from localcluster.realnode import machine
from localcluster.realnode.logs import keep_logs
from localcluster.realnode.node_network import NodeNetworkError
from localcluster.realnode.start import RealNode, start_real_node

RUN_DIR_PREFIX = "loadtest-cluster-"
_LOCK = "lock"
_REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class SupervisorConfig:
    """What a cluster is to be like; see localcluster.cluster.local_cluster."""

    images: dict[str, dict[str, Any]]
    node_name: str
    back_off_seconds: float
    delays: dict[str, float] = field(default_factory=dict)
    """The fields of Delays."""
    real: dict[str, Any] | None = None
    """The fields of a RealNode, where pods are to run in real containers; this process has namespaces of its own."""


class _Starter:
    """Whoever started this process: told of progress as long as it listens."""

    def __init__(self) -> None:
        self.detached = False

    def tell(self, **message: Any) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    async def wait_until_gone(self) -> None:
        """Return at the end of standard input, unless it said `detach`."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb", buffering=0)
        )
        async for line in reader:
            self.detached = self.detached or line.strip() == b"detach"
        if self.detached:
            await asyncio.Event().wait()


def remove_stale_run_dirs() -> None:
    """Remove the run folders of this user that no supervisor holds any more."""
    for directory in Path(tempfile.gettempdir()).glob(f"{RUN_DIR_PREFIX}*"):
        # Its own supervisor, or another process that looks as this one does, may remove it first.
        with contextlib.suppress(FileNotFoundError):
            if directory.stat().st_uid == os.geteuid() and not is_supervised(directory):
                remove_run_dir(directory)


def remove_run_dir(run_dir: Path) -> None:
    """Remove a run folder, and the control groups of its cluster's containers, which have ended."""
    cgroups.remove_groups(run_dir.name)
    shutil.rmtree(run_dir, ignore_errors=True)


def is_supervised(run_dir: Path) -> bool:
    """Return whether the supervisor of a run folder lives."""
    try:
        with (run_dir / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        # Younger ones are about to get their lock.
        with contextlib.suppress(FileNotFoundError):
            return time.time() - run_dir.stat().st_mtime < 60
    return False


def _make_run_dir() -> tuple[Path, TextIO]:
    run_dir = Path(tempfile.mkdtemp(prefix=RUN_DIR_PREFIX))
    # It gets its name when it is held: who finds it free takes the folder for one that was left behind.
    nameless_lock = run_dir / f"{_LOCK}.new"
    lock = nameless_lock.open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    nameless_lock.rename(run_dir / _LOCK)
    (run_dir / "logs").mkdir()
    return run_dir, lock


async def _start_node(config: SupervisorConfig, run_dir: Path, access: Access, network: LoopbackNetwork) -> Component:
    node = {
        "server": access.server,
        "token": access.token,
        "ca_file": str(access.ca_file),
        "run_dir": str(run_dir),
        "node_name": config.node_name,
        "second_octet": network.second_octet,
        "images": config.images,
        "back_off_seconds": config.back_off_seconds,
        "delays": config.delays,
    }
    path = run_dir / "node.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(node), encoding="utf-8")
    command = [sys.executable, "-m", "localcluster.node", str(path), str(os.getpid())]
    return await controlplane.start_component("node", command, run_dir / "logs" / "node.log", _REPOSITORY)


async def _start(
    config: SupervisorConfig, second_octet: int, run_dir: Path, starter: _Starter, components: list[Component]
) -> None:
    """Start everything, adding it to components, and return when pods can be run."""
    if config.real is not None:
        node = RealNode(**config.real)
        access = await start_real_node(node, run_dir, components, lambda text: starter.tell(progress=text))
        starter.tell(ready={"server": access.server, "kubeconfig": str(access.kubeconfig)})
        return
    programs = await find_programs(run_dir, lambda text: starter.tell(progress=text))
    starter.tell(progress="starting the control plane")
    network = LoopbackNetwork(second_octet)
    access = await controlplane.start_api_server(programs, run_dir, components, service_range=network.service_range)
    components.append(await controlplane.start_controllers(programs, run_dir, access))
    components.append(await _start_node(config, run_dir, access, network))
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    root_ca = "/api/v1/namespaces/default/configmaps/kube-root-ca.crt"
    paths = ["/readyz", account, root_ca, f"/api/v1/nodes/{config.node_name}"]
    await controlplane.wait_until(
        lambda: all(controlplane.is_served(access, path) for path in paths), components, "pods can be run"
    )
    starter.tell(ready={"server": access.server, "kubeconfig": str(access.kubeconfig)})


@asynccontextmanager
async def _stop_signal() -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    yield stop


async def _watch_component(component: Component) -> None:
    """Raise ControlPlaneError when the component ends by itself."""
    await component.process.wait()
    raise ControlPlaneError(component.describe_end())


async def _run_cluster(config: SupervisorConfig, second_octet: int, run_dir: Path, starter: _Starter) -> None:
    components: list[Component] = []
    try:
        await _start(config, second_octet, run_dir, starter, components)
        async with asyncio.TaskGroup() as group:
            for component in components:
                group.create_task(_watch_component(component))
            if config.real is not None:
                group.create_task(keep_logs(run_dir / "var" / "log" / "pods", run_dir / "logs" / "pods"))
    finally:
        for component in components:
            if component.process.returncode is None:
                component.process.kill()
            await component.process.wait()


async def _supervise(config: SupervisorConfig, second_octet: int, run_dir: Path, starter: _Starter) -> None:
    async with _stop_signal() as stop, asyncio.TaskGroup() as group:
        cluster_task = group.create_task(_run_cluster(config, second_octet, run_dir, starter))
        end_tasks = [group.create_task(stop.wait()), group.create_task(starter.wait_until_gone())]
        await asyncio.wait({cluster_task, *end_tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in (cluster_task, *end_tasks):
            task.cancel()


def _end_descendants() -> None:
    """Kill every process that descends from this one and wait until none is left.

    As their subreaper this process becomes the parent of whatever they leave behind.
    """
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while True:
        for pid in children.read_text(encoding="ascii").split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def error_messages(group: BaseExceptionGroup[BaseException]) -> list[str]:
    """Return what the errors of a group say, those of groups in it included."""
    return [
        text
        for error in group.exceptions
        for text in (error_messages(error) if isinstance(error, BaseExceptionGroup) else [str(error)])
    ]


def main() -> int:
    starter = _Starter()
    config = SupervisorConfig(**json.loads(_read_first_line()))
    remove_stale_run_dirs()
    linux.become_subreaper()
    run_dir, lock = _make_run_dir()
    exit_code = 0
    try:
        starter.tell(run_dir=str(run_dir))
        # Until the last process has ended: another cluster's pods would meet this one's at their addresses.
        second_octet = claim_until_exit("loopback network", SECOND_OCTETS)
        asyncio.run(_supervise(config, second_octet, run_dir, starter))
    except* (BuildError, ControlPlaneError, NodeNetworkError, NumbersTakenError) as group:
        exit_code = 1
        reason = "\n".join(error_messages(group))
        starter.tell(failed=reason)
        # Once the cluster is up its starter no longer listens, so that its end would go unexplained.
        print(f"the cluster ended: {reason}", file=sys.stderr)
    finally:
        _end_descendants()
        if config.real is not None:
            machine.leave_mounts(run_dir)
        remove_run_dir(run_dir)
        lock.close()
    return exit_code


def _read_first_line() -> bytes:
    """Read one line of standard input and not a byte more, so that its end can be waited for later."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise SystemExit("standard input ended before the settings")
        line += byte
    return line


if __name__ == "__main__":
    sys.exit(main())
