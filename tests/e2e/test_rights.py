"""Who may do what: the operator no more than it needs, and a LoadTest opens no Secret to who may not read it."""

import copy
import json
import re

import pytest

from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, RestError, wait_for
from support.loadtests import Namespace
from support.operator_identity import as_operator

OPERATOR_USER = f"system:serviceaccount:{OPERATOR_NAMESPACE}:loadtest-operator"
GROUP = "x-load-test.dev"

DENIED = [
    ("get", "", "secrets", "default"),
    ("list", "", "secrets", "default"),
    ("list", "", "secrets", OPERATOR_NAMESPACE),
    ("update", "", "secrets", OPERATOR_NAMESPACE),
    ("create", "", "pods", "default"),
    ("create", "", "pods/exec", "default"),
    ("get", "", "configmaps", "default"),
    ("update", "", "configmaps", "default"),
    ("create", GROUP, "loadtests", "default"),
    ("create", "apps", "deployments", "default"),
    ("list", "apps", "deployments", "default"),
    ("patch", "apps", "deployments", "default"),
    ("create", "", "serviceaccounts/token", "default"),
    ("create", "rbac.authorization.k8s.io", "rolebindings", "default"),
    ("get", "", "nodes", ""),
    ("update", "networking.k8s.io", "networkpolicies", "default"),
]
ALLOWED = [
    ("delete", GROUP, "loadtests", "default"),
    ("list", "", "configmaps", "default"),
    ("delete", "", "configmaps", "default"),
    ("watch", GROUP, "loadtests", "default"),
    ("patch", GROUP, "loadtests/status", "default"),
    ("create", "batch", "jobs", "default"),
    ("list", "", "pods", "default"),
    ("create", "networking.k8s.io", "networkpolicies", "default"),
    ("list", "discovery.k8s.io", "endpointslices", "default"),
    ("watch", "discovery.k8s.io", "endpointslices", "default"),
    ("watch", "", "services", "default"),
    ("watch", "", "pods", "default"),
    ("get", "apps", "deployments", "default"),
    ("get", "apps", "statefulsets", "default"),
    ("list", "metrics.k8s.io", "pods", "default"),
]


def may(rest: Rest, verb: str, group: str, resource: str, namespace: str) -> bool:
    name, _, sub = resource.partition("/")
    attributes = {"verb": verb, "group": group, "resource": name, "subresource": sub, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": OPERATOR_USER, "groups": ["system:serviceaccounts"], "resourceAttributes": attributes},
    }
    answer = rest.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize("right", DENIED, ids=" ".join)
def test_the_operator_is_denied_what_it_does_not_need(rest: Rest, right: tuple[str, str, str, str]) -> None:
    assert not may(rest, *right)


@pytest.mark.parametrize("right", ALLOWED, ids=" ".join)
def test_the_operator_has_the_rights_it_uses(rest: Rest, right: tuple[str, str, str, str]) -> None:
    assert may(rest, *right)


@pytest.fixture(scope="module")
def operator(cluster: Cluster, rest: Rest) -> Rest:
    return as_operator(rest)


ROLES = "/apis/rbac.authorization.k8s.io/v1"
OWN = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}"
EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}

