"""`kubectl logs` on the node that runs pods as processes."""

import os
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from localcluster.cluster import LocalCluster, local_cluster
from localcluster.node.images import Image
from localcluster.rest import Rest
from peers.readers_of_status import kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

_T = TypeVar("_T")
PODS = "/api/v1/namespaces/default/pods"


def until(observe: Callable[[], _T | None], seconds: float = 30.0) -> _T:
    deadline = time.monotonic() + seconds
    while not (value := observe()):
        assert time.monotonic() < deadline, f"still {value!r} after {seconds:g} s"
        time.sleep(0.05)
    return value


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with local_cluster({"tools": Image()}, back_off_seconds=0.1) as running:
        admin = Rest.from_kubeconfig(running.kubeconfig)
        until(lambda: admin.get_or_none("/api/v1/namespaces/default/serviceaccounts/default"))
        yield running


def start_pod(cluster: LocalCluster, name: str, script: str, restart: str = "Never") -> Rest:
    admin = Rest.from_kubeconfig(cluster.kubeconfig)
    container = {"name": "main", "image": "tools", "command": ["sh", "-c", script]}
    spec = {"restartPolicy": restart, "terminationGracePeriodSeconds": 1, "containers": [container]}
    admin.call("POST", PODS, {"metadata": {"name": name}, "spec": spec})
    return admin


def container_status(admin: Rest, name: str) -> dict[str, Any]:
    statuses: list[dict[str, Any]] = admin.call("GET", f"{PODS}/{name}")["status"].get("containerStatuses", [])
    return statuses[0] if statuses else {"state": {}, "restartCount": 0}


def logs_command(cluster: LocalCluster, *arguments: str) -> list[str]:
    return [str(kubectl()), "--kubeconfig", str(cluster.kubeconfig), "logs", *arguments]


def logs(cluster: LocalCluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = logs_command(cluster, *arguments)
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def test_an_ended_pod_has_its_log_and_the_end_of_it(cluster: LocalCluster) -> None:
    admin = start_pod(cluster, "ended", "for n in 1 2 3; do echo line $n; done; echo wrong >&2")
    until(lambda: container_status(admin, "ended")["state"].get("terminated"))

    assert logs(cluster, "ended").stdout == "line 1\nline 2\nline 3\nwrong\n"
    assert logs(cluster, "ended", "--tail=2").stdout == "line 3\nwrong\n"
    assert logs(cluster, "ended", "--limit-bytes=6").stdout == "line 1"


def test_a_running_pod_is_followed_to_its_end(cluster: LocalCluster) -> None:
    admin = start_pod(cluster, "followed", "echo before; while test ! -e /tmp/go; do sleep 0.05; done; echo after")
    until(lambda: container_status(admin, "followed")["state"].get("running"))
    with subprocess.Popen(logs_command(cluster, "-f", "followed"), stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "before\n"
        (pid,) = cluster.pod_processes("default", "followed").values()
        Path(f"/proc/{pid}/root/tmp/go").touch()

        assert following.stdout.read() == "after\n"
        assert following.wait(10) == 0


def test_a_restarted_container_has_the_log_of_this_run_and_of_the_previous_one(cluster: LocalCluster) -> None:
    script = "test -e /scratch/x && echo second && sleep 600; touch /scratch/x; echo first; exit 1"
    admin = Rest.from_kubeconfig(cluster.kubeconfig)
    container = {
        "name": "main",
        "image": "tools",
        "command": ["sh", "-c", script],
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    }
    spec = {
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
    }
    admin.call("POST", PODS, {"metadata": {"name": "restarted"}, "spec": spec})
    until(lambda: logs(cluster, "restarted").stdout == "second\n")

    assert logs(cluster, "restarted", "--previous").stdout == "first\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["only", "--previous"], "previous terminated container"),
        (["only", "--timestamps"], "keeps no times of lines"),
        (["only", "-c", "other"], "container other is not valid"),
    ],
)
def test_what_the_node_does_not_have_is_said(cluster: LocalCluster, arguments: list[str], complaint: str) -> None:
    admin = Rest.from_kubeconfig(cluster.kubeconfig)
    if admin.get_or_none(f"{PODS}/only") is None:
        start_pod(cluster, "only", "echo here")
    until(lambda: container_status(admin, "only")["state"].get("terminated"))

    process = logs(cluster, *arguments)

    assert process.returncode != 0
    assert complaint in process.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_no_other_user_of_the_machine_is_answered(cluster: LocalCluster) -> None:
    admin = start_pod(cluster, "private", "echo for the owner")
    until(lambda: container_status(admin, "private")["state"].get("terminated"))
    status = admin.call("GET", "/api/v1/nodes/local")["status"]
    (address,) = (each["address"] for each in status["addresses"] if each["type"] == "InternalIP")
    url = f"https://{address}:{status['daemonEndpoints']['kubeletEndpoint']['Port']}/containerLogs/default/private/main"
    script = (
        "import encodings.idna, http.client, os, ssl, sys, urllib.request, urllib.error\n"
        "os.setuid(65534)\n"
        "context = ssl._create_unverified_context()\n"
        "try: print(urllib.request.urlopen(sys.argv[1], context=context, timeout=10).read().decode())\n"
        "except urllib.error.HTTPError as error: print(error.code)\n"
    )

    stranger = subprocess.run(
        [sys.executable, "-c", script, url], check=True, capture_output=True, text=True, timeout=30
    )

    assert stranger.stdout == "403\n"
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(url, context=unverified, timeout=10) as answer:
        assert answer.read() == b"for the owner\n"
