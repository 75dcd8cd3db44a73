"""Where the URLs of a test lead, as a NetworkPolicy and a scheduler can say it: by selectors, else by addresses."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from loadtest_model.spec.pod import HostAlias
from loadtest_model.urls import parse_url
from loadtest_operator.facts.endpoints import Endpoints, ServiceHost

Json = dict[str, Any]


@dataclass(frozen=True)
class Destination:
    """One of the places that the pods of a test connect to.

    Pods with `labels` in `namespace` (all of its pods where there are none), or `addresses`; with neither, it may be
    anywhere. `ports` are numbers or names of ports as the pods have them; empty means any.
    """

    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    ports: tuple[int | str, ...] = ()


@dataclass(frozen=True)
class Destinations:
    """Where all URLs of a test lead, the target's first, and why one beside the target's must not lead there."""

    places: tuple[Destination, ...] = ()
    problem: Endpoints | None = None


def fixed_destination(url: str, aliases: Iterable[HostAlias]) -> Destination | None:
    """Where a URL leads whose host is an address, or a name that the spec itself resolves; None for another."""
    parts = parse_url(url)
    if parts is None:
        return None
    alias_addresses = tuple(alias.ip for alias in aliases if parts.host in alias.hostnames)
    if alias_addresses:
        return Destination(addresses=alias_addresses, ports=(parts.port,))
    try:
        address = ipaddress.ip_address(parts.host)
    except ValueError:
        return None
    return Destination(addresses=(str(address),), ports=(parts.port,))


def unresolved_destination(url: str) -> Destination:
    """Where a URL leads whose host is a name that only the pods will resolve."""
    parts = parse_url(url)
    return Destination(ports=(parts.port,) if parts else ())


def service_destination(host: ServiceHost, service: Json, slices: list[Json]) -> Destination:
    """The pods behind a Service's port; where it has no selector, its endpoints' addresses."""
    spec = service.get("spec", {})
    declared = next((port for port in spec.get("ports", []) if port["port"] == host.port), None)
    slice_ports = tuple(
        sorted(
            {
                port["port"]
                for endpoint_slice in slices
                for port in endpoint_slice.get("ports") or []
                if port.get("port") is not None
                and (declared is None or (port.get("name") or "") == declared.get("name", ""))
            }
        )
    )
    target_ports = [] if declared is None else [declared.get("targetPort", declared["port"])]
    if spec.get("clusterIP") == "None" or declared is None:
        # Who resolves a headless Service's name connects to its pods at the port that the URL names.
        target_ports.append(host.port)
    ports: tuple[int | str, ...] = tuple(dict.fromkeys((*target_ports, *slice_ports)))
    if spec.get("selector"):
        return Destination(namespace=host.namespace, labels=dict(spec["selector"]), ports=ports)
    addresses = {
        address
        for endpoint_slice in slices
        if endpoint_slice.get("addressType") != "FQDN"
        for endpoint in endpoint_slice.get("endpoints") or []
        for address in endpoint.get("addresses", [])
    }
    return Destination(namespace="" if addresses else host.namespace, addresses=tuple(sorted(addresses)), ports=ports)
