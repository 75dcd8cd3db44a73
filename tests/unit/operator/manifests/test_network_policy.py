"""What the NetworkPolicy of a run lets through, judged as a network would."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from loadtest_model.plan import AddressPolicy
from loadtest_model.plan.bounds import NEVER_TARGETS
from loadtest_operator.facts.destinations import Destination
from loadtest_operator.manifests import NetworkPolicyDefaults, network_policy
from support.builders import IDENTITY
from support.network_policies import ConnectionEnd, allows_egress, allows_ingress
from support.operator_builders import PLAN

Json = dict[str, Any]
OPERATOR_LABELS = {"app.kubernetes.io/name": "loadtest-operator"}
DEFAULTS = NetworkPolicyDefaults("loadtest-system", OPERATOR_LABELS, ("istio-system", "linkerd"))
TARGET = Destination(namespace="shop", labels={"app": "clients"}, ports=(8000,))
POD = ConnectionEnd("10.0.1.0", IDENTITY.namespace, {"x-load-test.dev/uid": IDENTITY.uid, "x-load-test.dev/run": "1"})
PEER = replace(POD, ip="10.0.1.1")
OPERATOR = ConnectionEnd("10.0.2.0", "loadtest-system", OPERATOR_LABELS)
CLIENTS = ConnectionEnd("10.0.0.5", "shop", {"app": "clients", "pod-template-hash": "1"}, {"http": 8000})
METADATA = ConnectionEnd("169.254.169.254")
OUTSIDE = ConnectionEnd("203.0.113.9")
NETWORK = AddressPolicy(denied=(*NEVER_TARGETS, "10.96.0.1/32"))


def a_policy(*destinations: Destination, network: AddressPolicy = NETWORK, mesh: bool = False) -> Json:
    plan = structs.replace(PLAN, network=network, mesh=mesh)
    return network_policy(plan, destinations or (TARGET,), DEFAULTS)


def test_the_operator_and_the_peers_reach_the_control_port_and_nobody_else() -> None:
    policy = a_policy()
    elsewhere = replace(OPERATOR, namespace="shop")
    another = replace(OPERATOR, labels={"app": "other"})
    of_another_run = replace(PEER, labels={**PEER.labels, "x-load-test.dev/run": "2"})

    assert allows_ingress(policy, POD, OPERATOR, 8089)
    assert allows_ingress(policy, POD, PEER, 8089)
    assert not allows_ingress(policy, POD, OPERATOR, 9000)
    for foreign in (elsewhere, another, of_another_run, CLIENTS, OUTSIDE):
        assert not allows_ingress(policy, POD, foreign, 8089)


def test_the_pods_reach_dns_each_other_and_the_target_and_nothing_else() -> None:
    policy = a_policy()
    coredns = ConnectionEnd("10.0.3.0", "kube-system", {"k8s-app": "kube-dns"})

    assert allows_egress(policy, POD, coredns, 53, "UDP")
    assert allows_egress(policy, POD, coredns, 53)
    assert allows_egress(policy, POD, PEER, 8089)
    assert allows_egress(policy, POD, CLIENTS, 8000)
    assert not allows_egress(policy, POD, CLIENTS, 5432)
    assert not allows_egress(policy, POD, replace(CLIENTS, labels={"app": "postgres"}), 8000)
    assert not allows_egress(policy, POD, replace(CLIENTS, namespace="other"), 8000)
    assert not allows_egress(policy, POD, OUTSIDE, 443)
    assert not allows_egress(policy, POD, METADATA, 80)
    assert not allows_egress(policy, POD, OPERATOR, 8080)


def test_a_pod_of_the_target_that_comes_under_load_is_reached_as_the_others_are() -> None:
    late = ConnectionEnd("10.0.9.77", "shop", {"app": "clients", "pod-template-hash": "2"}, {"http": 9000})

    assert allows_egress(a_policy(), POD, late, 8000)
    named = replace(TARGET, ports=("http", 8000))
    assert allows_egress(a_policy(named), POD, late, 9000)


def test_foreign_pods_of_the_namespace_are_left_alone() -> None:
    foreign = ConnectionEnd("10.0.4.0", IDENTITY.namespace, {"app": "unrelated"})

    assert allows_ingress(a_policy(), foreign, OUTSIDE, 80)
    assert allows_egress(a_policy(), foreign, OUTSIDE, 80)


def test_every_place_that_the_test_names_is_reached() -> None:
    login = Destination(namespace="auth", labels={"app": "login"}, ports=(9000,))
    alias = Destination(addresses=("198.51.100.7", "2001:db8::7"), ports=(443,))
    policy = a_policy(TARGET, login, alias)

    assert allows_egress(policy, POD, ConnectionEnd("10.0.5.0", "auth", {"app": "login"}), 9000)
    assert allows_egress(policy, POD, ConnectionEnd("198.51.100.7"), 443)
    assert allows_egress(policy, POD, ConnectionEnd("2001:db8::7"), 443)
    assert not allows_egress(policy, POD, ConnectionEnd("198.51.100.7"), 80)
    assert not allows_egress(policy, POD, ConnectionEnd("198.51.100.8"), 443)


def test_an_address_that_is_denied_is_not_opened_because_a_url_names_it() -> None:
    policy = a_policy(Destination(addresses=("169.254.169.254", "203.0.113.9"), ports=(80,)))

    assert allows_egress(policy, POD, OUTSIDE, 80)
    assert not allows_egress(policy, POD, METADATA, 80)


@pytest.mark.parametrize("denied", ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "10.96.0.1", "224.0.0.1"])
def test_a_name_outside_the_cluster_opens_its_port_but_not_what_is_never_a_target(denied: str) -> None:
    policy = a_policy(Destination(ports=(443,)))

    assert allows_egress(policy, POD, OUTSIDE, 443)
    assert allows_egress(policy, POD, ConnectionEnd("2001:db8::9"), 443)
    assert not allows_egress(policy, POD, OUTSIDE, 80)
    assert not allows_egress(policy, POD, ConnectionEnd(denied), 443)


@pytest.mark.parametrize(("endpoint", "ip"), [("10.0.0.2:443", "10.0.0.2"), ("[2001:db8::2]:443", "2001:db8::2")])
def test_the_api_servers_own_endpoints_stay_closed_at_their_port(endpoint: str, ip: str) -> None:
    network = AddressPolicy(denied=NEVER_TARGETS, denied_endpoints=(endpoint,))

    assert not allows_egress(a_policy(Destination(ports=(443,)), network=network), POD, ConnectionEnd(ip), 443)
    assert allows_egress(a_policy(Destination(ports=(8443,)), network=network), POD, ConnectionEnd(ip), 8443)


def test_a_name_outside_the_cluster_stays_within_the_allowed_networks() -> None:
    network = AddressPolicy(allowed=("203.0.113.0/24", "169.254.0.0/24"), denied=(*NEVER_TARGETS, "203.0.113.128/25"))
    policy = a_policy(Destination(ports=(443,)), network=network)

    assert allows_egress(policy, POD, OUTSIDE, 443)
    assert not allows_egress(policy, POD, ConnectionEnd("203.0.113.200"), 443)
    assert not allows_egress(policy, POD, ConnectionEnd("198.51.100.7"), 443)
    assert not allows_egress(policy, POD, ConnectionEnd("169.254.0.1"), 443)


def test_where_no_network_is_left_nothing_is_opened() -> None:
    network = AddressPolicy(allowed=("169.254.0.0/24",), denied=NEVER_TARGETS)
    policy = a_policy(Destination(ports=(443,)), network=network)

    assert not allows_egress(policy, POD, OUTSIDE, 443)
    assert not allows_egress(policy, POD, METADATA, 443)


def test_only_in_a_mesh_the_proxies_reach_their_control_plane_and_each_other() -> None:
    istiod = ConnectionEnd("10.0.6.0", "istio-system", {"app": "istiod"})

    for meshed in (True, False):
        policy = a_policy(mesh=meshed)
        assert allows_egress(policy, POD, istiod, 15012) is meshed
        assert allows_egress(policy, POD, CLIENTS, 4143) is meshed
        assert not allows_egress(policy, POD, METADATA, 80)


def test_one_rule_stands_for_urls_that_lead_to_the_same_place() -> None:
    assert a_policy(TARGET, TARGET) == a_policy(TARGET)
