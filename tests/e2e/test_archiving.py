"""Every run's files outlive its results and its test: on a volume, and in a bucket that was out of reach at first."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, wait_until_available
from localcluster.rest import Json, Rest, wait_for
from peers import PeerMissingError
from peers.s3_server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, s3_server, versitygw
from support.loadtests import Namespace, Test, kill_operator
from support.operators import operators, reinstall, reinstall_chart

pytestmark = [
    pytest.mark.process_node("the archive is where only the operator of the local cluster reaches it"),
    pytest.mark.timeout(900),
]

SHORT = {"batchSize": 200, "virtualUsers": 1, "duration": "2s"}
FILES = {"summary.json", "summary.md", "junit.xml", "time_series.csv", "report.html"}


@pytest.fixture(scope="module")
def archive(rest: Rest, cluster: Cluster) -> Iterator[Path]:
    """The folder of a claim, in an installation that archives there."""
    reinstall_chart(rest, {"archive.persistentVolumeClaim": "runs"})
    yield cluster.kubeconfig.parent / "claims" / f"{OPERATOR_NAMESPACE}_runs"
    reinstall(rest)


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")


def until_archived(test: Test, seconds: float = 60.0) -> Json:
    return test.until("archived", lambda status: (status.get("archive") or {}).get("under"), seconds)


def test_the_files_of_every_run_are_on_the_volume_after_the_test_has_gone(archive: Path, namespace: Namespace) -> None:
    test = namespace.start("kept", load=SHORT, parallelism=1, results={"keep": 1})
    status = test.until_completed()
    first = until_archived(test)["archive"]["under"]
    test.patch(runId="second")
    test.until("second run archived", lambda status: "/second-" in (status.get("archive") or {}).get("under", ""))
    second = test.status["archive"]["under"]

    test.patch(results={"keep": 1, "ttl": {"passed": "0s"}})
    wait_for("the test to go", lambda: test.rest.get_or_none(test.path) is None, 30)

    assert first.startswith(f"{namespace.name}/kept/1-")
    for under in (first, second):
        assert {path.name for path in (archive / under).iterdir()} == FILES
    summary = json.loads((archive / first / "summary.json").read_text())
    assert summary["verdict"] == status["verdict"] == "Passed"


def test_a_bucket_that_is_out_of_reach_is_told_and_gets_the_files_later_also_over_a_killed_operator(
    archive: Path, cluster: Cluster, rest: Rest, namespace: Namespace, tmp_path: Path
) -> None:
    try:
        program = versitygw()
    except PeerMissingError as error:
        pytest.skip(str(error))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "bucket"},
        "stringData": {"accessKeyId": ACCESS_KEY_ID, "secretAccessKey": SECRET_ACCESS_KEY},
    }
    rest.apply(secret, OPERATOR_NAMESPACE)
    url = f"http://127.0.0.1:{port}/runs/load-tests"
    reinstall_chart(rest, {"archive.s3": {"url": url, "region": REGION, "secret": "bucket"}})

    test = namespace.start("later", load=SHORT, parallelism=1, results={"ttl": {"passed": "1s"}})
    status = test.until_completed()
    failed = test.until("a failure", lambda status: (status.get("archive") or {}).get("failure"), 30)
    kill_operator(cluster, rest)
    wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)
    assert test.rest.get_or_none(test.path) is not None
    with s3_server(program, tmp_path, "runs", port=port) as server:
        wait_for("the test to go, since it is archived", lambda: test.rest.get_or_none(test.path) is None, 90)
        stored = server.files("runs")

    assert (status["verdict"], failed["verdict"]) == ("Passed", "Passed")
    assert "the bucket was not reached" in failed["archive"]["failure"]
    assert {Path(key).name for key in stored} == FILES
    assert {key.partition("/later/")[0] for key in stored} == {f"load-tests/{namespace.name}"}
    logs = "".join(cluster.logs(OPERATOR_NAMESPACE, pod["metadata"]["name"]) for pod in operators(rest))
    assert "was archived under" in logs
    assert SECRET_ACCESS_KEY not in logs
