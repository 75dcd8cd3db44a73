"""Where Services lead: from the address and port of each to the endpoints behind it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from localcluster.node.names import is_ready, is_serving, selects

SocketAddress = tuple[str, int]
"""An address and a port."""
Routes = dict[SocketAddress, tuple[SocketAddress, ...]]


def service_routes(services: Iterable[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]]) -> Routes:
    """Return the endpoints of each TCP port of each Service that has a cluster IP and a selector.

    pods are those that are not over. The endpoints are those that kube-proxy would choose among: the ready ones;
    where there are none, those that still serve while they end; often none.
    """
    routes: Routes = {}
    for service in services:
        spec, namespace = service["spec"], service["metadata"]["namespace"]
        if spec.get("clusterIP") in {None, "", "None"} or not spec.get("selector"):
            continue
        selected = [
            pod
            for pod in pods
            if pod["metadata"]["namespace"] == namespace
            and selects(spec["selector"], pod)
            and pod.get("status", {}).get("podIP")
        ]
        serving = selected if spec.get("publishNotReadyAddresses") else [pod for pod in selected if is_ready(pod)]
        serving = serving or [pod for pod in selected if is_serving(pod)]
        for port in spec.get("ports", ()):
            if port.get("protocol", "TCP") == "TCP":
                target = port.get("targetPort", port["port"])
                endpoints = [
                    (pod["status"]["podIP"], number) for pod in serving for number in port_numbers(pod, target)
                ]
                routes[spec["clusterIP"], int(port["port"])] = tuple(sorted(endpoints))
    return routes


def port_numbers(pod: Mapping[str, Any], target: int | str) -> list[int]:
    """Return the number of a target port of the pod; none if no container has a port of that name."""
    if isinstance(target, int):
        return [target]
    containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())]
    ports = [port for container in containers for port in container.get("ports", ()) if port.get("name") == target]
    return [int(port["containerPort"]) for port in ports[:1]]
