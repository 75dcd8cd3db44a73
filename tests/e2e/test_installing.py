"""The life of an installation, by the real helm on a cluster of its own: installed by two people, upgraded, doubled,
uninstalled, each while a test runs.

The tests follow one another: each begins with what the one before has left.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests import Namespace, Test, make_namespace, reason
from localcluster.cluster import LocalCluster, local_cluster
from localcluster.installation import wait_until_available, wait_until_served
from localcluster.rest import Json, Rest, wait_for
from manifest_tools import CHART, RELEASE, helm, rendered

TOOLS = "team-tools"
AGGREGATED = "rbac.authorization.k8s.io/aggregate-to-"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/loadtests.x-load-test.dev"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{TOOLS}/leases/{RELEASE}"
LOAD = {"batchSize": 200, "virtualUsers": 2, "thinkTime": "200ms"}


@pytest.fixture(scope="module")
def bare() -> Iterator[LocalCluster]:
    """A cluster without an operator."""
    with local_cluster() as made:
        yield made


@pytest.fixture(scope="module")
def admin(bare: LocalCluster) -> Rest:
    return Rest.from_kubeconfig(bare.kubeconfig)


@pytest.fixture(scope="module")
def team(bare: LocalCluster, admin: Rest) -> Namespace:
    """A team's namespace, and the one for its tools; both refuse what is not restricted."""
    made = make_namespace(bare, admin, "team")
    for name in (made.name, TOOLS):
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    return made


@pytest.fixture(scope="module")
def installer(bare: LocalCluster, admin: Rest, team: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kubeconfig of somebody who administers these two namespaces, once the cluster's parts are there."""
    for document in rendered({"parts": "cluster", "watch.namespaces": [team.name]}, namespace=TOOLS):
        admin.apply(document, TOOLS)
    wait_until_served(admin)
    # What the cluster's own role `admin` is made of, by the controller that a local cluster does without.
    sums = [f"{AGGREGATED}{role}=true" for role in ("admin", "edit", "view")]
    roles = [role for each in sums for role in admin.items("/apis/rbac.authorization.k8s.io/v1/clusterroles", each)]
    admin.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "installer"}}, TOOLS)
    subject = {"kind": "ServiceAccount", "name": "installer", "namespace": TOOLS}
    for namespace in (team.name, TOOLS):
        for role in roles:
            name = role["metadata"]["name"]
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
            admin.apply(
                {
                    "apiVersion": "rbac.authorization.k8s.io/v1",
                    "kind": "RoleBinding",
                    "metadata": {"name": f"installer-{re.sub('[^a-z]+', '-', name)}"},
                    "subjects": [subject],
                    "roleRef": reference,
                },
                namespace,
            )
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    path = f"/api/v1/namespaces/{TOOLS}/serviceaccounts/installer/token"
    token = admin.call("POST", path, request)["status"]["token"]
    config = json.loads(bare.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    made = tmp_path_factory.mktemp("installer") / "kubeconfig"
    made.write_text(json.dumps(config))
    return made


def values(team: Namespace, **more: object) -> Json:
    """What is set in this cluster, whose pods live on loopback addresses."""
    return {
        "parts": "namespaced",
        "watch.namespaces": [team.name],
        "policy.allowLoopback": True,
        "deadlines.linger": 4,
        **{name.replace("__", "."): value for name, value in more.items()},
    }


def operators(admin: Rest) -> list[str]:
    """The names of the operator's pods that run."""
    pods = admin.items(f"/api/v1/namespaces/{TOOLS}/pods", f"app.kubernetes.io/name={RELEASE}")
    return [
        pod["metadata"]["name"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"] and pod["status"].get("phase") == "Running"
    ]


def running_test(team: Namespace, name: str, seconds: int) -> Test:
    test = team.start(name, load={**LOAD, "duration": f"{seconds}s"})
    test.running()
    return test


def test_a_team_installs_its_operator_without_any_right_beyond_its_namespaces(
    admin: Rest, team: Namespace, installer: Path, bare: LocalCluster
) -> None:
    helm("install", RELEASE, str(CHART), "--namespace", TOOLS, kubeconfig=installer, values=values(team))
    team.deploy()
    team.available("clients")
    wait_until_available(admin, TOOLS, RELEASE)
    status = team.start("restricted", load={**LOAD, "duration": "4s"}).completed()

    (operator,) = operators(admin)
    log = bare.logs(TOOLS, operator)
    assert status["verdict"] == "Passed"
    assert "restricted: Completed" in log
    assert not re.search(r"WARNING|ERROR|Traceback", log), log


def test_a_test_outlives_the_upgrade_of_its_operator(
    admin: Rest, team: Namespace, installer: Path, bare: LocalCluster
) -> None:
    (before,) = operators(admin)
    test = running_test(team, "upgraded", 12)

    changed = values(team, operator__replicas=2, operator__logLevel="DEBUG")
    helm("upgrade", RELEASE, str(CHART), "--namespace", TOOLS, kubeconfig=installer, values=changed)
    status = test.completed()

    assert status["verdict"] == "Passed"
    assert reason(status, "ResultsComplete") == "AllPodsReported"
    assert before not in operators(admin)


def test_of_two_operators_the_second_takes_over_from_a_killed_one(
    admin: Rest, team: Namespace, bare: LocalCluster
) -> None:
    wait_for("two operators", lambda: len(operators(admin)) == 2, 60)
    wait_for("one of them at work", lambda: holder(admin), 60)
    test = running_test(team, "taken-over", 20)
    killed = holder(admin)
    began = time.monotonic()

    # Its container is started again, but as a candidate: the other one has seen the Lease for longer.
    bare.kill(TOOLS, killed.partition("_")[0])
    wait_for("another to take over", lambda: holder(admin) not in ("", killed), 60)
    took_seconds = time.monotonic() - began
    status = test.completed()

    assert status["verdict"] == "Passed"
    assert reason(status, "ResultsComplete") == "AllPodsReported"
    assert took_seconds < 20
    assert_never_two_at_once(bare, admin)


def holder(admin: Rest) -> str:
    lease = admin.get_or_none(LEASE)
    return (lease or {"spec": {}})["spec"].get("holderIdentity") or ""


def assert_never_two_at_once(bare: LocalCluster, admin: Rest) -> None:
    """TODO"""
