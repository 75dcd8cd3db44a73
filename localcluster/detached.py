"""A cluster that outlives the command that started it; a folder says how to reach it and how to end it."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from localcluster.choice import ClusterKind, image_archives_for
from localcluster.cluster import Cluster, LocalCluster, process_config
from localcluster.realnode.cluster import RealCluster, prepared_node
from localcluster.realnode.start import RealNode
from localcluster.supervisor import SupervisorConfig, is_supervised, remove_stale_run_dirs
from localcluster.supervisor_process import END_SECONDS, ClusterError, SupervisorProcess


def start_detached(state: Path, kind: ClusterKind, report: Callable[[str], None]) -> Cluster:
    """Start a cluster that outlives this process; the folder state says how to reach it and how to end it."""
    if read_state(state) is not None:
        raise ClusterError(f"a cluster is up already; `down {state}` ends it")
    if kind is ClusterKind.CURRENT:
        raise ClusterError("CLUSTER=current is up already; `make demo CLUSTER=current` installs operator and target")
    state.mkdir(parents=True, exist_ok=True)
    with (
        _prepared_node(kind, report) as (node, config),
        (state / "supervisor.log").open("wb") as log,
        SupervisorProcess(config, log, node.network if node else None) as supervisor,
    ):
        ready_cluster = supervisor.wait_until_ready(report)
        shutil.copy(ready_cluster.kubeconfig, state / "kubeconfig")
        fields = {"pid": supervisor.pid, "server": ready_cluster.server, "run_dir": str(ready_cluster.run_dir)}
        fields["kind"] = kind
        # Under another name until it is whole.
        (state / "state.new").write_text(json.dumps(fields), encoding="utf-8")
        (state / "state.new").rename(state / "state.json")
        supervisor.detach()
    cluster = read_state(state)
    assert cluster is not None
    return cluster


@contextmanager
def _prepared_node(
    kind: ClusterKind, report: Callable[[str], None]
) -> Iterator[tuple[RealNode | None, SupervisorConfig]]:
    if kind is not ClusterKind.NODE:
        yield None, process_config()
        return
    with prepared_node(image_archives_for(kind, report), report) as prepared:
        yield prepared


def read_state(state: Path) -> Cluster | None:
    """Return the cluster that start_detached started in this folder, None if it does not live."""
    fields = _fields(state)
    if fields is None:
        return None
    kubeconfig, server, run_dir = state / "kubeconfig", str(fields["server"]), Path(str(fields["run_dir"]))
    pid = int(fields["pid"])
    if fields["kind"] == ClusterKind.NODE:
        return RealCluster(kubeconfig, server, run_dir, pid)
    return LocalCluster(kubeconfig, server, run_dir, pid)


def stop_detached(state: Path) -> bool:
    """End the cluster that start_detached started and remove the folder; False if there was none."""
    fields = _fields(state)
    if fields is not None:
        with suppress(ProcessLookupError):
            os.kill(int(fields["pid"]), signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        while Path(str(fields["run_dir"])).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        if is_supervised(Path(str(fields["run_dir"]))):
            # The kernel ends what its end leaves.
            with suppress(ProcessLookupError):
                os.kill(int(fields["pid"]), signal.SIGKILL)
    # A supervisor that was killed could not remove its own.
    remove_stale_run_dirs()
    shutil.rmtree(state, ignore_errors=True)
    return fields is not None


def _fields(state: Path) -> dict[str, str | int] | None:
    try:
        fields: dict[str, str | int] = json.loads((state / "state.json").read_bytes())
    except FileNotFoundError:
        return None
    run_dir = Path(str(fields["run_dir"]))
    return fields if run_dir.exists() and is_supervised(run_dir) else None
