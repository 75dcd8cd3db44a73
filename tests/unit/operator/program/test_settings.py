"""Settings from the environment."""

import ipaddress
import json
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from loadtest_operator.decide import Policy
from loadtest_operator.manifests import NetworkPolicyDefaults
from loadtest_operator.policy.line import NO_LIMIT, Limits
from loadtest_operator.program.settings import Settings, SettingsError, settings_from

REPOSITORY = Path(__file__).resolve().parents[4]


def settings(**environment: str) -> Settings:
    return settings_from({"LOADTEST_IMAGE": "loadgen:1", **environment})


def denied(made: Settings, address: str) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(net) for net in made.policy.network.denied)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "fd20:ce::254",
        "fe80::1",
        "127.0.0.1",
        "::1",
        "224.0.0.1",
        "0.0.0.0",
        "::",
    ],
)
def test_metadata_link_local_loopback_and_multicast_are_never_targets(address: str) -> None:
    assert denied(settings(), address)


def test_the_pods_are_bounded_by_a_network_policy_unless_that_is_switched_off() -> None:
    made = settings(
        LOADTEST_OPERATOR_NAMESPACE="load",
        LOADTEST_OPERATOR_LABELS='{"app.kubernetes.io/instance": "a"}',
        LOADTEST_MESH_NAMESPACES="istio-system,linkerd",
    ).policy.network_policies

    assert made == NetworkPolicyDefaults("load", {"app.kubernetes.io/instance": "a"}, ("istio-system", "linkerd"))
    assert settings(LOADTEST_NETWORK_POLICY="false").policy.network_policies is None


def test_no_prefix_of_labels_is_allowed_unless_the_installation_says_so() -> None:
    assert settings().policy.pods.allowed_prefixes == ()
    assert settings(LOADTEST_POD_PREFIXES="a.com/, b.com/x-").policy.pods.allowed_prefixes == ("a.com/", "b.com/x-")


def test_loopback_may_be_allowed_where_pods_live_on_it() -> None:
    made = settings(LOADTEST_ALLOW_LOOPBACK="true")

    assert not denied(made, "127.0.0.1")
    assert denied(made, "169.254.169.254")


def test_the_api_server_is_never_a_target() -> None:
    assert denied(settings(KUBERNETES_SERVICE_HOST="10.96.0.1"), "10.96.0.1")
    assert denied(settings(KUBERNETES_SERVICE_HOST="fd00::1"), "fd00::1")


def test_further_networks_are_read_from_lists() -> None:
    made = settings(LOADTEST_TARGET_ALLOWED="10.0.0.0/8, 192.168.0.0/16", LOADTEST_TARGET_DENIED="10.1.0.0/16")

    assert made.policy.network.allowed == ("10.0.0.0/8", "192.168.0.0/16")
    assert denied(made, "10.1.2.3")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOADTEST_TARGET_DENIED", "10.0.0.0/33"),
        ("LOADTEST_LINGER_SECONDS", "soon"),
        ("LOADTEST_LINGER_SECONDS", "-1"),
        ("LOADTEST_POD_RESOURCES", "{"),
        ("LOADTEST_POD_RESOURCES", "[]"),
        ("LOADTEST_IMAGE", ""),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        settings(**{name: value})


def test_without_a_list_all_namespaces_are_watched() -> None:
    assert settings().namespaces == ()
    assert settings(LOADTEST_WATCH_NAMESPACES="a,b").namespaces == ("a", "b")


def test_bounds_that_are_not_set_are_those_of_the_policy() -> None:
    policy = settings().policy
    bounds = {field.name: field.default for field in fields(Policy) if field.name.endswith("_seconds")}

    assert {name: getattr(policy, name) for name in bounds} == bounds
    assert policy.pods.starting_seconds == Policy.starting_seconds


def test_bounds_and_resources_by_default_are_the_same_with_the_chart_and_without_it() -> None:
    values = yaml.safe_load((REPOSITORY / "charts" / "loadtest-operator" / "values.yaml").read_text())
    variables = {f"LOADTEST_{name.upper()}_SECONDS": str(seconds) for name, seconds in values["deadlines"].items()}

    by_chart = settings(**variables, LOADTEST_POD_RESOURCES=json.dumps(values["loadgen"]["resources"]))

    assert by_chart == settings()


def test_limits_are_whole_numbers_and_open_by_default() -> None:
    made = settings(LOADTEST_LIMIT_TESTS="5", LOADTEST_LIMIT_PODS_PER_TEST="50")

    assert made.policy.limits == Limits(tests=5, pods=NO_LIMIT, pods_per_test=50)
    with pytest.raises(SettingsError, match="LOADTEST_LIMIT_PODS is '-1'; it must be a whole number, 0 for no limit"):
        settings(LOADTEST_LIMIT_PODS="-1")
