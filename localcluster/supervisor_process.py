"""The starter's side of a cluster: the process that supervises it, and what it says of its progress."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from localcluster.realnode.node_network import NodeNetwork, NodeNetworkError, connect
from localcluster.supervisor import SupervisorConfig, remove_run_dir

END_SECONDS = 30.0
_CHILD_SECONDS = 10.0
_REPOSITORY = Path(__file__).resolve().parents[1]
# The supervisor is the first process there: when it ends, the kernel ends all that lives in them.
_OWN_NAMESPACES = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")


class ClusterError(Exception):
    """The cluster could not be started, or refused what was asked of it."""


@dataclass(frozen=True, slots=True)
class StartedCluster:
    """How to reach a cluster that is up, and the process that ends it."""

    server: str
    kubeconfig: Path
    run_dir: Path
    pid: int


class SupervisorProcess:
    """The supervisor's process, from its start to its end.

    `place` is where a whole node lives; the supervisor then has namespaces of its own, linked to the machine.
    """

    def __init__(self, config: SupervisorConfig, errors: BinaryIO | None, network: NodeNetwork | None = None) -> None:
        self._config = config
        self._errors = errors
        self._network = network
        self._detached = False
        self._run_dir: Path | None = None

    def __enter__(self) -> "SupervisorProcess":
        self._process = subprocess.Popen(
            [*(_OWN_NAMESPACES if self._network else ()), sys.executable, "-m", "localcluster.supervisor"],
            cwd=_REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        self.pid = self._process.pid
        try:
            if self._network is not None:
                self.pid = self._wait_for_child()
                connect(self._network, self.pid)
            self._send(json.dumps(asdict(self._config)))
        except (NodeNetworkError, BrokenPipeError, ClusterError) as error:
            self._process.kill()
            self._process.wait()
            raise ClusterError(str(error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        if self._detached:
            # It is nobody's to wait for any more.
            self._process.returncode = 0
            return
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._run_dir is not None:
            remove_run_dir(self._run_dir)

    def wait_until_ready(self, report: Callable[[str], None]) -> StartedCluster:
        """Wait until pods can be run; raise ClusterError if that will not be."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            match json.loads(line):
                case {"progress": text}:
                    report(text)
                case {"run_dir": path}:
                    self._run_dir = Path(path)
                case {"failed": reason}:
                    raise ClusterError(reason)
                case {"ready": {"server": server, "kubeconfig": kubeconfig}} if self._run_dir is not None:
                    return StartedCluster(server, Path(kubeconfig), self._run_dir, self.pid)
        raise ClusterError("the cluster's supervisor ended before the cluster was ready")

    def _wait_for_child(self) -> int:
        """Wait for the one child of unshare, which is the supervisor."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        deadline = time.monotonic() + _CHILD_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if pids := children.read_text(encoding="ascii").split():
                return int(pids[0])
            time.sleep(0.01)
        raise ClusterError("the namespaces for a node with real containers cannot be made; unshare says why above")

    def detach(self) -> None:
        """Have the cluster outlive this process."""
        self._send("detach")
        self._detached = True

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
