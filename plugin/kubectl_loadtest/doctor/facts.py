"""What can be seen of a cluster with the user's rights. What may not be seen is None, and no reason to stop."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from kubectl_loadtest.kubectl import Kubectl, KubectlError
from kubectl_loadtest.resources.load_test import RESOURCE, LoadTest
from loadtest_model.spec import API_VERSION, GROUP, KIND, PLURAL

Json = dict[str, Any]

OPERATOR_SELECTOR: Final = "app.kubernetes.io/name=loadtest-operator"
_PROBE_URL: Final = "http://{service}:8000/"


class Right(NamedTuple):
    """The right to do something with a resource."""

    verb: str
    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}"


USER_RIGHTS: Final = (
    *(Right(verb, GROUP, PLURAL) for verb in ("get", "list", "watch", "create", "patch")),
    Right("get", "", "configmaps"),
    Right("list", "", "configmaps"),
    Right("list", "", "events"),
    Right("list", "", "pods"),
    Right("get", "", "pods/log"),
    Right("get", "", "secrets"),
)
OPERATOR_RIGHTS: Final = (
    Right("patch", GROUP, f"{PLURAL}/status"),
    Right("create", "batch", "jobs"),
    Right("list", "", "pods"),
    Right("create", "", "configmaps"),
    Right("create", "", "events"),
    Right("list", "discovery.k8s.io", "endpointslices"),
    Right("create", "networking.k8s.io", "networkpolicies"),
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was seen. `unreachable` says why nothing was, where the API server did not answer.

    `schema` is that of LoadTests as the API server has it. `operator_rights` has the operators by their
    ServiceAccounts. `dry_run_refusal` says why the API server would not take a plain test.
    """

    namespace: str
    server_version: str = ""
    unreachable: str = ""
    schema: Json | None = None
    deployments: Sequence[Json] | None = None
    operator_pods: Sequence[Json] | None = None
    rights: dict[Right, bool] = field(default_factory=dict)
    operator_rights: dict[str, dict[Right, bool]] | None = None
    policies: Sequence[Json] | None = None
    bindings: Sequence[Json] | None = None
    namespace_object: Json | None = None
    network_policies: Sequence[Json] | None = None
    tests: Sequence[LoadTest] | None = None
    dry_run_refusal: str = ""


def gather(kubectl: Kubectl) -> Facts:
    """Look at everything once."""
    namespace = kubectl.namespace or _namespace_of_context(kubectl)
    try:
        version = json.loads(kubectl.text("get", "--raw", "/version"))["gitVersion"]
    except KubectlError as error:
        return Facts(namespace=namespace, unreachable=error.message)
    schema = _schema(kubectl)
    deployments = _items(kubectl, "deployments.apps", OPERATOR_SELECTOR)
    return Facts(
        namespace=namespace,
        server_version=version,
        schema=schema,
        deployments=deployments,
        operator_pods=_items(kubectl, "pods", OPERATOR_SELECTOR),
        rights=_user_rights(kubectl, namespace),
        operator_rights=_operator_rights(kubectl, namespace, deployments or ()),
        policies=_items(kubectl, "validatingadmissionpolicies.admissionregistration.k8s.io", OPERATOR_SELECTOR),
        bindings=_items(kubectl, "validatingadmissionpolicybindings.admissionregistration.k8s.io", OPERATOR_SELECTOR),
        namespace_object=_object(kubectl, "namespace", namespace),
        network_policies=_items(kubectl, "networkpolicies.networking.k8s.io", in_namespace=namespace),
        tests=None if schema is None else _tests(kubectl, namespace),
        dry_run_refusal="" if schema is None else _dry_run(kubectl, namespace),
    )


def _namespace_of_context(kubectl: Kubectl) -> str:
    try:
        contexts = kubectl.json("config", "view", "--minify").get("contexts") or [{}]
    except KubectlError:
        # There is no context, as in a pod.
        return "default"
    return str((contexts[0].get("context") or {}).get("namespace") or "default")


