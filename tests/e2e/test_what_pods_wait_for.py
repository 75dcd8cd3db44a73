"""Pods that do not come to run: within seconds the status says why and what to do, and an Event too."""

import base64
import re
from collections.abc import Iterator

import pytest

from loadtest_model.plan.variable import PLAN_VARIABLE, decode_plan
from localcluster.cluster import Cluster
from localcluster.rest import Json, Rest, wait_for
from support.loadtests import Namespace, Test, condition, limit_pods, make_namespace, message, reason

SHORT = {"batchSize": 200, "virtualUsers": 2, "duration": "2s"}
PATH = "/clients/upload/process/"
EXPLAINED_SECONDS = 15.0
ENDED_SECONDS = 20.0


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")


@pytest.fixture
def fenced(cluster: Cluster, rest: Rest, namespace: Namespace) -> Iterator[Namespace]:
    """A namespace beside the target's, for rules that hold for every pod in it."""
    made = make_namespace(cluster, rest, "fenced")
    yield made
    rest.delete(f"/api/v1/namespaces/{made.name}")


def start(place: Namespace, name: str, target: Namespace, **spec: object) -> Test:
    url = f"http://clients.{target.name}.svc:8000{PATH}"
    return place.start(name, **{"target": {"url": url, "timeout": "20s"}, "load": SHORT, **spec})


def explained(test: Test, expected: str) -> str:
    """Wait until the condition Verified gives this reason, check that an Event does too, and return what is said."""
    status = test.until(expected, lambda s: reason(s, "Verified") == expected, EXPLAINED_SECONDS)
    assert condition(status, "Verified") == "False"
    warned(test, expected)
    return message(status, "Verified")


def warned(test: Test, expected: str) -> None:
    """Wait for the Event, which follows the status, and check that it is one."""

    def types() -> list[str]:
        return [event["type"] for event in test.events() if event["reason"] == expected]

    wait_for(f"an Event {expected}", types, EXPLAINED_SECONDS)
    assert types() == ["Warning"]


def ended(test: Test, expected: str) -> str:
    """Wait for an end that comes soon, with this reason, and return what is said."""
    status = test.until_completed(ENDED_SECONDS)
    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", expected)
    warned(test, expected)
    return message(status, "Succeeded")


