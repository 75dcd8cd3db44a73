"""A cluster with one node that runs real containers, as its starter sees it."""

import asyncio
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from localcluster import cgroups
from localcluster.build import WHOLE_CLUSTER, find_programs
from localcluster.cluster import ask_directly
from localcluster.go import BuildError
from localcluster.realnode import machine
from localcluster.realnode.node_network import NodeNetworkError, free_network
from localcluster.realnode.start import RealNode
from localcluster.rest import Rest
from localcluster.supervisor import SupervisorConfig
from localcluster.supervisor_process import ClusterError, SupervisorProcess

# What the kubelet writes before each line: time, stream, and F for a full line or P for a part of one.
_LOG_LINE = re.compile(r"\S+ (?:stdout|stderr) ([FP]) (.*\n?)")


@dataclass(frozen=True, slots=True)
class RealCluster:
    """A running cluster with real containers."""

    kubeconfig: Path
    server: str
    run_dir: Path
    supervisor_pid: int

    ask = staticmethod(ask_directly)

    def logs(self, namespace: str, pod: str, container: str | None = None) -> str:
        """See Cluster.logs."""
        containers = sorted((self.run_dir / "logs" / "pods" / f"{namespace}_{pod}").glob(container or "*"))
        if len(containers) > 1:
            raise ClusterError(f"{namespace}/{pod} has several containers: {[each.name for each in containers]}")
        runs = sorted(containers[0].iterdir(), key=lambda file: file.stat().st_mtime) if containers else []
        return "".join(plain_log(file.read_text(encoding="utf-8", errors="replace")) for file in runs)

    def untag_image(self, image: str) -> None:
        """Take a full name away from an image, so that the node has none of that name; raise ClusterError."""
        self._ctr("remove", "--sync", image)

    def tag_image(self, image: str, other: str) -> None:
        """Give an image that the node has, under its full name, another full name; raise ClusterError."""
        self._ctr("tag", "--force", image, other)

    def kill(self, namespace: str, pod: str, container: str | None = None) -> None:
        """See Cluster.kill."""
        processes = self.pod_processes(namespace, pod)
        pids = [pid for name, pid in processes.items() if container in (None, name)]
        if not pids:
            raise ClusterError(f"{namespace}/{pod} has no running container {container or ''}".rstrip())
        for pid in pids:
            # The first process of a PID namespace takes the others with it.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def pod_processes(self, namespace: str, pod: str) -> dict[str, int]:
        """See Cluster.pod_processes."""
        rest = Rest.from_kubeconfig(self.kubeconfig)
        status = rest.call("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}")["status"]
        first_processes = {}
        for container_status in status.get("containerStatuses", ()):
            container_id = container_status.get("containerID", "//none").rpartition("/")[2]
            pids = cgroups.processes_of(self.run_dir.name, container_id)
            if (first_process := _root_process(pids)) is not None:
                first_processes[container_status["name"]] = first_process
        return first_processes

    def _ctr(self, *arguments: str) -> None:
        # containerd's socket and folders are the node's own, in its mount namespace.
        inside = ["nsenter", f"--target={self.supervisor_pid}", "--mount"]
        command = [*inside, "ctr", "--namespace=k8s.io", "images", *arguments]
        process = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if process.returncode != 0:
            raise ClusterError(f"ctr images {' '.join(arguments)}: {_text(process.stderr) or _text(process.stdout)}")

    def all_logs(self) -> dict[str, str]:
        """See Cluster.all_logs."""
        logs = {}
        for path in (self.run_dir / "logs" / "pods").glob("*/*"):
            namespace, _, pod = path.parent.name.partition("_")
            logs[f"{path.parent.name}_{path.name}"] = self.logs(namespace, pod, path.name)
        return logs


def _text(output: bytes) -> str:
    return output.decode(errors="replace").strip()


def _root_process(pids: Sequence[int]) -> int | None:
    """Return the process of a container whose parent is none of them."""
    for pid in pids:
        with suppress(FileNotFoundError):
            # The name in parentheses may hold anything; the parent comes second after it.
            parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) not in pids:
                return pid
    return None


def plain_log(text: str) -> str:
    """Return what a container wrote, from the lines in which the kubelet keeps it."""
    matches = (_LOG_LINE.fullmatch(line) for line in text.splitlines(keepends=True))
    return "".join(match[2] if match[1] == "F" else match[2].rstrip("\n") for match in matches if match)


@contextmanager
def real_cluster(archives: Sequence[Path], report: Callable[[str], None]) -> Iterator[RealCluster]:
    """Start a cluster with real containers, yield it when pods can be run, and end it.

    archives are OCI archives of the images that its node is to have. Raises ClusterError if it cannot be had.
    """
    with prepared_node(archives, report) as (node, config), SupervisorProcess(config, None, node.network) as supervisor:
        ready_cluster = supervisor.wait_until_ready(report)
        yield RealCluster(ready_cluster.kubeconfig, ready_cluster.server, ready_cluster.run_dir, ready_cluster.pid)


@contextmanager
def prepared_node(
    archives: Sequence[Path], report: Callable[[str], None]
) -> Iterator[tuple[RealNode, SupervisorConfig]]:
    """Have everything that a node with real containers is made of, and give what it is to be like.

    Its network is kept free of other clusters until the end, by which it is in use. Raises ClusterError.
    """
    with ExitStack() as claims:
        try:
            machine.ensure_programs()
            with tempfile.TemporaryDirectory(prefix="loadtest-build-") as work_dir:
                asyncio.run(find_programs(Path(work_dir), report, WHOLE_CLUSTER))
            network = claims.enter_context(free_network())
        except (machine.MachineError, BuildError, NodeNetworkError) as error:
            raise ClusterError(str(error)) from error
        node = RealNode(network.octet, tuple(str(each.resolve()) for each in archives))
        yield node, SupervisorConfig(images={}, node_name="node", back_off_seconds=0.0, real=asdict(node))