# What somebody with the operator's token would try: method, path, body.
ATTEMPTS: dict[str, tuple[str, str, Json | None]] = {
    "read a Secret of a test": ("GET", "/api/v1/namespaces/{namespace}/secrets/foreign", None),
    "list the Secrets of a namespace": ("GET", "/api/v1/namespaces/{namespace}/secrets", None),
    "list every Secret": ("GET", "/api/v1/secrets", None),
    "read another Secret of its own namespace": ("GET", f"{OWN}/secrets/foreign", None),
    "list the Secrets of its own namespace": ("GET", f"{OWN}/secrets", None),
    "change its own Secret": ("PATCH", f"{OWN}/secrets/loadtest-operator-command-key", {"data": {"key": "AAAA"}}),
    "delete its own Secret": ("DELETE", f"{OWN}/secrets/loadtest-operator-command-key", None),
    "make a pod": (
        "POST",
        "/api/v1/namespaces/{namespace}/pods",
        {"metadata": {"name": "shell"}, "spec": {"containers": [{"name": "a", "image": "b"}]}},
    ),
    "run a command in a pod": ("POST", "/api/v1/namespaces/{namespace}/pods/any/exec?command=id&stdout=true", None),
    "attach to a pod": ("POST", "/api/v1/namespaces/{namespace}/pods/any/attach?stdout=true", None),
    "forward a port": ("POST", "/api/v1/namespaces/{namespace}/pods/any/portforward", None),
    "read a log": ("GET", "/api/v1/namespaces/{namespace}/pods/any/log", None),
    "add a container for debugging": (
        "PATCH",
        "/api/v1/namespaces/{namespace}/pods/any/ephemeralcontainers",
        {"spec": {"ephemeralContainers": [{"name": "a", "image": "b"}]}},
    ),
    "ask for a service account's token": (
        "POST",
        "/api/v1/namespaces/{namespace}/serviceaccounts/default/token",
        {"spec": {"expirationSeconds": 600}},
    ),
    "make a role for all of the cluster": ("POST", f"{ROLES}/clusterroles", {"metadata": {"name": "all"}}),
    "widen its own role": ("PATCH", f"{ROLES}/clusterroles/loadtest-operator", {"rules": [EVERYTHING]}),
    "bind the administrator's role to itself": (
        "POST",
        f"{ROLES}/clusterrolebindings",
        {
            "metadata": {"name": "all"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "loadtest-operator", "namespace": OPERATOR_NAMESPACE}],
        },
    ),
    "remove the policy that narrows it": (
        "DELETE",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/loadtest-operator-own-jobs",
        None,
    ),
    "list the admission policies": (
        "GET",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
        None,
    ),
    "change the list of targets": ("PATCH", f"{OWN}/configmaps/loadtest-operator-targets", {"data": {"targets": "*"}}),
    "read a ConfigMap": ("GET", "/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt", None),
    "make a LoadTest": (
        "POST",
        "/apis/x-load-test.dev/v1alpha1/namespaces/{namespace}/loadtests",
        {"metadata": {"name": "any"}, "spec": {"target": {"url": "http://clients/"}, "scenario": "light"}},
    ),
    "change the LoadTests' schema": (
        "PATCH",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/loadtests.x-load-test.dev",
        {"metadata": {"labels": {"a": "b"}}},
    ),
    "change its own Deployment": (
        "PATCH",
        f"/apis/apps/v1/namespaces/{OPERATOR_NAMESPACE}/deployments/loadtest-operator",
        {"spec": {"replicas": 0}},
    ),
    "read a node": ("GET", "/api/v1/nodes", None),
    "change a Job that runs": ("PATCH", "/apis/batch/v1/namespaces/{namespace}/jobs/any", {"spec": {"parallelism": 9}}),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_with_the_operators_own_token_nobody_can(namespace: Namespace, operator: Rest, attempt: str) -> None:
    method, path, body = ATTEMPTS[attempt]
    merge = {"content_type": "application/merge-patch+json"} if method == "PATCH" else {}

    with pytest.raises(RestError) as refused:
        operator.call(method, path.format(namespace=namespace.name), body, **merge)

    assert refused.value.status == 403, str(refused.value)
    assert "loadtest-operator" in str(refused.value)


def test_with_the_operators_own_token_nobody_is_somebody_else(rest: Rest, operator: Rest) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"

    with pytest.raises(RestError, match="cannot impersonate"):
        operator.impersonating("admin").call("POST", path, review)

    assert operator.call("POST", path, review)["status"]["userInfo"]["username"] == OPERATOR_USER


def test_the_one_secret_that_the_operator_reads_is_its_own(operator: Rest) -> None:
    assert operator.call("GET", f"{OWN}/secrets/loadtest-operator-command-key")["data"].keys() == {"key"}


@pytest.fixture(scope="module")
def developer(namespace: Namespace) -> Rest:
    """Someone who may create LoadTests in the namespace, and read no Secret but one."""
    role = {
        "rules": [
            {"apiGroups": [GROUP], "resources": ["loadtests"], "verbs": ["create", "patch", "get"]},
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["own"], "verbs": ["get"]},
        ]
    }
    subject = {"kind": "ServiceAccount", "name": "developer", "namespace": namespace.name}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "developer"}
    for document in (
        {"apiVersion": "v1", "kind": "ServiceAccount"},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", **role},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "subjects": [subject],
            "roleRef": reference,
        },
    ):
        made: Json = {**document, "metadata": {"name": "developer"}}
        namespace.rest.apply(made, namespace.name)
    path = f"/api/v1/namespaces/{namespace.name}/serviceaccounts/developer/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    return namespace.rest.with_token(namespace.rest.call("POST", path, request)["status"]["token"])


NAMING = {
    "token": lambda secret: {"auth": {"secretKeyRef": {"name": secret, "key": "token"}}},
    "login": lambda secret: {"auth": {"login": {"url": "https://clients/api/token/", "secretRef": {"name": secret}}}},
    "header": lambda secret: {"headersFrom": [{"name": "Load-Test-Token", "secretKeyRef": {"name": secret}}]},
    "authority": lambda secret: {"tls": {"caSecretKeyRef": {"name": secret}}},
    "certificate": lambda secret: {"tls": {"clientCertificateSecretRef": {"name": secret}}},
}


def _naming(namespace: Namespace, field: str, secret: str) -> Json:
    target = {"url": "https://clients:8443/", **NAMING[field](secret)}
    return namespace.manifest(f"{field}-{secret}", target=target, suspend=True)


