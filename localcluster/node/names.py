"""Service names as a hosts file: the whole DNS of the local cluster. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

_DOMAIN = "cluster.local"


def selects(selector: Mapping[str, str], pod: Mapping[str, Any]) -> bool:
    """Return whether the pod has every label that the selector names; an empty selector selects nothing."""
    labels = pod["metadata"].get("labels", {})
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def is_serving(pod: Mapping[str, Any]) -> bool:
    """Return whether the pod is Ready, which it may be on its way out too."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Return whether the pod may be sent traffic: Ready, and not on its way out."""
    return is_serving(pod) and "deletionTimestamp" not in pod["metadata"]


def service_lines(
    services: Iterable[Mapping[str, Any]],
    pods: Iterable[Mapping[str, Any]],
    namespace: str,
) -> list[str]:
    """Return hosts lines that resolve every Service, as seen from a pod in namespace.

    A name stands for the Service's cluster IP, whether or not a pod is ready; a headless one's for its ready pods.
    """
    lines: list[str] = []
    all_pods = list(pods)
    for service in sorted(services, key=lambda item: (item["metadata"]["namespace"], item["metadata"]["name"])):
        spec, metadata = service["spec"], service["metadata"]
        selector = spec.get("selector") or {}
        includes_unready = bool(spec.get("publishNotReadyAddresses"))
        selected = [
            pod
            for pod in all_pods
            if pod["metadata"]["namespace"] == metadata["namespace"]
            and selects(selector, pod)
            and pod.get("status", {}).get("podIP")
            and (includes_unready or is_ready(pod))
        ]
        is_local = metadata["namespace"] == namespace
        names = _forms(metadata["name"], metadata["namespace"], is_local)
        if spec.get("clusterIP") in {None, "", "None"}:
            addresses = sorted(pod["status"]["podIP"] for pod in selected)
        else:
            addresses = [spec["clusterIP"]]
        lines.extend(f"{address} {names}" for address in addresses)
        lines.extend(_pod_name_lines(selected, metadata, is_local))
    return lines


def resolver_settings(namespace: str) -> str:
    """Return a resolv.conf as pods have it, for programs that read it, but for the server: there is none to ask."""
    return f"search {namespace}.svc.{_DOMAIN} svc.{_DOMAIN} {_DOMAIN}\noptions ndots:5\n"


def hosts_file(pod: Mapping[str, Any], pod_ip: str, lines: Iterable[str]) -> str:
    """Return the whole hosts file of a pod: itself, its hostAliases, then the given lines."""
    host_name = pod["spec"].get("hostname") or pod["metadata"]["name"]
    aliases = [f"{alias['ip']} {' '.join(alias.get('hostnames', []))}" for alias in pod["spec"].get("hostAliases", [])]
    return "\n".join(["127.0.0.1 localhost", f"{pod_ip} {host_name}", *aliases, *lines, ""])


def _pod_name_lines(selected: Iterable[Mapping[str, Any]], service: Mapping[str, Any], is_local: bool) -> list[str]:
    lines = []
    for pod in selected:
        host_name = pod["spec"].get("hostname")
        if host_name and pod["spec"].get("subdomain") == service["name"]:
            names = _forms(f"{host_name}.{service['name']}", service["namespace"], is_local)
            lines.append(f"{pod['status']['podIP']} {names}")
    return sorted(lines)


def _forms(name: str, namespace: str, is_local: bool) -> str:
    """Return what the name may be written as: each form that the search list completes, and the whole one."""
    full_name = f"{name}.{namespace}.svc.{_DOMAIN}"
    forms = f"{full_name} {full_name}. {name}.{namespace}.svc {name}.{namespace}"
    return f"{forms} {name}" if is_local else forms
