"""Who may do what: the operator no more than it needs, and a LoadTest opens no Secret to who may not read it."""

import json

import pytest

from loadtests import Namespace
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, RestError, wait_for

OPERATOR_USER = f"system:serviceaccount:{OPERATOR_NAMESPACE}:loadtest-operator"
GROUP = "x-load-test.dev"

DENIED = [
    ("get", "", "secrets", "default"),
    ("list", "", "secrets", "default"),
    ("list", "", "secrets", OPERATOR_NAMESPACE),
    ("update", "", "secrets", OPERATOR_NAMESPACE),
    ("create", "", "pods", "default"),
    ("create", "", "pods/exec", "default"),
    ("delete", GROUP, "loadtests", "default"),
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
    ("watch", GROUP, "loadtests", "default"),
    ("patch", GROUP, "loadtests/status", "default"),
    ("create", "batch", "jobs", "default"),
    ("list", "", "pods", "default"),
    ("create", "networking.k8s.io", "networkpolicies", "default"),
    ("list", "discovery.k8s.io", "endpointslices", "default"),
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
