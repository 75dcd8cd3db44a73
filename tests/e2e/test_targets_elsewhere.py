"""An operator for one namespace, and a target in another: what it may not read, it has not loaded by default."""

import copy
import re

import pytest

from localcluster.choice import ClusterKind, cluster_kind
from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, wait_until_available, wait_until_served
from localcluster.rest import Json, Rest, wait_for
from support.loadtests import Namespace, make_namespace, message
from support.manifest_tools import chart_objects

SHORT = {"batchSize": 200, "virtualUsers": 1, "duration": "5s"}
LOCAL = {"policy.allowLoopback": cluster_kind() is ClusterKind.LOCAL}


@pytest.fixture(scope="module")
def shop(bare: Cluster) -> Namespace:
    """Where the target is."""
    made = make_namespace(bare, Rest.from_kubeconfig(bare.kubeconfig), "shop")
    made.deploy_slow()
    return made


@pytest.fixture(scope="module")
def team(bare: Cluster, shop: Namespace) -> Namespace:
    """The one namespace that the operator watches."""
    made = make_namespace(bare, shop.rest, "team")
    made.rest.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATOR_NAMESPACE}})
    install(made)
    wait_until_served(made.rest)
    shop.until_available("clients")
    wait_until_available(made.rest, OPERATOR_NAMESPACE, OPERATOR)
    return made


def install(team: Namespace, *target_namespaces: str) -> None:
    values = {**LOCAL, "watch": {"namespaces": [team.name], "targetNamespaces": list(target_namespaces)}}
    for document in chart_objects(values):
        team.rest.apply(document, OPERATOR_NAMESPACE)


def a_test(team: Namespace, shop: Namespace, name: str, **fields: Json) -> Json:
    target = {"url": f"http://clients.{shop.name}.svc:8000/clients/upload/process/", "timeout": "20s"}
    return team.manifest(name, target=target, load=SHORT, parallelism=1, **fields)


def verified(status: Json) -> Json:
    return next((made for made in status.get("conditions", []) if made["type"] == "Verified"), {})


def test_a_test_that_accepts_it_is_run_and_says_how_little_was_proven(team: Namespace, shop: Namespace) -> None:
    status = team.apply(a_test(team, shop, "accepts", verification={"unreadableEndpoints": "Accept"})).until_completed(
        120
    )

    said = "the operator may not read the endpoints behind the target's Service"
    service = shop.rest.call("GET", f"/api/v1/namespaces/{shop.name}/services/clients")
    assert status["verdict"] == "Passed", status["message"]
    assert status["verification"]["addresses"] == [f"{service['spec']['clusterIP']}:8000"]
    assert said in status["message"]
    assert said in verified(status)["message"]
    assert said in status["verification"]["notice"]


def test_behind_a_name_a_new_address_that_ignores_the_header_meets_one_canary_whatever_the_number_of_pods(
    team: Namespace, shop: Namespace
) -> None:
    for name, environment in (("named", {}), ("ignorant", {"FAULT": "ignores-header", "FAULT_REFUSES_EMPTY": "1"})):
        shop.deploy(name, **environment)
        shop.until_available(name)
    ports = [{"name": "http", "port": 8000, "targetPort": 8000}]
    spec = {"clusterIP": "None", "selector": {"app.kubernetes.io/name": "named"}, "ports": ports}
    shop.rest.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "everywhere"}, "spec": spec}, shop.name
    )
    (stranger,) = shop.pods("ignorant")
    target = {"url": f"http://everywhere.{shop.name}.svc:8000/clients/upload/process/", "timeout": "20s"}
    load = {**SHORT, "virtualUsers": 4, "duration": "300s", "thinkTime": "200ms"}
    accepts = {"unreadableEndpoints": "Accept"}
    test = team.apply(team.manifest("named", target=target, load=load, parallelism=4, verification=accepts))
    test.until_running()

    shop.add_to_service(stranger, "named")
    status = test.until_completed(120)

    log = shop.cluster.logs(shop.name, stranger["metadata"]["name"])
    assert re.findall(r"upload load_test=\w+ rows=\d+ status=200", log) == ["upload load_test=false rows=1 status=200"]
    assert status["verdict"] == "Failed"
    assert f"{stranger['status']['podIP']}:8000 (canary, 1 row)" in status["message"]


def test_without_that_it_waits_until_the_right_is_given_and_then_proves_each_endpoint(
    team: Namespace, shop: Namespace
) -> None:
    test = team.apply(a_test(team, shop, "refused"))

    def waits() -> Json:
        status = test.status
        return status if verified(status).get("reason") == "EndpointsNotReadable" else {}

    text = message(wait_for("the test to say what is missing", waits, 30), "Verified")
    assert f"a Role in namespace {shop.name}" in text
    assert "watch.targetNamespaces" in text
    assert team.rest.items(f"/apis/batch/v1/namespaces/{team.name}/jobs", "x-load-test.dev/test=refused") == []

    install(team, shop.name)
    status = test.until_completed(120)

    (pod,) = shop.pods("clients")
    assert verified(status)["status"] == "True", status["message"]
    assert status["verification"]["addresses"] == [f"{pod['status']['podIP']}:8000"]
    assert "notice" not in status["verification"]


def test_the_role_gives_the_operator_nothing_but_the_sight_of_endpoints(team: Namespace, shop: Namespace) -> None:
    def may(verb: str, group: str, resource: str) -> bool:
        user = f"system:serviceaccount:{OPERATOR_NAMESPACE}:{OPERATOR}"
        attributes = {"verb": verb, "group": group, "resource": resource, "namespace": shop.name}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": attributes},
        }
        answer = team.rest.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", copy.deepcopy(review))
        return bool(answer["status"]["allowed"])

    readable = [("", "services"), ("", "pods"), ("discovery.k8s.io", "endpointslices")]
    assert all(may(verb, *kind) for kind in readable for verb in ("get", "list", "watch"))
    assert not any(may(verb, *kind) for kind in readable for verb in ("create", "patch", "delete"))
    assert not any(
        may(verb, *kind)
        for kind in [("", "secrets"), ("", "configmaps"), ("batch", "jobs"), ("x-load-test.dev", "loadtests")]
        for verb in ("get", "list", "create")
    )