def _schema(kubectl: Kubectl) -> Json | None:
    """The schema of LoadTests that the API server publishes, to whoever is logged in."""
    try:
        document = json.loads(kubectl.text("get", "--raw", f"/openapi/v3/apis/{API_VERSION}"))
    except KubectlError:
        return None
    for schema in document.get("components", {}).get("schemas", {}).values():
        kinds = schema.get("x-kubernetes-group-version-kind", ())
        if any(kind.get("kind") == KIND and kind.get("group") == GROUP for kind in kinds):
            return dict(schema)
    return None


def _items(kubectl: Kubectl, resource: str, selector: str = "", in_namespace: str = "") -> Sequence[Json] | None:
    place = f"--namespace={in_namespace}" if in_namespace else "--all-namespaces"
    try:
        items: list[Json] = _without_namespace(kubectl).json("get", resource, place, f"--selector={selector}")["items"]
    except KubectlError:
        return None
    return items


def _without_namespace(kubectl: Kubectl) -> Kubectl:
    return Kubectl(kubectl.program, tuple(flag for flag in kubectl.flags if not flag.startswith("--namespace=")))


def _object(kubectl: Kubectl, kind: str, name: str) -> Json | None:
    try:
        return kubectl.json("get", kind, name)
    except KubectlError:
        return None


def _tests(kubectl: Kubectl, namespace: str) -> Sequence[LoadTest] | None:
    items = _items(kubectl, RESOURCE, in_namespace=namespace)
    return None if items is None else [LoadTest(item) for item in items]


def _user_rights(kubectl: Kubectl, namespace: str) -> dict[Right, bool]:
    reviews = [_review("SelfSubjectAccessReview", right, namespace, {}) for right in USER_RIGHTS]
    try:
        return _answers(kubectl, USER_RIGHTS, reviews)
    except KubectlError:
        return {}


def _operator_rights(
    kubectl: Kubectl, namespace: str, deployments: Sequence[Json]
) -> dict[str, dict[Right, bool]] | None:
    """What each operator may do in the namespace; None if the user may not ask."""
    rights = {}
    for deployment in deployments:
        account_namespace = deployment["metadata"]["namespace"]
        account = deployment["spec"]["template"]["spec"].get("serviceAccountName", "default")
        user = f"system:serviceaccount:{account_namespace}:{account}"
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account_namespace}", "system:authenticated"]
        subject = {"user": user, "groups": groups}
        reviews = [_review("SubjectAccessReview", right, namespace, subject) for right in OPERATOR_RIGHTS]
        try:
            rights[f"{account_namespace}/{account}"] = _answers(kubectl, OPERATOR_RIGHTS, reviews)
        except KubectlError:
            return None
    return rights


def _review(kind: str, right: Right, namespace: str, subject: Json) -> Json:
    resource, _, subresource = right.resource.partition("/")
    attributes = {"namespace": namespace, "verb": right.verb, "group": right.group, "resource": resource}
    if subresource:
        attributes["subresource"] = subresource
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": kind,
        "spec": {**subject, "resourceAttributes": attributes},
    }


def _answers(kubectl: Kubectl, rights: Sequence[Right], reviews: Sequence[Json]) -> dict[Right, bool]:
    """All answers by one call, as `kubectl auth can-i` asks for one."""
    # Reviews are no CRD's, but to validate them kubectl would list all CRDs, which few users may.
    text = "\n".join(map(json.dumps, reviews))
    documents = kubectl.documents("create", "--filename=-", "--validate=false", standard_input=text)
    return {
        right: bool(document.get("status", {}).get("allowed"))
        for right, document in zip(rights, documents, strict=True)
    }


def _dry_run(kubectl: Kubectl, namespace: str) -> str:
    """Why the API server would not take a plain test of a Service; empty if it would. Nothing is stored."""
    test = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"generateName": "doctor-", "namespace": namespace},
        "spec": {"target": {"url": _PROBE_URL.format(service="clients")}, "scenario": "light"},
    }
    try:
        _without_namespace(kubectl).text(
            "create", "--dry-run=server", "--filename=-", "--output=name", standard_input=json.dumps(test)
        )
    except KubectlError as error:
        return error.message
    return ""


def rights_text(rights: Sequence[Right]) -> str:
    """Rights in a sentence."""
    return ", ".join(map(str, rights))
