"""Whether anybody asked who may read the Secrets that a test names."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loadtest_operator.facts.secret_access import SecretAccess, access_under_policy, named_secrets
from support.operator_builders import a_fleet_spec

Json = dict[str, Any]
NAME = "loadtest-operator-secret-access"
SINCE = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
LATER = SINCE + timedelta(minutes=1)
METADATA = {"name": NAME, "creationTimestamp": "2026-03-01T12:00:00Z"}


def a_policy(**spec: Any) -> Json:
    return {"metadata": METADATA, "spec": {"failurePolicy": "Fail", **spec}}


def a_binding(**spec: Any) -> Json:
    return {"metadata": METADATA, "spec": {"policyName": NAME, "validationActions": ["Deny"], **spec}}


def test_a_policy_that_denies_is_enough() -> None:
    assert access_under_policy(NAME, a_policy(), a_binding(), LATER) == SecretAccess()


@pytest.mark.parametrize(
    ("policy", "binding", "why"),
    [
        (None, a_binding(), "there is no ValidatingAdmissionPolicy loadtest"),
        (a_policy(), None, "there is no ValidatingAdmissionPolicyBinding loadtest"),
        (a_policy(failurePolicy="Ignore"), a_binding(), "lets a test pass"),
        (a_policy(), a_binding(validationActions=["Audit", "Warn"]), "does not deny"),
        (a_policy(), a_binding(policyName="another"), "binds another policy"),
        (a_policy(), a_binding(matchResources={"namespaceSelector": {}}), "is narrowed"),
    ],
)
def test_whatever_lets_a_name_pass_unasked_keeps_the_test_waiting(
    policy: Json | None, binding: Json | None, why: str
) -> None:
    found = access_under_policy(NAME, policy, binding, LATER)

    assert (found.problem, found.is_lasting) == ("SecretAccessUnchecked", False)
    assert why in found.message
    assert "admission.secretAccess" in found.message


def test_a_test_older_than_the_policy_was_never_asked() -> None:
    found = access_under_policy(NAME, a_policy(), a_binding(), SINCE + timedelta(seconds=2))

    assert (found.problem, found.is_lasting) == ("SecretAccessUnchecked", True)
    assert "delete the test and apply it again" in found.message


def test_every_secret_that_pods_are_given_is_named_once() -> None:
    target = {
        "url": "https://clients/",
        "auth": {"login": {"url": "https://clients/token/", "secretRef": {"name": "robot"}}},
        "tls": {"caSecretKeyRef": {"name": "robot"}, "clientCertificateSecretRef": {"name": "certificate"}},
        "headersFrom": [
            {"name": "X-A", "secretKeyRef": {"name": "guard"}},
            {"name": "X-B", "secretKeyRef": {"name": "guard"}},
        ],
    }
    spec = a_fleet_spec(target=target, pod={"imagePullSecrets": [{"name": "pull"}]})

    assert named_secrets(spec) == ("robot", "certificate", "guard", "pull")


def test_a_config_map_is_no_secret() -> None:
    target = {"url": "https://clients/", "tls": {"caConfigMapKeyRef": {"name": "authority"}}}

    assert named_secrets(a_fleet_spec(target=target)) == ()
