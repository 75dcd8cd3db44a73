"""The main job from nothing: a cluster, the operator, the example target, one LoadTest, and its verdict."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import yaml

from kubectl_loadtest.following.readings import Reading
from kubectl_loadtest.following.screens import ReadingScreen, screen_of
from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.views.ending import ending_lines
from kubectl_loadtest.views.style import Style, say, style_of
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.report.kept_files import files_of
from localcluster.choice import ClusterKind, cluster_kind, cluster_of
from localcluster.cluster import Cluster
from localcluster.detached import start_detached
from localcluster.installation import address_of_pages, has_pages_here, install_everything, stored_rows
from localcluster.node import linux
from localcluster.progress import ActivityLine
from localcluster.rest import Rest

RESULTS = Path("load_test_results")
STATE = Path(".cluster")
POLL_SECONDS = 0.4
SLACK_SECONDS = 600.0

_SIGNS_OF_A_SMALL_MACHINE = ("response time rises", "throughput at")
_WARNING_MEANS = (
    "A Warning says something about the target, and does not change the verdict. This one often says only that the"
    " machine is small: where target, generator and cluster share it, as they do in a local demo, its processors are"
    " busy before the load is at its highest. Answers then come later, without more records a second."
)


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
    keep = os.environ.get("KEEP") == "1"
    try:
        with _cluster(keep=keep) as (cluster, progress):
            rest = Rest.from_kubeconfig(cluster.kubeconfig)
            install_everything(rest, progress)
            progress.close()
            return _run_load_test(cluster, rest, manifest)
    except SignalReceived as received:
        print(f"\nended by {received}" + ("" if keep else "; everything that was started is gone"))
        return 130


@contextmanager
def _cluster(*, keep: bool) -> Iterator[tuple[Cluster, ActivityLine]]:
    progress = ActivityLine(sys.stderr, is_terminal=sys.stderr.isatty())
    try:
        kind = cluster_kind()
        if keep and kind is not ClusterKind.CURRENT:
            cluster = start_detached(STATE, kind, progress)
            try:
                yield cluster, progress
            finally:
                print(
                    f"The cluster is left up: export KUBECONFIG={cluster.kubeconfig.resolve()}\n"
                    "  kubectl get loadtests; kubectl describe loadtest\n"
                    "`make cluster-down` ends it.",
                )
        else:
            with cluster_of(kind, progress) as cluster:
                yield cluster, progress
            if kind is ClusterKind.CURRENT:
                print(
                    "Operator and example target are left in the cluster; to remove them:\n"
                    "  kubectl delete -f examples/django_target/manifests.yaml -f charts/install.yaml",
                )
    finally:
        progress.close()


def _run_load_test(cluster: Cluster, rest: Rest, manifest: Path) -> int:
    (document,) = [document for document in yaml.safe_load_all(manifest.read_text()) if document]
    rows_before = stored_rows(cluster, rest)
    path = rest.path_of(document)
    rest.apply(document)
    say([f"applied {manifest}; the target's database holds {rows_before:,} rows"])
    if has_pages_here():
        metadata = document["metadata"]
        say([f"live page: {address_of_pages(rest)}tests/{metadata.get('namespace', 'default')}/{metadata['name']}"])
    screen = screen_of(sys.stdout)
    try:
        test = _follow(rest, path, screen)
    finally:
        screen.close()
    rows_after = stored_rows(cluster, rest)
    say(result_lines(test, rows_before, rows_after, style_of(sys.stdout)))
    files = list(_save_results(rest, test))
    for file in files:
        print(f"  saved as {file}")
    for file in files:
        if file.suffix == ".html":
            print(f"Report: {file}")
    return 0 if test.verdict is Verdict.PASSED and rows_before == rows_after else 1


def result_lines(test: LoadTest, rows_before: int, rows_after: int, style: Style) -> list[str]:
    """The end of a test, what its signs mean on a small machine, and what the target stores."""
    lines = list(ending_lines(test, style))
    health = test.status.get("health") or {}
    evidence = health.get("evidence", ())
    if health.get("level") == "Warning" and any(
        sign in text for sign in _SIGNS_OF_A_SMALL_MACHINE for text in evidence
    ):
        lines += ["", _WARNING_MEANS]
    rows = f"Rows in the target's database: {rows_before:,} before, {rows_after:,} after"
    return [*lines, "", rows if rows_before == rows_after else style.bad(rows)]


def _follow(rest: Rest, path: str, screen: ReadingScreen) -> LoadTest:
    """Show the test until it has completed, and return it."""
    start_seconds = time.monotonic()
    while True:
        test = LoadTest(rest.call("GET", path))
        elapsed_seconds = time.monotonic() - start_seconds
        screen.show(Reading(test), elapsed_seconds)
        if test.is_completed:
            return test
        planned_seconds = sum(step["durationSeconds"] for step in test.status.get("plan", {}).get("steps", ()))
        if elapsed_seconds > planned_seconds + SLACK_SECONDS:
            raise TimeoutError(f"the test did not complete within {elapsed_seconds:.0f} s: {test.message}")
        time.sleep(POLL_SECONDS)


def _save_results(rest: Rest, test: LoadTest) -> Iterator[Path]:
    """Copy the results out of the cluster, which is about to go."""
    if test.results_name is None:
        return
    config_map = rest.call("GET", f"/api/v1/namespaces/{test.namespace}/configmaps/{test.results_name}")
    RESULTS.mkdir(exist_ok=True)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    for name, content in files_of(config_map).items():
        file = RESULTS / f"{test.name}_{stamp}_{name}"
        file.write_bytes(content)
        yield file


def _end(number: int, _frame: FrameType | None) -> None:
    # A second signal must not interrupt the clean-up.
    for other in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(other, signal.SIG_IGN)
    raise SignalReceived(signal.Signals(number).name)
