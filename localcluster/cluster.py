"""A local cluster for tests and the demo: a real control plane, and a node that runs pods as processes.

    with local_cluster() as cluster:
        use(cluster.kubeconfig)

Its end, the starter's end by whatever signal included, leaves no process and no folder behind.
"""

import http.client
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from localcluster.node.control import short_path
from localcluster.node.delays import Delays
from localcluster.node.images import Image
from localcluster.rest import Json
from localcluster.supervisor import SupervisorConfig
from localcluster.supervisor_process import ClusterError, SupervisorProcess

REPOSITORY = Path(__file__).resolve().parents[1]
KUBECTL_IMAGE = "alpine/kubectl:1.34.1"
"""The image of the gates in examples/."""
_CONTROL_SECONDS = 10.0
_ANSWER_SECONDS = 60.0


class Cluster(Protocol):
    """What the end-to-end tests need of a cluster, whichever it is."""

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig file of an administrator."""

    @property
    def server(self) -> str:
        """The API server's URL."""

    def logs(self, namespace: str, pod: str, container: str | None = None) -> str:
        """Return what a container wrote so far, its earlier runs and a deleted pod's included.

        container may be None for a pod with one container. Nothing written is an empty text.
        """

    def ask(
        self, pod: Json, port: int, method: str, path: str, body: bytes = b"", content_type: str = "text/plain"
    ) -> tuple[int, bytes]:
        """Send one request to a port of a running pod; return the status and the body of its answer."""

    def all_logs(self) -> Mapping[str, str]:
        """Return all that containers of any pod wrote, by names that begin with `<namespace>_<pod>`."""

    def pod_processes(self, namespace: str, pod: str) -> dict[str, int]:
        """Return the first process of each running container of a pod, by container name."""

    def kill(self, namespace: str, pod: str, container: str | None = None) -> None:
        """SIGKILL the processes of a running pod, or of one of its containers; the node reports it.

        Raises ClusterError if none runs.
        """


def ask_directly(
    pod: Json, port: int, method: str, path: str, body: bytes = b"", content_type: str = "text/plain"
) -> tuple[int, bytes]:
    """See Cluster.ask; for a cluster whose pods' addresses this machine reaches."""
    connection = http.client.HTTPConnection(pod["status"]["podIP"], port, timeout=_ANSWER_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class LocalCluster:
    """A running local cluster. Faults that concern a pod's life before it runs are annotations: see node/faults.py."""

    kubeconfig: Path
    server: str
    run_dir: Path
    supervisor_pid: int

    ask = staticmethod(ask_directly)

    def logs(self, namespace: str, pod: str, container: str | None = None) -> str:
        """See Cluster.logs."""
        files = sorted((self.run_dir / "logs").glob(f"{namespace}_{pod}_{container or '*'}.log"))
        if len(files) > 1:
            raise ClusterError(f"{namespace}/{pod} has several containers: {[file.name for file in files]}")
        return files[0].read_text(encoding="utf-8", errors="replace") if files else ""

    def all_logs(self) -> Mapping[str, str]:
        """See Cluster.all_logs."""
        files = (self.run_dir / "logs").glob("*_*_*.log")
        return {file.name: file.read_text(encoding="utf-8", errors="replace") for file in files}

    def pod_processes(self, namespace: str, pod: str) -> dict[str, int]:
        """See Cluster.pod_processes."""
        processes = self._ask(verb="processes", namespace=namespace, pod=pod)["processes"]
        return {name: int(pid) for name, pid in processes.items()}

    def kill(self, namespace: str, pod: str, container: str | None = None) -> None:
        """See Cluster.kill."""
        self._ask(verb="kill", namespace=namespace, pod=pod, container=container)

    def lose_node(self) -> None:
        """Take the node away: its processes are killed, and it reports nothing more."""
        self._ask(verb="leave")

    def return_node(self) -> None:
        """Bring the node back. Pods that ran on it are reported as ended, or started anew, by their policy."""
        self._ask(verb="return")

    def _ask(self, **request: Any) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_CONTROL_SECONDS)
            with short_path(self.run_dir / "node.sock") as path:
                connection.connect(path)
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        if "error" in answer:
            raise ClusterError(answer["error"])
        return answer


def default_images() -> dict[str, Image]:
    """Return the project's own images, programs of the repository's virtual environment, and this machine's kubectl.

    All pods share the machine's network, so what binds to every address elsewhere binds to its pod's here.
    """
    environment = Path(sys.prefix)
    interpreter = Path(os.path.realpath(sys.executable)).parents[1]
    operator_image = Image(
        path=(str(environment / "bin"),),
        env={"LOADTEST_HTTP_HOST": "$(POD_IP)", "LOADTEST_UI_HOST": "$(POD_IP)"},
        visible=(str(REPOSITORY), str(environment), str(interpreter)),
        user=65532,
    )
    target_image = replace(
        operator_image,
        env={"BIND": "$(POD_IP):8000"},
        workdir=str(REPOSITORY / "examples" / "django_target"),
        user=10001,
    )
    images = {"loadtest-operator:dev": operator_image, "django-target:dev": target_image}
    if kubectl := shutil.which("kubectl"):
        folder = str(Path(kubectl).parent)
        images[KUBECTL_IMAGE] = Image(path=(folder,), visible=(folder,))
    return images


@contextmanager
def local_cluster(
    images: Mapping[str, Image] | None = None,
    *,
    node_name: str = "local",
    back_off_seconds: float = 10.0,
    delays: Delays | None = None,
    report: Callable[[str], None] | None = None,
) -> Iterator[LocalCluster]:
    """Start a cluster, yield it when pods can be run, and end it.

    images says how containers run, by image name (default_images() if None). back_off_seconds is the wait
    before the second restart of a container, doubled from then on. delays are Delays() if None. report is told what
    is being done.
    Raise ClusterError if the cluster cannot be had.
    """
    config = process_config(images, node_name, back_off_seconds, delays)
    with SupervisorProcess(config, None) as supervisor:
        ready_cluster = supervisor.wait_until_ready(report or _ignore)
        yield LocalCluster(ready_cluster.kubeconfig, ready_cluster.server, ready_cluster.run_dir, ready_cluster.pid)


def process_config(
    images: Mapping[str, Image] | None = None,
    node_name: str = "local",
    back_off_seconds: float = 10.0,
    delays: Delays | None = None,
) -> SupervisorConfig:
    """Return the settings of a cluster that runs pods as processes; see local_cluster."""
    chosen_images = default_images() if images is None else images
    return SupervisorConfig(
        images={name: image.to_json() for name, image in chosen_images.items()},
        node_name=node_name,
        back_off_seconds=back_off_seconds,
        delays=(delays or Delays()).to_json(),
    )


def _ignore(_text: str) -> None:
    return None
