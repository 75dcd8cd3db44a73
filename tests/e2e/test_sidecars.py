"""Pods into which an admission policy of the cluster puts a sidecar that never ends, as the injector of a mesh does."""

from collections.abc import Iterator

import pytest

from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, RestError, wait_for
from support.loadtests import Namespace, Test, make_namespace, message, reason
from support.network_policies import ConnectionEnd, allows_egress, allows_ingress

# Istio's own switch, which its injector reads from the pod in the same way.
WANTS_IT = "object.metadata.labels[?'sidecar.istio.io/inject'].orValue('') != 'false'"
NATIVE = "a-native-proxy"
CLASSIC_INJECTION = """
[JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{
  name: "proxy",
  image: "loadtest-operator:dev",
  command: ["sleep", "3600"]
}}]
"""
NATIVE_INJECTION = """
[JSONPatch{op: "add", path: "/spec/initContainers", value: [Object.spec.initContainers{
  name: "proxy",
  image: "loadtest-operator:dev",
  command: ["sleep", "3600"],
  restartPolicy: "Always"
}]}]
"""


def injector(namespace: str, *, native: bool) -> list[Json]:
    """A policy that adds a container to loadgen pods of a namespace: a native sidecar to those of one test."""
    name = f"{namespace}-{'native' if native else 'classic'}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    conditions = {
        "ours": "has(object.metadata.labels) && 'x-load-test.dev/test' in object.metadata.labels",
        "this-kind": f"object.metadata.labels['x-load-test.dev/test'] {'==' if native else '!='} '{NATIVE}'",
        "wants-it": WANTS_IT,
    }
    injection = (NATIVE_INJECTION if native else CLASSIC_INJECTION).strip()
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {"resourceRules": [rule]},
            "matchConditions": [{"name": key, "expression": text} for key, text in conditions.items()],
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": injection}}],
        },
    }
    within = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "matchResources": within},
    }
    return [policy, binding]


@pytest.fixture(scope="module")
def meshed(cluster: Cluster, rest: Rest) -> Iterator[Namespace]:
    """A namespace with a sound target, whose loadgen pods get a sidecar unless they say otherwise."""
    namespace = make_namespace(cluster, rest, "meshed")
    documents = [*injector(namespace.name, native=False), *injector(namespace.name, native=True)]
    for document in documents:
        rest.apply(document)
    namespace.deploy_slow()
    namespace.until_available("clients")
    wait_for("the injectors to inject", lambda: injects(namespace, "any") == injects(namespace, NATIVE) == 2, 30)
    yield namespace
    for document in documents:
        rest.delete(rest.path_of(document))
    rest.delete(f"/api/v1/namespaces/{namespace.name}")


