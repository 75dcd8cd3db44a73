"""Which addresses stand for a target's URL: those of a Service of this cluster, or whatever its name resolves to."""

import ipaddress
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from loadtest_model.reasons import Reason
from loadtest_model.urls import parse_url
from loadtest_operator.facts.pods import has_ended, is_ready

Json = dict[str, Any]

API_SERVER: Final = ("default", "kubernetes")
TARGET_FIELD: Final = "spec.target.url"
_TELLING: Final = frozenset(
    {
        Reason.ServiceNotFound,
        Reason.ServicePortMissing,
        Reason.ExternalNameRefused,
        Reason.TargetHasNoEndpoints,
    }
)
"""The problems that tell what is in a Service's namespace."""


@dataclass(frozen=True)
class ServiceHost:
    """A host that names, or may name, a Service.

    Where `is_certain` is false it may also be a name outside the cluster.
    """

    namespace: str
    name: str
    port: int
    is_certain: bool


@dataclass(frozen=True)
class Endpoints:
    """What a Service offers for a port.

    `addresses` are the ready endpoints as `ip:port`, `unready_addresses` those that are there and neither ready nor on
    their way out, `draining_addresses` those on their way out that still serve. If there is a `problem`, a `message`
    tells of it; a `is_lasting` one is not mended by waiting. `may_be_hidden` says that there may be endpoints which the
    operator may not read.
    """

    addresses: tuple[str, ...] = ()
    unready_addresses: tuple[str, ...] = ()
    draining_addresses: tuple[str, ...] = ()
    problem: Reason | None = None
    message: str = ""
    is_lasting: bool = False
    may_be_hidden: bool = False


def service_of(url: str, namespace: str, cluster_domain: str) -> ServiceHost | None:
    """The Service that a URL's host names, seen from a namespace.

    None for an address, for a name outside the cluster, and for what is no URL.
    """
    parts = parse_url(url)
    if parts is None or parts.host == "localhost" or _is_address(parts.host):
        return None
    host, port, labels = parts.host, parts.port, parts.host.split(".")
    if not all(labels):
        return None
    for suffix in (["svc", *cluster_domain.split(".")], ["svc"]):
        if len(labels) == len(suffix) + 2 and labels[2:] == suffix:
            return ServiceHost(labels[1], labels[0], port, is_certain=True)
    if len(labels) == 1:
        return ServiceHost(namespace, host, port, is_certain=True)
    if len(labels) == 2:
        return ServiceHost(labels[1], labels[0], port, is_certain=False)
    return None


def host_problem(host: ServiceHost, service: Json, field: str = TARGET_FIELD) -> Endpoints | None:
    """Why the URL in a field of the spec must not lead to a Service, whichever URL it is; None if it may."""
    where = f"Service {host.namespace}/{host.name}"
    if (host.namespace, host.name) == API_SERVER:
        return Endpoints(
            problem=Reason.AddressNotAllowed,
            message=f"{where} is the API server, which is never a target; correct the host in {field}",
            is_lasting=True,
        )
    spec = service.get("spec", {})
    if spec.get("type") == "ExternalName":
        itself = "the target itself" if field == TARGET_FIELD else "the host itself"
        return Endpoints(
            problem=Reason.ExternalNameRefused,
            message=f"{where} is of type ExternalName, which may point anywhere; name {itself} in {field}",
            is_lasting=True,
        )
    declared = [port["port"] for port in spec.get("ports", [])]
    if host.port not in declared and spec.get("clusterIP") != "None":
        port_list = ", ".join(str(port) for port in sorted(declared)) or "none"
        return Endpoints(
            problem=Reason.ServicePortMissing,
            message=f"{where} has no port {host.port} (it has: {port_list}); correct the port in {field}",
            is_lasting=True,
        )
    return None