def test_a_missing_secret_and_then_a_missing_key_are_told_until_both_are_there(namespace: Namespace) -> None:
    url = f"http://clients:8000{PATH}"
    auth = {"secretKeyRef": {"name": "shop-token", "key": "jwt"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop-token"}, "data": {}}
    test = namespace.start("secretless", target={"url": url, "auth": auth, "timeout": "20s"}, load=SHORT)

    missing = explained(test, "SecretMissing")
    namespace.rest.apply(secret, namespace.name)
    keyless = explained(test, "SecretKeyMissing")
    namespace.rest.apply({**secret, "data": {"jwt": base64.b64encode(b"abc").decode()}}, namespace.name)

    assert test.until_completed()["verdict"] == "Passed"
    assert 'secret "shop-token" not found' in missing
    assert "create it in the test's namespace" in missing
    assert "jwt" in keyless


def test_the_columns_of_a_config_map_are_waited_for_and_given_to_the_pods(namespace: Namespace) -> None:
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own-columns"}, "data": {"other": ""}}
    records = {"seed": 7, "template": {"name": "own-columns"}}
    target = {"url": f"http://clients:8000{PATH}", "timeout": "20s"}
    test = namespace.start("columns", target=target, load=SHORT, records=records, verification={"only": True})

    waiting = test.until("waiting for columns", lambda status: reason(status, "Verified") == "ConfigMapMissing", 15)
    namespace.rest.apply(config_map, namespace.name)
    keyless = explained(test, "ConfigMapKeyMissing")
    fields = "records: {fields: {order: [email, client_id]}, dialect: {lineEnd: LF}}"
    namespace.rest.apply({**config_map, "data": {"fields.yaml": fields}}, namespace.name)

    assert test.until_completed()["verdict"] == "Passed"
    assert f"ConfigMap {namespace.name}/own-columns" in message(waiting, "Verified")
    assert "fields.yaml" in keyless
    (pod, *_) = test.pods()
    environment = {each["name"]: each.get("value", "") for each in pod["spec"]["containers"][0]["env"]}
    plan = decode_plan(environment[PLAN_VARIABLE]).records
    assert [column.name for column in plan.columns][:3] == ["email", "client_id", "first_name"]
    assert (plan.dialect.line_end, plan.seed) == ("LF", 7)


def test_pods_that_no_node_takes_say_so_and_can_be_stopped(namespace: Namespace) -> None:
    test = start(namespace, "nodeless", namespace, pod={"nodeSelector": {"disk": "none-has-this"}})

    said = explained(test, "Unschedulable")
    test.patch(stop=True)
    status = test.until_completed(20)

    assert "spec.pod.nodeSelector" in said
    assert (status["verdict"], reason(status, "Succeeded")) == ("Inconclusive", "Stopped")


@pytest.mark.process_node("an image comes to a real node only from a registry; tests/real_node has one that never does")
def test_an_image_that_is_missing_is_told_until_it_is_there(namespace: Namespace, fenced: Namespace) -> None:
    fault = {"node.localcluster/image-missing": "*"}
    annotate(fenced, fault)
    test = start(fenced, "imageless", namespace)

    said = explained(test, "ImageMissing")
    annotate(fenced, dict.fromkeys(fault))

    assert "image.repository" in said
    assert test.until_completed()["verdict"] == "Passed"


def test_a_quota_without_room_is_waited_for_and_one_too_small_is_not(namespace: Namespace, fenced: Namespace) -> None:
    set_quota(fenced, pods=2, used=1)
    waiting = start(fenced, "crowded", namespace)
    room = explained(waiting, "QuotaExceeded")
    set_quota(fenced, pods=3, used=1)
    status = waiting.until_completed()
    assert status["verdict"] == "Passed", status["reasons"]

    set_quota(fenced, pods=1, used=0)
    never = ended(start(fenced, "oversized", namespace), "QuotaExceeded")

    assert "exceeded quota" in room
    assert "limited: pods=2" in room
    assert "limited: pods=1" in never


def test_a_test_runs_in_a_restricted_namespace_and_explains_what_a_webhook_adds(
    rest: Rest, namespace: Namespace, fenced: Namespace
) -> None:
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    patch_namespace(fenced, {"labels": enforce})
    policies = [*mutation(fenced, "hosted", HOST_NETWORK), *mutation(fenced, "crashing", WRONG_COMMAND)]
    for document in policies:
        rest.apply(document)
    limits = {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}
    limit_range = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": limits}
    rest.apply(limit_range, fenced.name)
    try:
        passed = start(fenced, "plain", namespace).until_completed()
        # Whether the policies are at work yet can only be seen by trying.
        refused = ended(start(fenced, "hosted", namespace), "PodSecurityRefused")
        crashed = ended(start(fenced, "crashing", namespace), "PodCrashed")
        large = {"resources": {"limits": {"memory": "2Gi"}}}
        too_large = ended(start(fenced, "ranged", namespace, pod=large), "LimitRangeRefused")
    finally:
        for document in policies:
            rest.delete(rest.path_of(document))

    assert passed["verdict"] == "Passed"
    assert "hostNetwork=true" in refused
    assert "switch the injection off" in refused
    assert "invalid choice: 'nonsense'" in crashed
    assert "maximum memory usage per Container is 1Gi" in too_large


def test_a_default_limit_below_the_request_ends_the_test_at_once(
    rest: Rest, namespace: Namespace, fenced: Namespace
) -> None:
    limits = {"limits": [{"type": "Container", "default": {"cpu": "200m"}, "defaultRequest": {"cpu": "100m"}}]}
    limit_range = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "low"}, "spec": limits}
    made = rest.apply(limit_range, fenced.name)
    try:
        asks = {"resources": {"requests": {"cpu": "300m"}}}
        said = ended(start(fenced, "default-limit", namespace, pod=asks), "LimitRangeRefused")
    finally:
        rest.delete(f"/api/v1/namespaces/{fenced.name}/limitranges/{made['metadata']['name']}")

    assert "must be less than or equal to cpu limit of 200m" in said
    assert "spec.pod.resources" in said
    assert not re.search(r"-0-[a-z0-9]{5}", said), "the pod's random name"


ADMISSION = "admissionregistration.k8s.io/v1"
HOST_NETWORK = '[JSONPatch{op: "add", path: "/spec/hostNetwork", value: true}]'
WRONG_COMMAND = '[JSONPatch{op: "replace", path: "/spec/containers/0/command/1", value: "nonsense"}]'


def mutation(place: Namespace, test: str, patch: str) -> list[Json]:
    """Have the API server change the pods of one test, as a mesh's injector changes pods."""
    name = f"{place.name}-{test}"
    policy: Json = {
        "apiVersion": ADMISSION,
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.name}},
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                ],
            },
            "matchConditions": [
                {"name": "test", "expression": f"object.metadata.labels['x-load-test.dev/test'] == '{test}'"}
            ],
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
        },
    }
    binding = {
        "apiVersion": ADMISSION,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name},
    }
    return [policy, binding]


def annotate(place: Namespace, annotations: dict[str, str | None]) -> None:
    patch_namespace(place, {"annotations": annotations})


def patch_namespace(place: Namespace, metadata: Json) -> None:
    path = f"/api/v1/namespaces/{place.name}"
    place.rest.call("PATCH", path, {"metadata": metadata}, content_type="application/merge-patch+json")


def occupy(place: Namespace, used: int) -> None:
    container = {"name": "none", "image": "loadtest-operator:dev"}
    metadata = {"name": "occupant", "namespace": place.name}
    spec = {"nodeSelector": {"disk": "none-has-this"}, "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    if used:
        place.rest.apply(pod)
    else:
        place.rest.delete(place.rest.path_of(pod))


def set_quota(place: Namespace, pods: int, used: int) -> None:
    """A quota, of which a pod that no node takes uses one if that is wanted."""
    occupy(place, used)
    limit_pods(place, pods, used)
