"""`kubectl loadtest ui` as somebody types it, up to the page in a real browser.

The node that runs pods as processes has no port-forward: kubectl's part of it is done by a relay to the pod's address.
In real containers kubectl itself does it.
"""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from localcluster.choice import ClusterKind, cluster_kind
from localcluster.cluster import Cluster
from localcluster.rest import Rest, wait_for
from peers.readers_of_status import kubectl
from support.browser import open_page
from support.live_pages_in_cluster import operator_with_pages
from support.loadtests import Namespace, kill_operator

pytestmark = pytest.mark.cluster

SOON_MS = 120_000
PROGRAMS = Path(sys.executable).parent
RELAY = Path(__file__).parents[1] / "support" / "kubectl_with_a_relay.py"


@pytest.fixture(scope="module")
def operator(rest: Rest) -> Iterator[None]:
    with operator_with_pages(rest):
        yield


@contextmanager
def ui(cluster: Cluster, folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    program = kubectl()
    variables = {"KUBECONFIG": str(cluster.kubeconfig), "KUBECTL": str(program), "BROWSER": "true"}
    if cluster_kind() is ClusterKind.LOCAL:
        relay = folder / "kubectl"
        relay.write_text(f'#!/bin/sh\nexec {sys.executable} {RELAY} {program} "$@"\n')
        relay.chmod(relay.stat().st_mode | stat.S_IXUSR)
        variables["KUBECTL"] = str(relay)
    searched = os.pathsep.join([str(PROGRAMS), str(program.parent), os.environ["PATH"]])
    process = subprocess.Popen(
        [str(program), "loadtest", "ui", *arguments],
        env={**os.environ, **variables, "PATH": searched, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def address_from(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.communicate()[1])
    assert line.endswith("(Ctrl-C ends it)\n")
    return line.split()[0]


@pytest.mark.usefixtures("operator")
def test_the_page_of_a_test_is_forwarded_until_ctrl_c_also_past_the_operators_end(
    browser: Browser, namespace: Namespace, cluster: Cluster, rest: Rest, tmp_path: Path
) -> None:
    test = namespace.start("looked-at", suspend=True)
    test.until("suspended", lambda status: "suspend" in status.get("message", ""))
    with ui(cluster, tmp_path, "looked-at", "--namespace", namespace.name) as process:
        address = address_from(process)
        assert address.endswith(f"/tests/{namespace.name}/looked-at")
        with open_page(browser, address) as opened:
            page = opened.page
            page.evaluate("window.isSamePage = true")
            expect(page.locator("#standing .verdict-word")).to_contain_text("Queued")

            told = opened.record_texts("#connection")
            kill_operator(cluster, rest)
            wait_for("the connection to be lost", lambda: "Connection lost, trying again." in told(), SOON_MS / 1_000)
            expect(page.locator("#connection")).to_have_text("", timeout=SOON_MS)
            test.patch(stop=True)
            expect(page.locator("#standing .verdict-word")).to_have_text("Inconclusive", timeout=SOON_MS)
            assert page.evaluate("window.isSamePage") is True

        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert process.returncode == 0
    port = int(address.split(":")[2].partition("/")[0])
    with socket.socket() as connection:
        assert connection.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.usefixtures("operator")
def test_without_a_name_the_list_of_all_tests_is_shown(
    browser: Browser, namespace: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    namespace.start("listed", suspend=True)
    with ui(cluster, tmp_path, "--no-open") as process, open_page(browser, address_from(process)) as opened:
        expect(opened.page.get_by_role("link", name="listed")).to_be_visible(timeout=SOON_MS)


def test_a_test_that_is_not_there_is_told_as_kubectl_does(
    namespace: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    with ui(cluster, tmp_path, "nothing", "--namespace", namespace.name) as process:
        _, stderr = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "NotFound" in stderr
