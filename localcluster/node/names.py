"""Service names as a hosts file. Pure.

Services of the local cluster behave like headless ones whose port is the target port: a name stands for the
addresses of the ready pods behind it, and a cluster IP leads nowhere. There are no EndpointSlices to read
them from, for the API server refuses loopback addresses in these.
"""

from collections.abc import Iterable, Mapping
from typing import Any

_DOMAIN = "cluster.local"


def selects(selector: Mapping[str, str], pod: Mapping[str, Any]) -> bool:
    """Return whether the pod has every label that the selector names; an empty selector selects nothing."""
    labels = pod["metadata"].get("labels", {})
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Return whether the pod may be sent traffic: Ready, and not on its way out."""
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def service_lines(
    services: Iterable[Mapping[str, Any]],
    pods: Iterable[Mapping[str, Any]],
    nowhere: str,
    namespace: str,
) -> list[str]:
    """Return hosts lines that resolve every Service, as seen from a pod in namespace.

    A Service with a cluster IP and no ready pod resolves to nowhere, an address on which nobody listens, so
    that a connection is refused as it would be in a cluster; a headless one then does not resolve.
    """
    lines: list[str] = []
    members = list(pods)
    for service in sorted(services, key=lambda item: (item["metadata"]["namespace"], item["metadata"]["name"])):
        spec, metadata = service["spec"], service["metadata"]
        selector = spec.get("selector") or {}
        unready_too = bool(spec.get("publishNotReadyAddresses"))
        behind = [
            pod
            for pod in members
            if pod["metadata"]["namespace"] == metadata["namespace"]
            and selects(selector, pod)
            and pod.get("status", {}).get("podIP")
            and (unready_too or is_ready(pod))
        ]
        local = metadata["namespace"] == namespace
        names = _forms(metadata["name"], metadata["namespace"], local)
        addresses = sorted(pod["status"]["podIP"] for pod in behind)
        if not addresses and selector and spec.get("clusterIP") != "None":
            addresses = [nowhere]
        lines.extend(f"{address} {names}" for address in addresses)
        lines.extend(_named_pods(behind, metadata, local))
    return lines


def hosts_file(pod: Mapping[str, Any], pod_ip: str, lines: Iterable[str]) -> str:
    """Return the whole hosts file of a pod: itself, its hostAliases, then the given lines."""
    own = pod["spec"].get("hostname") or pod["metadata"]["name"]
    aliases = [f"{alias['ip']} {' '.join(alias.get('hostnames', []))}" for alias in pod["spec"].get("hostAliases", [])]
    return "\n".join(["127.0.0.1 localhost", f"{pod_ip} {own}", *aliases, *lines, ""])


def _named_pods(behind: Iterable[Mapping[str, Any]], service: Mapping[str, Any], local: bool) -> list[str]:
    lines = []
    for pod in behind:
        host_name = pod["spec"].get("hostname")
        if host_name and pod["spec"].get("subdomain") == service["name"]:
            names = _forms(f"{host_name}.{service['name']}", service["namespace"], local)
            lines.append(f"{pod['status']['podIP']} {names}")
    return sorted(lines)


def _forms(name: str, namespace: str, local: bool) -> str:
    full = f"{name}.{namespace}.svc.{_DOMAIN} {name}.{namespace}.svc {name}.{namespace}"
    return f"{full} {name}" if local else full