def concealed(problem: Endpoints, host: ServiceHost, namespace: str, field: str = TARGET_FIELD) -> Endpoints:
    """What a test in a namespace is told of a problem with a Service.

    The operator sees Services that the test's author may not be allowed to read, and it cannot ask whether that is so.
    Of another namespace's Service it therefore gives one answer, whatever the problem is, and gives it equally late.
    """
    if problem.problem not in _TELLING or host.namespace == namespace:
        return problem
    return Endpoints(
        problem=Reason.ServiceNotUsable,
        message=f"Service {host.namespace}/{host.name} cannot be used at port {host.port}: it does not exist, has no"
        " such port or no ready endpoint, or is of type ExternalName; which of these is for those who may read"
        f" namespace {host.namespace}; correct {field}, or have the Service mended",
    )


def endpoints_of(host: ServiceHost, service: Json, slices: list[Json]) -> Endpoints:
    """The ready endpoints behind a Service's port, from the Service and its EndpointSlices as JSON."""
    where = f"Service {host.namespace}/{host.name}"
    problem = host_problem(host, service)
    if problem is not None:
        return problem
    declared = {port["port"]: port.get("name", "") for port in service.get("spec", {}).get("ports", [])}
    addresses_by_stage: dict[_Stage, set[str]] = {stage: set() for stage in _Stage}
    for endpoint_slice in slices:
        for address, stage in _addresses_by_readiness(endpoint_slice, declared.get(host.port), host.port):
            addresses_by_stage[stage].add(address)
    ready = addresses_by_stage[_Stage.READY]
    unready = tuple(sorted(addresses_by_stage[_Stage.UNREADY] - ready))
    draining = tuple(sorted(addresses_by_stage[_Stage.DRAINING] - ready - addresses_by_stage[_Stage.UNREADY]))
    if not ready:
        return Endpoints(
            unready_addresses=unready,
            draining_addresses=draining,
            problem=Reason.TargetHasNoEndpoints,
            message=f"{where} has no ready endpoint for port {host.port}; check that its pods run and are ready",
        )
    return Endpoints(tuple(sorted(ready)), unready, draining)


def observed_endpoints(host: ServiceHost, service: Json | None, slices: list[Json], pods: list[Json]) -> Endpoints:
    """The same where the Service may be missing, and from the pods that it selects where it has no slice."""
    if service is None:
        return missing_service(host) if host.is_certain else Endpoints()
    if not slices and selector_of(service):
        slices = [slice_of_pods(service, pods)]
    return endpoints_of(host, service, slices)


def all_addresses(slices: list[Json]) -> tuple[str, ...]:
    """Every address in EndpointSlices with each port, as `ip:port`, ready or not."""
    return tuple(
        sorted(
            _address_with_port(address, port["port"])
            for endpoint_slice in slices
            if endpoint_slice.get("addressType") != "FQDN"
            for endpoint in endpoint_slice.get("endpoints") or []
            for address in endpoint.get("addresses", [])
            for port in endpoint_slice.get("ports") or []
            if port.get("port") is not None
        )
    )


def service_addresses(service: Json) -> tuple[str, ...]:
    """The cluster's own addresses of a Service with each of its ports, as `ip:port`."""
    spec = service.get("spec", {})
    ips = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return tuple(
        _address_with_port(ip, port["port"]) for ip in ips if ip and ip != "None" for port in spec.get("ports", [])
    )


def slice_of_pods(service: Json, pods: list[Json]) -> Json:
    """What an EndpointSlice of a Service says, made from the pods that its selector selects as its controller does.

    For a Service of which nobody has written one yet, or can: the API server takes no loopback addresses there.
    """
    endpoints = [
        {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {
                "ready": is_ready(pod) and "deletionTimestamp" not in pod["metadata"],
                "serving": is_ready(pod),
                "terminating": "deletionTimestamp" in pod["metadata"],
            },
        }
        for pod in pods
        if pod.get("status", {}).get("podIP") and not has_ended(pod)
    ]
    ports = [
        {"name": port.get("name", ""), "port": _target_port(port, pods)} for port in service["spec"].get("ports", [])
    ]
    return {"endpoints": endpoints, "ports": ports}