@pytest.mark.parametrize("field", NAMING)
def test_naming_a_secret_that_one_may_not_read_is_refused(namespace: Namespace, developer: Rest, field: str) -> None:
    manifest = _naming(namespace, field, "foreign")

    def refused() -> str:
        # The API server takes a moment to put a new policy into force.
        try:
            developer.apply(manifest)
        except RestError as error:
            return str(error)
        namespace.rest.delete(namespace.rest.path_of(manifest))
        return ""

    message = wait_for("the policy to refuse it", refused, 30)

    assert "names Secret foreign, which you may not get" in message


@pytest.mark.parametrize("field", NAMING)
def test_naming_a_secret_that_one_may_read_is_accepted(namespace: Namespace, developer: Rest, field: str) -> None:
    made = developer.apply(_naming(namespace, field, "own"))

    assert '"name": "own"' in json.dumps(made["spec"]["target"])


def test_each_of_the_secrets_that_an_image_is_pulled_with_is_asked_about(namespace: Namespace, developer: Rest) -> None:
    def pulling(*names: str) -> Json:
        secrets = [{"name": name} for name in names]
        return namespace.manifest(f"pulling-{len(names)}", pod={"imagePullSecrets": secrets}, suspend=True)

    developer.apply(pulling(*["own"] * 8))

    with pytest.raises(RestError, match=r"spec.pod.imagePullSecrets\[6\] names Secret foreign"):
        developer.apply(pulling(*["own"] * 6, "foreign"))


def test_the_secret_of_each_header_is_asked_about(namespace: Namespace, developer: Rest) -> None:
    def sending(*names: str) -> Json:
        headers = [{"name": f"X-{index}", "secretKeyRef": {"name": name}} for index, name in enumerate(names)]
        target = {"url": "https://clients:8443/", "headersFrom": headers}
        return namespace.manifest(f"sending-{names.index('foreign')}", target=target, suspend=True)

    for index in range(4):
        names = ["own"] * 4
        names[index] = "foreign"
        with pytest.raises(RestError, match=rf"headersFrom\[{index}\].secretKeyRef names Secret foreign"):
            developer.apply(sending(*names))


def test_a_test_that_names_a_secret_cannot_be_sent_elsewhere_by_who_may_not_read_it(
    namespace: Namespace, developer: Rest
) -> None:
    manifest = _naming(namespace, "token", "foreign")
    manifest["metadata"]["name"] = "redirected"
    manifest["spec"] |= {"stop": True, "suspend": False}
    test = namespace.apply(manifest)
    test.until_completed(30)
    elsewhere = copy.deepcopy(manifest)
    elsewhere["spec"]["target"]["url"] = "https://of-somebody-else:8443/"

    for changed in (elsewhere, manifest):
        with pytest.raises(RestError, match="names Secret foreign, which you may not get"):
            developer.apply({**changed, "spec": {**changed["spec"], "stop": False, "runId": "2"}})


def _secret_fields(node: Json, path: str) -> list[str]:
    """Where a schema takes the name of a Secret, as its descriptions say."""
    if "Name of a Secret" in node.get("description", "") or path.endswith("imagePullSecrets.name"):
        return [path.removesuffix(".name")]
    inner = {**node.get("properties", {}), **({"": node["items"]} if isinstance(node.get("items"), dict) else {})}
    return [found for name, each in inner.items() for found in _secret_fields(each, f"{path}.{name}" if name else path)]


def test_every_field_that_names_a_secret_is_under_the_policy(rest: Rest) -> None:
    crd = rest.call("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/loadtests.x-load-test.dev")
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    group = "/apis/admissionregistration.k8s.io/v1"
    policy = rest.call("GET", f"{group}/validatingadmissionpolicies/loadtest-operator-secret-access")
    messages = " ".join(made["messageExpression"] for made in policy["spec"]["validations"])

    fields = _secret_fields(schema, "spec")

    assert len(fields) >= 5
    assert [field for field in fields if field not in re.sub(r"\[[0-9]+\]", "", messages)] == []


def test_the_right_to_one_of_two_secrets_is_not_enough(namespace: Namespace, developer: Rest) -> None:
    manifest = _naming(namespace, "token", "own")
    manifest["metadata"]["name"] = "one-of-two"
    manifest["spec"]["target"] |= NAMING["certificate"]("foreign")

    with pytest.raises(RestError, match="clientCertificateSecretRef names Secret foreign"):
        developer.apply(manifest)


def test_a_test_that_names_a_secret_can_still_be_stopped_by_who_may_not_read_it(
    namespace: Namespace, developer: Rest
) -> None:
    manifest = _naming(namespace, "authority", "foreign")
    manifest["metadata"]["name"] = "of-somebody-else"
    made = namespace.rest.apply(manifest)

    stopped = developer.apply({**manifest, "spec": {**manifest["spec"], "stop": True}})

    assert made["spec"]["stop"] is False
    assert stopped["spec"]["stop"] is True
