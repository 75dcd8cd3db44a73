"""What every scenario stands on: a real control plane, the operator as a process, and a node of cheap pods."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.request import urlopen

import aiohttp
import yaml

from bench.operator.node import Node
from bench.rig.processes import cpu_seconds, resident_bytes
from localcluster.cluster import LocalCluster, local_cluster
from localcluster.installation import OPERATOR_NAMESPACE, wait_until_served
from localcluster.node.api import MERGE_PATCH, Api
from localcluster.ports import free_port, free_second_octet
from localcluster.rest import Rest, documents

Json = dict[str, Any]
T = TypeVar("T")

REPOSITORY: Final = Path(__file__).resolve().parents[2]
LOADTESTS: Final = "/apis/x-load-test.dev/v1alpha1"
NAMESPACE: Final = "bench"
_CONTROL_PLANE: Final = frozenset({"etcd", "kube-apiserver", "kube-controller"})
"""Its processes by their names, of which the kernel keeps 15 characters."""


class Operator:
    """The operator's process. It is started by `start`, and may be killed at any time."""

    def __init__(self, cluster: LocalCluster, log: Path) -> None:
        self._port = free_port()
        self._log = log
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(cluster.kubeconfig),
            "LOADTEST_IMAGE": "bench",
            "LOADTEST_ALLOW_LOOPBACK": "true",
            "LOADTEST_TARGETS": "*",
            "LOADTEST_OPERATOR_NAMESPACE": OPERATOR_NAMESPACE,
            "LOADTEST_HTTP_HOST": "127.0.0.1",
            "LOADTEST_HTTP_PORT": str(self._port),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(Path(sys.executable).with_name("loadtest-operator")), "run"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stderr=log, start_new_session=True)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self._pid)

    @property
    def resident_bytes(self) -> int:
        return resident_bytes(self._pid)

    def metric(self, name: str) -> float:
        """The sum of a metric's series."""
        with urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=10) as answer:
            return metric_sum(answer.read().decode(), name)

    @property
    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid


class Stage:
    """A cluster, its operator, and the node; `rest` is an administrator."""

    def __init__(self, cluster: LocalCluster, operator: Operator, node: Node) -> None:
        self.rest = Rest.from_kubeconfig(cluster.kubeconfig)
        self.operator = operator
        self.node = node

    async def call(self, method: str, path: str, body: Json | None = None) -> Json:
        return await asyncio.to_thread(self.rest.call, method, path, body)

    async def apply(self, name: str, pods: int, users: int, seconds: float, **spec: object) -> None:
        resource = manifest(name, pods, users, seconds, **spec)
        await self.call("POST", f"{LOADTESTS}/namespaces/{NAMESPACE}/loadtests", resource)

    async def stop(self, name: str) -> None:
        path = f"{LOADTESTS}/namespaces/{NAMESPACE}/loadtests/{name}"
        await asyncio.to_thread(self.rest.call, "PATCH", path, {"spec": {"stop": True}}, content_type=MERGE_PATCH)

    async def statuses(self) -> dict[str, Json]:
        """The status of every test by its name."""
        items = (await self.call("GET", f"{LOADTESTS}/namespaces/{NAMESPACE}/loadtests"))["items"]
        return {item["metadata"]["name"]: item.get("status") or {} for item in items}

    async def status(self, name: str) -> Json:
        load_test = await self.call("GET", f"{LOADTESTS}/namespaces/{NAMESPACE}/loadtests/{name}")
        status: Json = load_test.get("status") or {}
        return status

    async def delete(self, name: str) -> None:
        await self.call("DELETE", f"{LOADTESTS}/namespaces/{NAMESPACE}/loadtests/{name}")
        await wait_until("the pods are gone", lambda: not self.live_pods(), 60)
        self.node.forget()

    def control_plane_cpu_seconds(self) -> float:
        """The CPU time that etcd, the API server and the controllers have taken so far."""
        return cpu_seconds(os.getpid(), _CONTROL_PLANE)

    def live_pods(self) -> int:
        return sum(
            pod.engine.ended_ns == 0 and pod.snapshot(0).state.is_end is False for pod in self.node.pods.values()
        )

    async def writes(self) -> float:
        """What was written of LoadTests and of what the operator makes for them, as the API server counts it."""
        text = await asyncio.to_thread(self.rest.text, "GET", "/metrics")
        write_pattern = re.compile(
            r'^apiserver_request_total\{(?=.*verb="(?:POST|PUT|PATCH|APPLY|DELETE)")'
            r'(?=.*resource="(?:loadtests|events|configmaps|jobs)").*\} (\S+)$',
            re.MULTILINE,
        )
        lines = [match for match in write_pattern.finditer(text) if not _is_from_job_controller(match[0])]
        return sum(float(match[1]) for match in lines)


