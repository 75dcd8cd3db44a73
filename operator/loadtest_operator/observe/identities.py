"""What a target is known by: names and addresses that are the same for every spelling of its URL."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from loadtest_model.spec.pod import HostAlias
from loadtest_model.urls import parse_url
from loadtest_operator.cluster.api import ENDPOINT_SLICES, PODS, SERVICES, Api, ApiError
from loadtest_operator.facts.endpoints import selector_of, service_of, slice_selector

Json = dict[str, Any]
Resolve = Callable[[str], Awaitable[frozenset[str]]]

_CACHE_SECONDS: Final = 5.0
_RESOLVING_SECONDS: Final = 2.0
_MOST_ADDRESSES: Final = 8


async def resolve_host(host: str) -> frozenset[str]:
    """The addresses of a host's name; none where it has none, or not in time."""
    try:
        async with asyncio.timeout(_RESOLVING_SECONDS):
            entries = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(str(entry[4][0]) for entry in entries)


class Identities:
    """Targets by what they are known by: `service:NAMESPACE/NAME`, addresses, and names from outside the cluster.

    `namespaces` empty means all. `clock` is monotonic, in seconds. What it found is kept for some seconds, since
    every test in a line asks for those of the others.
    """

    def __init__(
        self,
        api: Api,
        namespaces: tuple[str, ...],
        cluster_domain: str,
        clock: Callable[[], float],
        resolve: Resolve = resolve_host,
    ) -> None:
        self._api = api
        self._namespaces = namespaces
        self._cluster_domain = cluster_domain
        self._clock = clock
        self._resolve = resolve
        self._cache: dict[tuple[str, str, tuple[str, ...]], tuple[float, frozenset[str]]] = {}

    async def identities_of(self, url: str, namespace: str, aliases: Iterable[HostAlias] = ()) -> frozenset[str]:
        """Everything that the target of a URL, seen from a namespace by pods with these aliases, is known by.

        Raises ApiError.
        """
        parts = parse_url(url)
        if parts is None:
            # Whoever named it is told so when it is their turn; it must not keep others from theirs.
            return frozenset()
        host = parts.host
        pinned = tuple(alias.ip for alias in aliases if host in alias.hostnames)
        key = (host, namespace, pinned)
        now = self._clock()
        self._cache = {key: entry for key, entry in self._cache.items() if now - entry[0] < _CACHE_SECONDS}
        if key not in self._cache:
            self._cache[key] = (now, await self._find_identities(url, host, namespace, pinned))
        return self._cache[key][1]

    async def _find_identities(self, url: str, host: str, namespace: str, pinned: tuple[str, ...]) -> frozenset[str]:
        if pinned:
            return frozenset().union(*[await self._of_address(one) for one in map(address_of, pinned) if one])
        service_host = service_of(url, namespace, self._cluster_domain)
        if service_host is not None:
            service = await self._service(service_host.namespace, service_host.name)
            if service is not None or service_host.is_certain:
                return await self._of_service(service_host.namespace, service_host.name, service)
        literal = address_of(host)
        if literal:
            return await self._of_address(literal)
        addresses = sorted({address_of(text) for text in await self._resolve(host)} - {""})[:_MOST_ADDRESSES]
        identities = [await self._of_address(address) for address in addresses]
        return frozenset({f"host:{host}"}).union(*identities)

    async def _of_service(self, namespace: str, name: str, service: Json | None) -> frozenset[str]:
        keys = {f"service:{namespace}/{name}"}
        if service is None:
            return frozenset(keys)
        keys |= {address_of(text) for text in service["spec"].get("clusterIPs") or []}
        for endpoint_slice in await self._list(ENDPOINT_SLICES, namespace, selector=slice_selector(name)):
            keys |= {
                address_of(text) for end in endpoint_slice.get("endpoints") or [] for text in end.get("addresses", [])
            }
        selector = selector_of(service)
        if selector:
            pods = await self._list(PODS, namespace, selector=selector)
            keys |= {address_of(pod.get("status", {}).get("podIP") or "") for pod in pods}
        return frozenset(keys - {""})

    async def _of_address(self, address: str) -> frozenset[str]:
        """An address, and the Services whose own it is or that lead to the pod of it."""
        keys = {address}
        for service in await self._everywhere(SERVICES, f"spec.clusterIP={address}"):
            metadata = service["metadata"]
            keys |= await self._of_service(metadata["namespace"], metadata["name"], service)
        for pod in await self._everywhere(PODS, f"status.podIP={address}"):
            namespace, labels = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
            for service in await self._list(SERVICES, namespace):
                selector = service["spec"].get("selector") or {}
                if selector and selector.items() <= labels.items():
                    keys.add(f"service:{namespace}/{service['metadata']['name']}")
        return frozenset(keys)

    async def _service(self, namespace: str, name: str) -> Json | None:
        try:
            return await self._api.get(SERVICES, namespace, name)
        except ApiError as error:
            if error.is_forbidden:
                return None
            raise

    async def _everywhere(self, kind: str, fields: str) -> list[Json]:
        objects: list[Json] = []
        for namespace in self._namespaces or (None,):
            objects += await self._list(kind, namespace, fields=fields)
        return objects

    async def _list(self, kind: str, namespace: str | None, *, selector: str = "", fields: str = "") -> list[Json]:
        """A list; empty where the operator has no right to it, as in namespaces that it does not watch."""
        try:
            return await self._api.list(kind, namespace, selector, fields=fields)
        except ApiError as error:
            if error.is_forbidden:
                return []
            raise


def address_of(text: str) -> str:
    """An address in its one spelling; empty where the text is none. IPv4 within IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
