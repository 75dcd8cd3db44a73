"""The NetworkPolicy of a run: the operator and its own kind reach its pods, and these what the test names."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from loadtest_model.plan import AddressPolicy, Plan
from loadtest_model.protocol.commands import CONTROL_PORT
from loadtest_operator.facts.destinations import Destination
from loadtest_operator.facts.names import network_policy_name, run_labels
from loadtest_operator.manifests.common import NO_LABELS, Json, metadata
from loadtest_operator.policy.target_policy import denial_reason

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAMESPACE: Final = "kubernetes.io/metadata.name"
_EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
_DNS: Final = 53
_OPENSHIFT_DNS: Final = 5353
"""Where OpenShift's DNS pods listen; some networks look at a packet after its Service's address was replaced."""


@dataclass(frozen=True)
class NetworkPolicyDefaults:
    """What the installation says of these policies: where the operator is, and in which namespaces meshes run."""

    operator_namespace: str
    operator_labels: dict[str, str] = field(default_factory=dict)
    mesh_namespaces: tuple[str, ...] = ()


def network_policy(
    plan: Plan,
    destinations: tuple[Destination, ...],
    defaults: NetworkPolicyDefaults,
    chosen: Mapping[str, str] = NO_LABELS,
) -> Json:
    """The NetworkPolicy of a run.

    It has selectors rather than addresses wherever it can, so that it fits pods that come while the load runs.
    """
    ours = run_labels(plan.uid, plan.run_id)
    operator = _pods(defaults.operator_namespace, defaults.operator_labels)
    peers: Json = {"podSelector": {"matchLabels": ours}}
    control = [_port(CONTROL_PORT)]
    egress: list[Json] = [
        {"ports": [_port(_DNS, "UDP"), _port(_DNS)]},
        {"to": [{"namespaceSelector": {}}], "ports": [_port(_OPENSHIFT_DNS, "UDP"), _port(_OPENSHIFT_DNS)]},
        {"to": [peers], "ports": control},
    ]
    if plan.mesh and defaults.mesh_namespaces:
        egress.append({"to": [_namespaces(defaults.mesh_namespaces)]})
    egress += [rule for each in destinations for rule in _rules(each, plan.network, plan.mesh)]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(plan, network_policy_name(plan.name, plan.uid, plan.run_id), chosen),
        "spec": {
            "podSelector": {"matchLabels": ours},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [operator, peers], "ports": control}],
            "egress": _distinct(egress),
        },
    }


def _rules(destination: Destination, network: AddressPolicy, meshed: bool) -> list[Json]:
    """The rules that let the pods through to a destination; none if no address of it is allowed."""
    if destination.namespace:
        to = [_pods(destination.namespace, destination.labels)]
    elif destination.addresses:
        addresses = [ipaddress.ip_address(address) for address in destination.addresses]
        # What a URL names is not allowed for that.
        permitted_addresses = [address for address in addresses if not denial_reason(address, network)]
        to = [{"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}} for address in permitted_addresses]
    else:
        to = _blocks(network, destination.ports)
    if not to:
        return []
    if meshed and destination.namespace:
        # A proxy speaks to the other's proxy, at a port that is the mesh's to choose.
        return [{"to": to}]
    return [{"to": to, "ports": [_port(port) for port in destination.ports]} if destination.ports else {"to": to}]


def _blocks(network: AddressPolicy, ports: tuple[int | str, ...]) -> list[Json]:
    """The networks that a test may send to at some ports, without what it never may."""
    denied = [ipaddress.ip_network(block, strict=False) for block in network.denied]
    for endpoint in network.denied_endpoints:
        ip, _, port = endpoint.rpartition(":")
        if int(port) in ports:
            denied.append(ipaddress.ip_network(ip.strip("[]")))
    blocks = []
    for text in network.allowed or _EVERYWHERE:
        block = ipaddress.ip_network(text, strict=False)
        if any(_within(block, other) for other in denied):
            continue
        exceptions = [other for other in denied if _within(other, block)]
        cidr: Json = {"cidr": str(block)}
        if exceptions:
            cidr["except"] = [str(other) for other in _in_order(exceptions)]
        blocks.append({"ipBlock": cidr})
    return blocks


def _in_order(networks: Iterable[Network]) -> list[Network]:
    """Networks of one family in their order, each once."""
    return sorted(set(networks), key=lambda network: (int(network.network_address), network.prefixlen))


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _pods(namespace: str, labels: dict[str, str]) -> Json:
    return {**_namespaces((namespace,)), "podSelector": {"matchLabels": labels} if labels else {}}


def _namespaces(names: tuple[str, ...]) -> Json:
    if len(names) == 1:
        return {"namespaceSelector": {"matchLabels": {_NAMESPACE: names[0]}}}
    among = {"key": _NAMESPACE, "operator": "In", "values": list(names)}
    return {"namespaceSelector": {"matchExpressions": [among]}}


def _port(port: int | str, protocol: str = "TCP") -> Json:
    return {"protocol": protocol, "port": port}


def _distinct(rules: list[Json]) -> list[Json]:
    return [rule for number, rule in enumerate(rules) if rule not in rules[:number]]
