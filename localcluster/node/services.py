"""Where Services lead: from the address and port of each to the endpoints behind it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from localcluster.node.names import is_ready, is_serving, selects

Place = tuple[str, int]
"""An address and a port."""
Routes = dict[Place, tuple[Place, ...]]


def routes(services: Iterable[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]]) -> Routes:
    """Return the endpoints of each TCP port of each Service that has a cluster IP and a selector.

    pods are those that are not over. The endpoints are those that kube-proxy would choose among: the ready ones;
    where there are none, those that still serve while they end; often none.
    """
    found: Routes = {}
    for service in services:
        spec, namespace = service["spec"], service["metadata"]["namespace"]
        if spec.get("clusterIP") in {None, "", "None"} or not spec.get("selector"):
            continue
        behind = [
            pod
            for pod in pods
            if pod["metadata"]["namespace"] == namespace
            and selects(spec["selector"], pod)
            and pod.get("status", {}).get("podIP")
        ]
        chosen = behind if spec.get("publishNotReadyAddresses") else [pod for pod in behind if is_ready(pod)]
        chosen = chosen or [pod for pod in behind if is_serving(pod)]
        for port in spec.get("ports", ()):
            if port.get("protocol", "TCP") == "TCP":
                target = port.get("targetPort", port["port"])
                ends = [(pod["status"]["podIP"], number) for pod in chosen for number in port_numbers(pod, target)]
                found[spec["clusterIP"], int(port["port"])] = tuple(sorted(ends))
    return found


def port_numbers(pod: Mapping[str, Any], target: int | str) -> list[int]:
    """Return the number of a target port of the pod; none where no container has a port of that name."""
    if isinstance(target, int):
        return [target]
    containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())]
    named = [port for one in containers for port in one.get("ports", ()) if port.get("name") == target]
    return [int(port["containerPort"]) for port in named[:1]]
