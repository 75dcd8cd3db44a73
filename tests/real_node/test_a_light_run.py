"""The first run of a new user, in a namespace that takes only restricted pods."""

import re
import subprocess
import urllib.request

import pytest

from localcluster.cluster import Cluster
from localcluster.current import CurrentCluster
from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, install_target, stored_rows
from localcluster.rest import Rest
from peers.readers_of_status import kubectl
from support.loadtests import Namespace, make_namespace, reason
from support.operators import operators

SHORTER = {"duration": "15s"}


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")


def test_light_passes_and_django_counted_what_the_status_says(namespace: Namespace) -> None:
    status = namespace.start(scenario="light", load=SHORTER, parallelism=1).until_completed()

    assert status["verdict"] == "Passed", status
    uploads = namespace.ledger()
    proof = status["verification"]
    assert len(uploads) == status["summary"]["requests"]["accepted"] + proof["uploads"]
    assert sum(uploads) == status["summary"]["records"]["confirmed"] + proof["rows"]
    assert namespace.ledger(load_test=False) == []


def test_what_the_pods_of_a_run_wrote_can_be_read_with_kubectl_logs(namespace: Namespace) -> None:
    test = namespace.start("logged", scenario="light", load=SHORTER, parallelism=1)
    test.until_completed()
    (pod,) = test.pods()

    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod['metadata']['name']}/log"
    log = namespace.rest.text("GET", path)

    assert '"event": "done"' in log
    assert log == namespace.cluster.logs(namespace.name, pod["metadata"]["name"])


@pytest.mark.parametrize(
    ("place", "workload", "port", "path", "expected"),
    [
        (OPERATOR_NAMESPACE, f"deployment/{OPERATOR}", 8080, "/metrics", b"loadtest_operator_at_work 1.0"),
        ("", "service/clients", 8000, "/clients/count/", b'{"count": 0}'),
    ],
    ids=["operator", "target"],
)
def test_kubectl_port_forward_reaches_what_listens(
    namespace: Namespace, place: str, workload: str, port: int, path: str, expected: bytes
) -> None:
    command = [str(kubectl()), f"--kubeconfig={namespace.cluster.kubeconfig}", "port-forward", workload, f":{port}"]

    with subprocess.Popen(
        [*command, f"--namespace={place or namespace.name}"], stdout=subprocess.PIPE, text=True
    ) as forwarding:
        try:
            assert forwarding.stdout is not None
            local = re.search(r"127\.0\.0\.1:(\d+)", forwarding.stdout.readline())
            assert local is not None
            with urllib.request.urlopen(f"http://127.0.0.1:{local[1]}{path}", timeout=30) as answer:
                body = answer.read()
        finally:
            forwarding.terminate()

    assert expected in body


def test_who_has_the_kubeconfig_alone_reaches_the_target_through_the_api_server(
    cluster: Cluster, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    example = make_namespace(cluster, rest, "example")
    install_target(rest, example.name)
    example.until_available("clients")

    rows = stored_rows(CurrentCluster.from_environment(), rest, example.name)

    assert rows == 0
    rest.delete(f"/api/v1/namespaces/{example.name}")


def test_a_run_outlives_the_deletion_of_its_operator(namespace: Namespace) -> None:
    test = namespace.start("outliving", scenario="light", load=SHORTER, parallelism=1)
    test.until_running()
    (operator,) = operators(namespace.rest)

    namespace.rest.delete(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{operator['metadata']['name']}")
    status = test.until_completed()

    assert status["verdict"] == "Passed", status
    assert reason(status, "ResultsComplete") == "AllPodsReported"
    assert operator["metadata"]["name"] not in [pod["metadata"]["name"] for pod in operators(namespace.rest)]