def injects(namespace: Namespace, test: str) -> int:
    """How many containers a pod of a test would have: the API server takes a moment to put a policy into force."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe", "labels": {"x-load-test.dev/test": test}},
        "spec": {"containers": [{"name": "loadgen", "image": "none"}]},
    }
    path = f"/api/v1/namespaces/{namespace.name}/pods"
    try:
        spec = namespace.rest.call("POST", path, pod, query={"dryRun": "All"})["spec"]
    except RestError:
        return 0
    return len(spec["containers"]) + len(spec.get("initContainers", ()))


def containers(pods: list[Json]) -> list[list[str]]:
    return [[container["name"] for container in pod["spec"]["containers"]] for pod in pods]


def policies(test: Test) -> list[Json]:
    path = f"/apis/networking.k8s.io/v1/namespaces/{test.namespace}/networkpolicies"
    return test.rest.items(path, f"x-load-test.dev/uid={test.uid}")


def place(pod: Json) -> ConnectionEnd:
    metadata = pod["metadata"]
    return ConnectionEnd(pod["status"]["podIP"], metadata["namespace"], metadata["labels"])


def test_by_default_the_pods_keep_sidecars_out_and_their_job_stays(meshed: Namespace) -> None:
    test = meshed.start("alone")
    test.until_running()
    (policy,) = policies(test)
    status = test.until_completed()

    assert status["verdict"] == "Passed"
    assert containers(test.pods()) == [["loadgen"], ["loadgen"]]
    assert "notice" not in status["verification"]
    assert [owner["uid"] for owner in policy["metadata"]["ownerReferences"]] == [test.uid]
    wait_for("the NetworkPolicy to be removed", lambda: not policies(test), 30)
    assert len(test.pods()) == 2


def test_a_pod_whose_sidecar_lives_on_completes_and_nothing_of_it_stays(meshed: Namespace) -> None:
    test = meshed.start("beside-a-proxy", pod={"mesh": "Enabled"})
    test.until_running()
    injected = containers(test.pods())
    status = test.until_completed()

    assert injected == [["loadgen", "proxy"], ["loadgen", "proxy"]]
    assert status["verdict"] == "Passed", status["reasons"]
    assert status["pods"]["succeeded"] == 2
    assert "more than once" in status["verification"]["notice"]
    assert test.results(status)["verification"]["notice"] == status["verification"]["notice"]
    assert "through a mesh's proxy" in message(status, "Verified")
    until_removed(test)
    assert test.status["verdict"] == "Passed"


def until_removed(test: Test) -> None:
    """Wait until nothing of a test is left but its results."""

    def remaining() -> list[str]:
        kept = [child for child in test.children() if not child.startswith("configmaps/")]
        return kept + [policy["metadata"]["name"] for policy in policies(test)]

    try:
        wait_for("Job, pods and NetworkPolicy to be removed", lambda: not remaining(), 60)
    except TimeoutError as error:
        raise TimeoutError(f"{error}; there are still {remaining()}") from None


def test_a_pod_with_a_native_sidecar_ends_by_itself_and_its_job_stays(meshed: Namespace) -> None:
    test = meshed.start(NATIVE, pod={"mesh": "Enabled"})
    status = test.until_completed()

    def phases() -> list[str]:
        return [pod["status"]["phase"] for pod in test.pods()]

    assert status["verdict"] == "Passed", status["reasons"]
    wait_for("the pods to end", lambda: phases() == ["Succeeded", "Succeeded"], 60)
    assert [[each["name"] for each in pod["spec"]["initContainers"]] for pod in test.pods()] == [["proxy"], ["proxy"]]


def test_a_violation_beside_a_sidecar_halts_the_fleet_and_nothing_of_it_stays(meshed: Namespace) -> None:
    meshed.deploy("forgetful", FAULT="loses-marker", FAULT_AFTER="10")
    meshed.until_available("forgetful")
    target = {"url": "http://forgetful:8000/clients/upload/process/", "timeout": "20s"}
    load = {"batchSize": 500, "virtualUsers": 2, "duration": "120s"}

    test = meshed.start("violated-beside-a-proxy", target=target, load=load, pod={"mesh": "Enabled"})
    status = test.until_completed(60)

    assert (status["verdict"], reason(status, "Succeeded")) == ("Failed", "Violation")
    until_removed(test)


def test_the_network_policy_of_a_run_fits_the_pods_that_there_are(meshed: Namespace) -> None:
    test = meshed.start("bounded", load={"batchSize": 200, "virtualUsers": 2, "duration": "60s"})
    test.until_running()
    (policy,) = policies(test)
    first, second = (place(pod) for pod in test.pods())
    (operator,) = meshed.rest.items(
        f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", "app.kubernetes.io/name=loadtest-operator"
    )
    (target,) = (place(pod) for pod in meshed.pods())

    assert allows_ingress(policy, first, place(operator), 8089)
    assert allows_ingress(policy, first, second, 8089)
    assert not allows_ingress(policy, first, target, 8089)
    assert allows_egress(policy, first, target, 8000)
    assert not allows_egress(policy, first, target, 5432)
    assert not allows_egress(policy, first, ConnectionEnd("169.254.169.254"), 80)
    meshed.rest.delete(test.path, "Orphan")
    until_removed(test)
