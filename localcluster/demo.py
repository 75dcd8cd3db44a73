"""The main job from nothing: a cluster, the operator, the example target, one LoadTest, and its verdict."""

import base64
import gzip
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import yaml
from rich.console import Console
from rich.live import Live

from localcluster import view
from localcluster.choice import ClusterKind, cluster_kind, cluster_of
from localcluster.cluster import Cluster
from localcluster.detached import start_detached
from localcluster.installation import install_everything, stored_rows
from localcluster.node import linux
from localcluster.progress import ActivityLine
from localcluster.rest import Json, Rest

RESULTS = Path("load_test_results")
STATE = Path(".cluster")
POLL_SECONDS = 0.4
LINE_SECONDS = 3.0
SLACK_SECONDS = 600.0


class SignalReceived(BaseException):
    """A signal asked the demo to end; everything it started is ended on the way out."""


def run(manifest: Path) -> int:
    """Run the demo; 0 only for a Passed verdict with no row stored."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        # A demo under nohup outlives its terminal.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    # make may be killed without a word.
    linux.die_with_parent(signal.SIGTERM, os.getppid())
    console, keep = Console(), os.environ.get("KEEP") == "1"
    try:
        with _cluster(keep=keep, console=console) as (cluster, progress):
            rest = Rest.from_kubeconfig(cluster.kubeconfig)
            install_everything(rest, progress)
            progress.close()
            return _run_load_test(cluster, rest, manifest, console)
    except SignalReceived as received:
        console.print(f"\nended by {received}" + ("" if keep else "; everything that was started is gone"))
        return 130


@contextmanager
def _cluster(*, keep: bool, console: Console) -> Iterator[tuple[Cluster, ActivityLine]]:
    progress = ActivityLine(sys.stderr, is_terminal=sys.stderr.isatty())
    try:
        kind = cluster_kind()
        if keep and kind is not ClusterKind.CURRENT:
            cluster = start_detached(STATE, kind, progress)
            try:
                yield cluster, progress
            finally:
                console.print(
                    f"The cluster is left up: export KUBECONFIG={cluster.kubeconfig.resolve()}\n"
                    "  kubectl get loadtests; kubectl describe loadtest\n"
                    "`make cluster-down` ends it.",
                    soft_wrap=True,
                )
        else:
            with cluster_of(kind, progress) as cluster:
                yield cluster, progress
            if kind is ClusterKind.CURRENT:
                console.print(
                    "Operator and example target are left in the cluster; to remove them:\n"
                    "  kubectl delete -f examples/django_target/manifests.yaml -f charts/install.yaml",
                    soft_wrap=True,
                )
    finally:
        progress.close()


def _run_load_test(cluster: Cluster, rest: Rest, manifest: Path, console: Console) -> int:
    (document,) = [document for document in yaml.safe_load_all(manifest.read_text()) if document]
    rows_before = stored_rows(cluster, rest)
    path = rest.path_of(document)
    rest.apply(document)
    console.print(f"applied {manifest}; the target's database holds {rows_before:,} rows")
    test = _watch(rest, path, console)
    rows_after = stored_rows(cluster, rest)
    console.print(view.result_view(test, rows_before, rows_after))
    files = list(_save_results(rest, test))
    for file in files:
        console.print(f"  saved as {file}", soft_wrap=True)
    for file in files:
        if file.suffix == ".html":
            console.print(f"Report: {file}", soft_wrap=True)
    passed = test["status"].get("verdict") == "Passed"
    return 0 if passed and rows_before == rows_after else 1


def _watch(rest: Rest, path: str, console: Console) -> Json:
    """Show the test until it has completed, and return it."""
    start_seconds = time.monotonic()
    if not console.is_terminal:
        return _follow(rest, path, start_seconds, _line_printer(console))
    with Live(console=console, auto_refresh=False, transient=False) as live:
        return _follow(
            rest, path, start_seconds, lambda test, age: live.update(view.live_view(test, age), refresh=True)
        )


def _line_printer(console: Console) -> Callable[[Json, float], None]:
    """Print a line when the phase changes, and else what is new every few seconds."""
    phase, line, printed_at = "", "", 0.0

    def show(test: Json, elapsed_seconds: float) -> None:
        nonlocal phase, line, printed_at
        new_phase, new_line = test.get("status", {}).get("phase", ""), view.plain_line(test)
        is_due = elapsed_seconds - printed_at >= LINE_SECONDS
        if new_phase != phase or (is_due and new_line != line):
            phase, line, printed_at = new_phase, new_line, elapsed_seconds
            console.print(f"{elapsed_seconds:5.0f} s  {line}", soft_wrap=True)

    return show


def _follow(rest: Rest, path: str, start_seconds: float, show: Callable[[Json, float], None]) -> Json:
    planned_seconds = 0.0
    while True:
        test = rest.call("GET", path)
        elapsed_seconds = time.monotonic() - start_seconds
        show(test, elapsed_seconds)
        status = test.get("status", {})
        if any(c["type"] == "Completed" and c["status"] == "True" for c in status.get("conditions", ())):
            return test
        planned_seconds = sum(step["durationSeconds"] for step in status.get("plan", {}).get("steps", ()))
        if elapsed_seconds > planned_seconds + SLACK_SECONDS:
            raise TimeoutError(f"the test did not complete within {elapsed_seconds:.0f} s: {status.get('message')}")
        time.sleep(POLL_SECONDS)


def _save_results(rest: Rest, test: Json) -> Iterator[Path]:
    """Copy the results out of the cluster, which is about to go."""
    name, namespace = test["metadata"]["name"], test["metadata"]["namespace"]
    results = test["status"].get("results")
    if not results:
        return
    config_map = rest.call("GET", f"/api/v1/namespaces/{namespace}/configmaps/{results['configMap']}")
    RESULTS.mkdir(exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    contents = {key: text.encode() for key, text in config_map.get("data", {}).items()}
    contents.update((key, base64.b64decode(text)) for key, text in config_map.get("binaryData", {}).items())
    for key, content in sorted(contents.items()):
        is_compressed = key.endswith(".gz")
        file = RESULTS / f"{name}_{stamp}_{key.removesuffix('.gz')}"
        file.write_bytes(gzip.decompress(content) if is_compressed else content)
        yield file


def _end(number: int, _frame: FrameType | None) -> None:
    # A second signal must not interrupt the clean-up.
    for other in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(other, signal.SIG_IGN)
    raise SignalReceived(signal.Signals(number).name)