def _is_from_job_controller(line: str) -> bool:
    return 'resource="jobs"' in line and 'subresource="status"' in line


def metric_sum(exposition: str, name: str) -> float:
    """The sum of a metric's series in Prometheus' text format."""
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", exposition, re.MULTILINE))


def manifest(name: str, pods: int, users: int, seconds: float, **spec: object) -> Json:
    """A test, with what `spec` says over it; unless that says otherwise it runs beside all others of its target."""
    return {
        "apiVersion": "x-load-test.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "target": {"url": "http://127.0.0.1:8000/"},
            "scenario": "custom",
            "load": {"batchSize": 1_000, "virtualUsers": users, "duration": f"{seconds:g}s"},
            "parallelism": pods,
            # All tests have the one target that does not exist.
            "concurrency": "Allow",
            **spec,
        },
    }


async def wait_until(goal: str, condition: Callable[[], object], seconds: float) -> float:
    """Wait until it holds; gives the instant on the monotonic clock. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s until {goal}")
        await asyncio.sleep(0.02)
    return time.monotonic()


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Everything up but the operator, which a scenario starts when it wants it."""
    # Every pod would want the signals of the one process.
    asyncio.get_running_loop().add_signal_handler = lambda *_: None  # type: ignore[method-assign]
    with _cluster() as cluster, _folder() as folder:
        operator = Operator(cluster, folder / "operator.log")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session:
            api = Api(session, cluster.server, *_identity(cluster, folder))
            node = Node(api, folder, free_second_octet())
            # A node that fails ends the scenario.
            async with asyncio.TaskGroup() as group:
                node_task = group.create_task(node.run())
                try:
                    yield Stage(cluster, operator, node)
                finally:
                    operator.kill()
                    node_task.cancel()


@contextmanager
def _cluster() -> Iterator[LocalCluster]:
    """A control plane without a node of its own, which would take the pods."""
    with local_cluster(report=lambda text: print(text, file=sys.stderr)) as cluster:
        cluster.lose_node()
        rest = Rest.from_kubeconfig(cluster.kubeconfig)
        for name in (NAMESPACE, OPERATOR_NAMESPACE):
            rest.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for document in documents(REPOSITORY / "crds" / "loadtests.yaml"):
            rest.apply(document)
        wait_until_served(rest)
        yield cluster


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for logs and last words, shown where the scenario failed."""
    with tempfile.TemporaryDirectory(prefix="bench-operator-") as name:
        folder = Path(name)
        try:
            yield folder
        except BaseException:
            log = folder / "operator.log"
            sys.stderr.write(log.read_text()[-5_000:] if log.exists() else "")
            raise


def _identity(cluster: LocalCluster, folder: Path) -> tuple[str, str]:
    """An administrator's token, and the file with the API server's authority."""
    kubeconfig = yaml.safe_load(cluster.kubeconfig.read_text())
    authority = folder / "ca.crt"
    authority.write_bytes(b64decode(kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]))
    return kubeconfig["users"][0]["user"]["token"], str(authority)
