"""The workload behind a target is watched while the load runs."""

from collections.abc import Iterator

import pytest

from localcluster.cluster import Cluster
from localcluster.rest import Json, Rest, RestError, wait_for
from support.loadtests import Namespace, kill_operator, reason, reasons

LONG = {"batchSize": 200, "virtualUsers": 2, "duration": "300s", "thinkTime": "200ms"}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def a_target(workload: str) -> Json:
    return {
        "url": "http://clients:8000/clients/upload/process/",
        "timeout": "20s",
        "workload": {"kind": "Deployment", "name": workload},
    }


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy()
    # The operator looks every two seconds, and sees no gap that is shorter.
    namespace.set_readiness_delay("clients", 6)
    namespace.until_rolled_out("clients")


@pytest.fixture
def no_metrics_api(rest: Rest) -> Iterator[None]:
    """Whatever a test puts in its place is taken away again."""
    yield
    rest.delete(f"{DEFINITIONS}/pods.metrics.k8s.io")


def serve_pod_metrics(rest: Rest) -> str:
    """Have the API server itself serve what a metrics server would, in the same form under the same path."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1beta1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "pods", "singular": "pod", "kind": "PodMetrics", "listKind": "PodMetricsList"}
    rest.apply(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": "pods.metrics.k8s.io",
                "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
            },
            "spec": {"group": "metrics.k8s.io", "scope": "Namespaced", "names": names, "versions": [version]},
        }
    )
    return "/apis/metrics.k8s.io/v1beta1/namespaces/{}/pods"


def measure(namespace: Namespace, pod: Json, timestamp: str, cpu: str, memory: str) -> None:
    """Write what a metrics server says of a pod."""
    path = serve_pod_metrics(namespace.rest).format(namespace.name)
    metadata = {key: pod["metadata"][key] for key in ("name", "labels")}
    containers = [{"name": "django", "usage": {"cpu": cpu, "memory": memory}}]
    made = {
        "apiVersion": "metrics.k8s.io/v1beta1",
        "kind": "PodMetrics",
        "metadata": metadata,
        "timestamp": timestamp,
        "window": "15.1s",
        "containers": containers,
    }

    def written() -> bool:
        # For a moment after it was defined, the API server does not take it.
        try:
            namespace.rest.call("POST", path, made)
        except RestError:
            return False
        return True

    wait_for("pods.metrics.k8s.io to be taken", written, 30)


def test_a_workload_that_is_missing_is_waited_for(namespace: Namespace) -> None:
    test = namespace.start("missing", load=LONG, target=a_target("clientele"))

    status = test.until("looked at", lambda status: reason(status, "Verified"))

    assert reason(status, "Verified") == "WorkloadNotFound"
    assert "Deployment/clientele" in status["message"]
    assert not test.children()
    test.patch(stop=True)
    test.until_completed()


def test_a_target_that_crashes_under_load_fails_the_test_whoever_watched(
    cluster: Cluster, rest: Rest, namespace: Namespace, no_metrics_api: None
) -> None:
    test = namespace.start("crashing", load=LONG, target=a_target("clients"))
    test.until_running()
    (pod,) = namespace.pods()
    test.until("not measured", lambda status: "no metrics API" in status["target"].get("notMeasurable", ""), 30)
    measure(namespace, pod, "2026-03-01T12:00:00Z", cpu="250m", memory="52340Ki")
    test.until("measured", lambda status: status["target"].get("memoryBytes") == 52340 * 1024, 30)

    kill_operator(cluster, rest)
    cluster.kill(namespace.name, pod["metadata"]["name"])
    test.until("its restart seen", lambda status: status["target"]["restarts"] == 1, 60)
    rest.delete(f"/api/v1/namespaces/{namespace.name}/pods/{pod['metadata']['name']}")
    test.until("its replacement seen", lambda status: status["target"]["replacedPods"] == 1, 60)
    test.until("a gap seen", lambda status: status["target"]["notReadySeconds"] > 0, 60)
    test.patch(stop=True)
    status = test.until_completed()

    assert (status["verdict"], reason(status, "Succeeded")) == ("Failed", "HealthCritical")
    seen, used = status["target"], test.results(status)["target"]
    assert (seen["workload"], seen["rolledOut"], seen["oomKills"]) == ("Deployment/clients", False, 0)
    assert seen["images"] == [pod["status"]["containerStatuses"][0]["imageID"]]
    assert (used["restarts"], used["replaced_pods"], used["cpu_cores"]) == (1, 1, 0.25)
    assert used["memory_bytes"] == 52340 * 1024
    assert used["not_ready_seconds"] > 0
    assert "ended once" in reasons(status)[0]
    assert "exit code 137" in reasons(status)[0]
