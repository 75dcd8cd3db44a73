"""What a NetworkPolicy lets through, as Kubernetes defines it: a policy's ports and peers, selectors and blocks."""

import ipaddress
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class ConnectionEnd:
    """One end of a connection. Outside of the cluster there is an address and nothing else."""

    ip: str = "192.0.2.1"
    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    """The names that its ports have."""


def allows_ingress(policy: Json, pod: ConnectionEnd, source: ConnectionEnd, port: int, protocol: str = "TCP") -> bool:
    """Whether a pod may be connected to; one that the policy does not select may be by anyone."""
    if not _governs(policy, pod, "Ingress"):
        return True
    rules = policy["spec"].get("ingress", [])
    return any(_has_port(rule, pod, port, protocol) and _has_peer(policy, rule.get("from"), source) for rule in rules)


def allows_egress(policy: Json, pod: ConnectionEnd, target: ConnectionEnd, port: int, protocol: str = "TCP") -> bool:
    """Whether a pod may connect to somewhere; one that the policy does not select may to anywhere."""
    if not _governs(policy, pod, "Egress"):
        return True
    rules = policy["spec"].get("egress", [])
    return any(_has_port(rule, target, port, protocol) and _has_peer(policy, rule.get("to"), target) for rule in rules)


def _governs(policy: Json, pod: ConnectionEnd, kind: str) -> bool:
    spec = policy["spec"]
    in_namespace = pod.namespace == policy["metadata"]["namespace"]
    return in_namespace and kind in spec["policyTypes"] and _selects(spec["podSelector"], pod.labels)


def _has_port(rule: Json, listener: ConnectionEnd, port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return not ports or any(_is_port(entry, listener, port, protocol) for entry in ports)


def _has_peer(policy: Json, peers: list[Json] | None, peer: ConnectionEnd) -> bool:
    return not peers or any(_is_peer(policy, entry, peer) for entry in peers)


def _is_port(entry: Json, listener: ConnectionEnd, port: int, protocol: str) -> bool:
    policy_port = entry.get("port")
    number = listener.ports.get(policy_port) if isinstance(policy_port, str) else policy_port
    return entry.get("protocol", "TCP") == protocol and (policy_port is None or number == port)


def _is_peer(policy: Json, entry: Json, peer: ConnectionEnd) -> bool:
    if "ipBlock" in entry:
        block, address = entry["ipBlock"], ipaddress.ip_address(peer.ip)
        is_inside = address in ipaddress.ip_network(block["cidr"])
        return is_inside and not any(
            address in ipaddress.ip_network(exception) for exception in block.get("except", [])
        )
    if not peer.namespace:
        return False
    if "namespaceSelector" in entry:
        if not _selects(entry["namespaceSelector"], {"kubernetes.io/metadata.name": peer.namespace}):
            return False
    elif peer.namespace != policy["metadata"]["namespace"]:
        return False
    return _selects(entry.get("podSelector", {}), peer.labels)


def _selects(selector: Json, labels: dict[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_is_fulfilled(requirement, labels) for requirement in selector.get("matchExpressions", []))


def _is_fulfilled(requirement: Json, labels: dict[str, str]) -> bool:
    assert requirement["operator"] == "In"
    return labels.get(requirement["key"]) in requirement["values"]
