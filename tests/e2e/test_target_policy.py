"""Which targets an installation allows: refused when it is applied, and again before any pod is made."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from localcluster.installation import OPERATOR_MANIFEST, OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, RestError, documents, wait_for
from support.loadtests import Namespace, reason
from support.target_hosts import CASES, FIELDS, OUTSIDE, SERVICE, SERVICES

LIST = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps/loadtest-operator-targets"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"


def refusal(namespace: Namespace, **spec: object) -> str:
    """Why the API server would not take a LoadTest; empty where it would."""
    manifest = namespace.manifest("asked", **spec)
    try:
        namespace.rest.call(
            "PATCH",
            namespace.rest.path_of(manifest),
            manifest,
            content_type="application/apply-patch+yaml",
            query={"fieldManager": "test", "fieldValidation": "Strict", "dryRun": "All"},
        )
    except RestError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module", autouse=True)
def policy_in_force(namespace: Namespace) -> None:
    """The API server takes a moment to put a new policy into force."""
    wait_for("the policy to refuse", lambda: refusal(namespace, target={"url": OUTSIDE}), 30)


@contextmanager
def listed(rest: Rest, namespace: Namespace, patterns: tuple[str, ...]) -> Iterator[None]:
    """Another list, once the API server holds it, and afterwards the one before."""
    before: Json = rest.call("GET", LIST)["data"]
    rest.call("PATCH", LIST, {"data": {"targets": "\n".join(patterns)}}, content_type="application/merge-patch+json")
    shown = f"({', '.join(patterns) or 'none'})"
    try:
        if "*" not in patterns:
            wait_for("the list", lambda: shown in refusal(namespace, target={"url": "http://nowhere.invalid/"}), 30)
        else:
            wait_for("the list", lambda: not refusal(namespace, target={"url": "http://nowhere.invalid/"}), 30)
        yield
    finally:
        rest.call("PATCH", LIST, {"data": before}, content_type="application/merge-patch+json")
        wait_for("the list", lambda: "(cluster-services)" in refusal(namespace, target={"url": OUTSIDE}), 30)


@pytest.mark.parametrize(
    "patterns", dict.fromkeys(case[0] for case in CASES), ids=lambda made: " ".join(made) or "none"
)
def test_the_api_server_holds_the_same_list_as_the_operator(
    namespace: Namespace, rest: Rest, patterns: tuple[str, ...]
) -> None:
    urls = [(url, passes) for held, url, passes in CASES if held == patterns]

    with listed(rest, namespace, patterns):
        answers = {url: refusal(namespace, target={"url": url}) for url, _ in urls}

    wrong = {url: answers[url] for url, passes in urls if (answers[url] == "") is not passes}
    assert wrong == {}


@pytest.mark.parametrize("field", FIELDS)
def test_a_public_host_in_any_field_is_refused_with_the_one_setting_to_change(namespace: Namespace, field: str) -> None:
    said = refusal(namespace, **FIELDS[field])

    assert f"{field}: the host example.com is not among the targets of this installation (cluster-services)" in said
    assert "an administrator can add it to policy.targets (ConfigMap loadtest-system/loadtest-operator-targets)" in said


def test_a_service_written_with_two_labels_is_told_how_to_be_written(namespace: Namespace) -> None:
    said = refusal(namespace, target={"url": "http://clients.shop:8000/"})

    assert "a Service of another namespace is written clients.shop.svc;" in said


def test_a_test_whose_target_was_struck_from_the_list_can_still_be_stopped(namespace: Namespace, rest: Rest) -> None:
    test = namespace.start("struck", suspend=True)

    with listed(rest, namespace, ()):
        test.patch(stop=True)

    assert test.until_completed(30)["verdict"] == "Inconclusive"


def test_without_the_list_nothing_is_taken(namespace: Namespace, rest: Rest) -> None:
    made = rest.call("GET", LIST)
    rest.delete(LIST)
    try:
        said = wait_for("a refusal", lambda: refusal(namespace, target={"url": SERVICE}), 30)
    finally:
        kept = {key: made[key] for key in ("apiVersion", "kind", "data")}
        rest.apply({**kept, "metadata": {"name": made["metadata"]["name"]}}, OPERATOR_NAMESPACE)
        wait_for("the list", lambda: not refusal(namespace, target={"url": SERVICE}), 30)

    assert "no params found" in said


@contextmanager
def without_binding(rest: Rest, name: str) -> Iterator[None]:
    """The policy of this name is not in force within; afterwards it is there again as it was installed."""
    rest.delete(f"{BINDINGS}/{name}")
    try:
        yield
    finally:
        for document in documents(OPERATOR_MANIFEST):
            if document["kind"] == "ValidatingAdmissionPolicyBinding" and document["metadata"]["name"] == name:
                rest.apply(document)


@contextmanager
def only_warning(rest: Rest, name: str) -> Iterator[None]:
    """The policy of this name refuses nothing within.

    It stays bound: an API server whose last policy with a ConfigMap goes never reads a ConfigMap for one anew.
    """
    path, kind = f"{BINDINGS}/{name}", "application/merge-patch+json"
    rest.call("PATCH", path, {"spec": {"validationActions": ["Warn"]}}, content_type=kind)
    try:
        yield
    finally:
        rest.call("PATCH", path, {"spec": {"validationActions": ["Deny"]}}, content_type=kind)


def test_the_operator_refuses_again_what_the_api_server_let_pass(namespace: Namespace, rest: Rest) -> None:
    with only_warning(rest, "loadtest-operator-targets"):
        wait_for("the policy to let it pass", lambda: not refusal(namespace, target={"url": OUTSIDE}), 30)
        status = namespace.start("let-pass", target={"url": OUTSIDE}).until_completed(30)
    wait_for("the policy to refuse", lambda: refusal(namespace, target={"url": OUTSIDE}), 30)

    assert (status["verdict"], reason(status, "Verified")) == ("Failed", "TargetNotAllowed")
    assert "policy.targets" in status["message"]
    assert "pods" not in status or not status["pods"].get("running")


def test_a_test_that_names_a_secret_waits_where_nothing_asks_who_may_read_it(namespace: Namespace, rest: Rest) -> None:
    target = {"url": SERVICE, "auth": {"secretKeyRef": {"name": "token"}}}
    with without_binding(rest, "loadtest-operator-secret-access"):
        test = namespace.start("unasked", target=target)
        waiting = test.until("waiting", lambda status: reason(status, "Verified") == "SecretAccessUnchecked", 30)
    ended = test.until_completed(30)

    assert waiting["phase"] == "Queued"
    assert "there is no ValidatingAdmissionPolicyBinding loadtest-operator-secret-access" in waiting["message"]
    assert "admission.secretAccess" in waiting["message"]
    assert (ended["verdict"], reason(ended, "Succeeded")) == ("Inconclusive", "SecretAccessUnchecked")
    assert "delete the test and apply it again" in ended["message"]
    assert test.children() == []


def test_the_list_that_is_installed_allows_the_clusters_services_alone() -> None:
    (made,) = [
        document
        for document in yaml.safe_load_all(OPERATOR_MANIFEST.read_text())
        if document["kind"] == "ConfigMap" and document["metadata"]["name"] == "loadtest-operator-targets"
    ]

    assert tuple(made["data"]["targets"].split()) == SERVICES
