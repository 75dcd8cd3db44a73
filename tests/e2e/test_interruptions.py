"""What others do to a test's objects while it runs, and an operator that dies at awkward moments."""

import pytest

from localcluster.cluster import Cluster
from localcluster.rest import Rest, wait_for
from support.loadtests import Namespace, Test, kill_operator, reason, store_one_row

LONG = {"batchSize": 200, "virtualUsers": 2, "duration": "300s", "thinkTime": "200ms"}
SHORT = {"batchSize": 200, "virtualUsers": 2, "duration": "4s", "thinkTime": "200ms"}


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy()
    namespace.until_available("clients")


def the_job(test: Test) -> str:
    (job,) = [child.removeprefix("jobs/") for child in test.children() if child.startswith("jobs/")]
    return job


def test_a_deleted_job_ends_the_test_and_is_not_made_again(namespace: Namespace) -> None:
    test = namespace.start("jobless", load=LONG)
    test.until_running()
    path = f"/apis/batch/v1/namespaces/{test.namespace}/jobs/{the_job(test)}"

    namespace.rest.call("DELETE", path, {"propagationPolicy": "Background"})
    status = test.until_completed(60)

    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "JobGone")
    assert not [child for child in test.children() if child.startswith("jobs/")]


def test_a_deleted_pod_leaves_its_last_word_and_ends_the_test(namespace: Namespace) -> None:
    test = namespace.start("podless", load=LONG)
    test.until_running()
    victim = test.pods()[0]["metadata"]["name"]

    namespace.rest.delete(f"/api/v1/namespaces/{test.namespace}/pods/{victim}")
    status = test.until_completed(60)

    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "PodLost")
    # A last word has every count, but not the seconds since the last reading.
    (complete,) = [condition for condition in status["conditions"] if condition["type"] == "ResultsComplete"]
    assert complete["reason"] in ("AllPodsReported", "ResultsMissing")
    assert complete["status"] == "True" or "the seconds of" in complete["message"]


def test_an_operator_that_is_dead_until_the_load_has_ended_loses_nothing(
    cluster: Cluster, rest: Rest, namespace: Namespace
) -> None:
    namespace.deploy("counted")
    namespace.until_available("counted")
    target = {"url": "http://counted:8000/clients/upload/process/", "timeout": "20s"}
    test = namespace.start("unattended", load=SHORT, target=target)
    test.until_running()

    def all_done() -> bool:
        kill_operator(cluster, rest)
        logs = [cluster.logs(test.namespace, pod["metadata"]["name"]) for pod in test.pods()]
        return all('"event": "done"' in log for log in logs)

    wait_for("the load to end without an operator", all_done, 30)
    status = test.until_completed()

    requests = status["summary"]["requests"]
    assert reason(status, "ResultsComplete") == "AllPodsReported"
    assert status["pods"]["succeeded"] == 2
    assert requests["sent"] == requests["accepted"]
    assert requests["accepted"] == len(namespace.ledger("counted")) - status["verification"]["uploads"]


def test_an_operator_that_is_dead_while_the_target_is_read_back_loses_no_proof(
    cluster: Cluster, rest: Rest, namespace: Namespace
) -> None:
    url = "http://clients:8000/clients/count/"
    store_one_row(namespace, "clients")
    read_back = {"url": url, "countPath": "count", "settle": "3s"}
    test = namespace.start("unread", load=SHORT, verification={"require": "Proven", "readBack": read_back})
    test.until_running()

    def read() -> bool:
        logs = [cluster.logs(test.namespace, pod["metadata"]["name"]) for pod in test.pods()]
        if not any('"event": "concluding"' in log for log in logs):
            return False
        kill_operator(cluster, rest)
        return all('"event": "done"' in log for log in logs)

    wait_for("the target to be read back without an operator", read, 60)
    status = test.until_completed()

    assert status["verification"]["level"] == "Proven"
    assert reason(status, "Verified") == "Proven"
    assert reason(status, "ResultsComplete") == "AllPodsReported"
