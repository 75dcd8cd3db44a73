"""What a test may not say of its pods."""

from typing import Any

import pytest

from loadtest_model.plan import AddressPolicy, PlanError
from loadtest_model.plan.bounds import NEVER_TARGETS
from loadtest_operator.manifests.injection import MESH_CONTROL, MESH_OFF, OTHERS_OFF
from loadtest_operator.manifests.pod_rules import refuse_pod
from support.operator_builders import a_fleet_spec

NETWORK = AddressPolicy(allowed=("10.0.0.0/8",), denied=(*NEVER_TARGETS, "10.96.0.1/32"))
ALLOWED = ("example.com/", "shop.example.org/cost-", "sidecar.istio.io/", "linkerd.io/")


def refused(allowed: tuple[str, ...] = ALLOWED, **pod: Any) -> tuple[str, str]:
    try:
        refuse_pod(a_fleet_spec(pod=pod).pod, allowed, NETWORK)
    except PlanError as error:
        return error.reason, str(error)
    return "", ""


@pytest.mark.parametrize("key", ["example.com/team", "shop.example.org/cost-centre"])
@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_keys_under_the_allowed_prefixes_are_taken(field: str, key: str) -> None:
    assert refused(**{field: {key: "1"}}) == ("", "")


@pytest.mark.parametrize(("field", "reason"), [("labels", "PodLabelRefused"), ("annotations", "PodAnnotationRefused")])
def test_another_key_is_refused_with_the_one_setting_to_change(field: str, reason: str) -> None:
    found, message = refused(**{field: {"other.com/team": "1"}})

    assert found == reason
    assert f"spec.pod.{field} has 'other.com/team'" in message
    assert "pods.allowedPrefixes" in message
    assert "example.com/" in message


def test_by_default_no_key_is_taken() -> None:
    assert "allowed: none" in refused(allowed=(), labels={"example.com/team": "1"})[1]


@pytest.mark.parametrize(
    "key",
    [
        "x-load-test.dev/uid",
        "app.kubernetes.io/managed-by",
        "batch.kubernetes.io/job-name",
        "job-name",
        "karpenter.sh/do-not-disrupt",
        "traffic.sidecar.istio.io/excludeInboundPorts",
        "dapr.io/enabled",
    ],
)
@pytest.mark.parametrize("mesh", ["Disabled", "Enabled"])
def test_what_the_operator_sets_is_never_another_ones_to_set(key: str, mesh: str) -> None:
    everything = ("x-load-test.dev/", "app.", "batch.", "job-", "karpenter.sh/", "traffic.", "dapr.io/")

    assert "the operator itself sets" in refused(allowed=everything, annotations={key: "1"}, mesh=mesh)[1]


@pytest.mark.parametrize("key", sorted({*MESH_OFF.labels, *MESH_OFF.annotations}))
def test_a_sidecars_switch_needs_the_mesh_whatever_prefixes_are_allowed(key: str) -> None:
    everything = (key[:4],)

    assert "spec.pod.mesh" in refused(allowed=everything, labels={key: "true"})[1]
    assert refused(allowed=(), labels={key: "true"}, mesh="Enabled") == ("", "")


@pytest.mark.parametrize("key", ["a b", "example.com/", "example.com/a/b", "-a", "EXAMPLE.com/a"])
def test_a_key_that_is_none_is_refused_before_the_job_is(key: str) -> None:
    assert "no valid key" in refused(allowed=("",), labels={key: "1"})[1]


@pytest.mark.parametrize("ip", ["169.254.169.254", "10.96.0.1", "203.0.113.9", "::ffff:10.96.0.1"])
def test_an_alias_does_not_lead_to_where_nothing_may_be_sent(ip: str) -> None:
    reason, message = refused(hostAliases=[{"ip": ip, "hostnames": ["staging.example.com"]}])

    assert reason == "HostAliasRefused"
    assert f"spec.pod.hostAliases[0].ip is {ip}" in message
    assert "policy." in message


def test_an_alias_leads_to_an_allowed_address() -> None:
    assert refused(hostAliases=[{"ip": "10.0.0.7", "hostnames": ["staging.example.com"]}]) == ("", "")


def test_no_key_is_both_a_switch_of_a_mesh_and_the_operators() -> None:
    switches = {*MESH_OFF.labels, *MESH_OFF.annotations}
    ours = {*MESH_CONTROL.annotations, *OTHERS_OFF.labels, *OTHERS_OFF.annotations}

    assert not switches & ours
