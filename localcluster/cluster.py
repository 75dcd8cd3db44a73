"""A local cluster for tests and the demo.

    with local_cluster() as cluster:
        use(cluster.kubeconfig)

Its end, the starter's end by whatever signal included, leaves no process and no folder behind.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from localcluster.node.images import Image
from localcluster.supervisor import SupervisorConfig, is_held, remove_stale_run_dirs

REPOSITORY = Path(__file__).resolve().parents[1]
_CONTROL_SECONDS = 10.0
_END_SECONDS = 30.0


class ClusterError(Exception):
    """The cluster could not be started, or refused what was asked of it."""


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


@dataclass(frozen=True, slots=True)
class LocalCluster:
    """A running local cluster. Faults that concern a pod's life before it runs are annotations: see node/faults.py."""

    kubeconfig: Path
    server: str
    run_dir: Path
    supervisor_pid: int

    def logs(self, namespace: str, pod: str, container: str | None = None) -> str:
        """See Cluster.logs."""
        files = sorted((self.run_dir / "logs").glob(f"{namespace}_{pod}_{container or '*'}.log"))
        if len(files) > 1:
            raise ClusterError(f"{namespace}/{pod} has several containers: {[file.name for file in files]}")
        return files[0].read_text(encoding="utf-8", errors="replace") if files else ""

    def pod_processes(self, namespace: str, pod: str) -> dict[str, int]:
        """Return the first process of each running container of a running pod, by container name."""
        processes = self._ask(verb="processes", namespace=namespace, pod=pod)["processes"]
        return {name: int(pid) for name, pid in processes.items()}

    def kill(self, namespace: str, pod: str, container: str | None = None) -> None:
        """SIGKILL the processes of a running pod, or of one of its containers; the node reports it."""
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
            connection.connect(str(self.run_dir / "node.sock"))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answer: dict[str, Any] = json.loads(answers.readline())
        if "error" in answer:
            raise ClusterError(answer["error"])
        return answer


def default_images() -> dict[str, Image]:
    """Return the project's own images: programs of the repository's virtual environment.

    All pods share the machine's network, so what binds to every address elsewhere binds to its pod's here.
    """
    environment = Path(sys.prefix)
    interpreter = Path(os.path.realpath(sys.executable)).parents[1]
    ours = Image(
        path=(str(environment / "bin"),),
        env={"LOADTEST_HTTP_HOST": "$(POD_IP)"},
        visible=(str(REPOSITORY), str(environment), str(interpreter)),
    )
    django = replace(ours, env={"BIND": "$(POD_IP):8000"}, workdir=str(REPOSITORY / "examples" / "django_target"))
    return {"loadtest-operator:dev": ours, "django-target:dev": django}


@contextmanager
def local_cluster(
    images: Mapping[str, Image] | None = None,
    *,
    node_name: str = "local",
    back_off_seconds: float = 10.0,
    report: Callable[[str], None] | None = None,
) -> Iterator[LocalCluster]:
    """Start a cluster, yield it when pods can be run, and end it.

    images says how containers run, by image name (default_images() if None). back_off_seconds is the wait
    before the second restart of a container, doubled from then on. report is told what is being done.
    Raise ClusterError if the cluster cannot be had.
    """
    config = _config(images, node_name, back_off_seconds)
    with _Supervisor(config, None) as supervisor:
        yield supervisor.until_ready(report or _ignore)


def start_detached(
    state: Path, images: Mapping[str, Image] | None = None, report: Callable[[str], None] | None = None
) -> LocalCluster:
    """Start a cluster that outlives this process; the folder state says how to reach it and how to end it."""
    if read_state(state) is not None:
        raise ClusterError(f"a cluster is up already; `down {state}` ends it")
    state.mkdir(parents=True, exist_ok=True)
    config = _config(images, "local", 10.0)
    with (state / "supervisor.log").open("wb") as log, _Supervisor(config, log) as supervisor:
        cluster = supervisor.until_ready(report or _ignore)
        shutil.copy(cluster.kubeconfig, state / "kubeconfig")
        fields = {"pid": supervisor.pid, "server": cluster.server, "run_dir": str(cluster.run_dir)}
        (state / "state.json").write_text(json.dumps(fields), encoding="utf-8")
        supervisor.detach()
    return replace(cluster, kubeconfig=state / "kubeconfig")


def read_state(state: Path) -> LocalCluster | None:
    """Return the cluster that start_detached started in this folder, None if it does not live."""
    try:
        fields = json.loads((state / "state.json").read_bytes())
    except FileNotFoundError:
        return None
    run_dir = Path(fields["run_dir"])
    if not (run_dir.exists() and is_held(run_dir)):
        return None
    return LocalCluster(state / "kubeconfig", fields["server"], run_dir, fields["pid"])


def stop_detached(state: Path) -> bool:
    """End the cluster that start_detached started and remove the folder; False if there was none."""
    cluster = read_state(state)
    if cluster is not None:
        os.kill(cluster.supervisor_pid, signal.SIGTERM)
        deadline = time.monotonic() + _END_SECONDS
        while cluster.run_dir.exists():
            if time.monotonic() > deadline:
                raise ClusterError(f"the cluster did not end within {_END_SECONDS:g} s")
            time.sleep(0.05)
    # A supervisor that was killed could not remove its own.
    remove_stale_run_dirs()
    shutil.rmtree(state, ignore_errors=True)
    return cluster is not None


class _Supervisor:
    """The supervisor's process, from its start to its end."""

    def __init__(self, config: SupervisorConfig, errors: BinaryIO | None) -> None:
        self._config = config
        self._errors = errors
        self._detached = False
        self._run_dir: Path | None = None

    def __enter__(self) -> "_Supervisor":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "localcluster.supervisor"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._tell(json.dumps(asdict(self._config)))
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
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._run_dir is not None:
            shutil.rmtree(self._run_dir, ignore_errors=True)

    def until_ready(self, report: Callable[[str], None]) -> LocalCluster:
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
                    return LocalCluster(Path(kubeconfig), server, self._run_dir, self.pid)
        raise ClusterError("the cluster's supervisor ended before the cluster was ready")

    def detach(self) -> None:
        self._tell("detach")
        self._detached = True

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()


def _config(images: Mapping[str, Image] | None, node_name: str, back_off_seconds: float) -> SupervisorConfig:
    table = default_images() if images is None else images
    return SupervisorConfig(
        images={name: image.to_json() for name, image in table.items()},
        node_name=node_name,
        back_off_seconds=back_off_seconds,
    )


def _ignore(_text: str) -> None:
    return None
