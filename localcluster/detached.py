"""A cluster that outlives the command that started it; a folder says how to reach it and how to end it."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from localcluster.choice import Kind, images_of
from localcluster.cluster import Cluster, LocalCluster, process_config
from localcluster.realnode.cluster import RealCluster, prepare
from localcluster.supervised import END_SECONDS, ClusterError, Supervised
from localcluster.supervisor import is_held, remove_stale_run_dirs


def start_detached(state: Path, kind: Kind, report: Callable[[str], None]) -> Cluster:
    """Start a cluster that outlives this process; the folder state says how to reach it and how to end it."""
    if read_state(state) is not None:
        raise ClusterError(f"a cluster is up already; `down {state}` ends it")
    if kind is Kind.CURRENT:
        raise ClusterError("CLUSTER=current is up already; `make demo CLUSTER=current` installs operator and target")
    node, config = prepare(images_of(kind, report), report) if kind is Kind.NODE else (None, process_config())
    state.mkdir(parents=True, exist_ok=True)
    with (
        (state / "supervisor.log").open("wb") as log,
        Supervised(config, log, node.place if node else None) as supervised,
    ):
        started = supervised.until_ready(report)
        shutil.copy(started.kubeconfig, state / "kubeconfig")
        fields = {"pid": supervised.pid, "server": started.server, "run_dir": str(started.run_dir)}
        fields["kind"] = kind
        # Under another name until it is whole.
        (state / "state.new").write_text(json.dumps(fields), encoding="utf-8")
        (state / "state.new").rename(state / "state.json")
        supervised.detach()
    cluster = read_state(state)
    assert cluster is not None
    return cluster


def read_state(state: Path) -> Cluster | None:
    """Return the cluster that start_detached started in this folder, None if it does not live."""
    fields = _fields(state)
    if fields is None:
        return None
    kubeconfig, server, run_dir = state / "kubeconfig", str(fields["server"]), Path(str(fields["run_dir"]))
    pid = int(fields["pid"])
    if fields["kind"] == Kind.NODE:
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
        if is_held(Path(str(fields["run_dir"]))):
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
    return fields if run_dir.exists() and is_held(run_dir) else None