def slice_selector(service_name: str) -> str:
    """Selects the EndpointSlices of a Service."""
    return f"kubernetes.io/service-name={service_name}"


def selector_of(service: Json) -> str:
    """A Service's selector in the form that a list takes; empty if it selects nothing."""
    selector = service.get("spec", {}).get("selector") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


def missing_service(host: ServiceHost, field: str = TARGET_FIELD) -> Endpoints:
    """What to say of a host that certainly names a Service, where there is none of that name."""
    return Endpoints(
        problem=Reason.ServiceNotFound,
        message=f"there is no Service {host.namespace}/{host.name}; correct the host in {field} or create the Service",
    )


def unreadable_service(host: ServiceHost, refusal: str, field: str) -> Endpoints:
    """What to say of a Service beside the target that the operator may not read, as the API server's `refusal` says."""
    return Endpoints(
        problem=Reason.EndpointsNotReadable,
        message=f"the operator may not read Service {host.namespace}/{host.name}, which {field} names ({refusal}), so"
        " it cannot rule out the type ExternalName, which may point anywhere; have it given a Role in namespace"
        f" {host.namespace} to get, list and watch services, pods and endpointslices (watch.targetNamespaces in the"
        " operator's values makes one), or set spec.verification.unreadableEndpoints to Accept",
    )


def unreadable_endpoints(host: ServiceHost, refusal: str) -> Endpoints:
    """What to say of a Service whose endpoints the operator may not read, as the API server `refusal`."""
    return Endpoints(
        problem=Reason.EndpointsNotReadable,
        message=f"the operator may not read the endpoints behind Service {host.namespace}/{host.name} ({refusal}), so"
        " it could have the Service's own address proven, and not each endpoint; have it given a Role in namespace"
        f" {host.namespace} to get, list and watch services, pods and endpointslices (watch.targetNamespaces in the"
        " operator's values makes one), or set spec.verification.unreadableEndpoints to Accept, which lowers the claim",
        may_be_hidden=True,
    )


class _Stage(Enum):
    """Where an endpoint stands."""

    READY = "ready"
    UNREADY = "unready"
    DRAINING = "draining"


def _addresses_by_readiness(
    endpoint_slice: Json, port_name: str | None, fallback_port: int
) -> list[tuple[str, _Stage]]:
    """The addresses of endpoints, and where each stands; without those on their way out that serve no more."""
    ports = {port.get("name") or "": port.get("port") for port in endpoint_slice.get("ports") or []}
    port = fallback_port if port_name is None else ports.get(port_name)
    if port is None or endpoint_slice.get("addressType") == "FQDN":
        # A slice of names may point anywhere, just as an ExternalName may.
        return []
    addresses = []
    for endpoint in endpoint_slice.get("endpoints") or []:
        stage = _stage(endpoint.get("conditions") or {})
        if stage is not None:
            addresses += [(_address_with_port(address, port), stage) for address in endpoint.get("addresses", [])]
    return addresses


def _stage(conditions: Json) -> _Stage | None:
    """Where an endpoint stands; None if it is on its way out and serves no more."""
    # The API says of `ready`: an absent value means ready.
    if conditions.get("ready") is not False:
        return _Stage.READY
    if not conditions.get("terminating"):
        return _Stage.UNREADY
    return _Stage.DRAINING if conditions.get("serving") else None


def _target_port(port: Json, pods: list[Json]) -> int | None:
    """A Service port's number in its pods; a named one is looked for in the first pod that declares it."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    for pod in pods:
        for container in pod["spec"]["containers"]:
            for declared in container.get("ports") or []:
                if declared.get("name") == target:
                    return int(declared["containerPort"])
    return None


def _address_with_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
