"""What a target is known by: names and addresses that are the same for every spelling of its URL."""

import asyncio
import ipaddress
import math
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from loadtest_model.spec.pod import HostAlias
from loadtest_model.urls import parse_url
from loadtest_operator.cluster.api import ENDPOINT_SLICES, PODS, SERVICES, Api, ApiError
from loadtest_operator.facts.endpoints import selector_of, service_of, slice_selector

Json = dict[str, Any]
Resolve = Callable[[str], Awaitable[frozenset[str]]]
_Key = tuple[str, str, tuple[str, ...]]

_RESOLVING_SECONDS: Final = 2.0
_MOST_ADDRESSES: Final = 8


async def resolve_host(host: str) -> frozenset[str]:
    """The addresses of a host's name; none if it has none, or not in time."""
    try:
        async with asyncio.timeout(_RESOLVING_SECONDS):
            entries = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(str(entry[4][0]) for entry in entries)


class Identities:
    """Targets by what they are known by: `service:NAMESPACE/NAME`, addresses, and names from outside the cluster.

    `namespaces` empty means all. `clock` is monotonic, in seconds. What was found is remembered, since all tests in a
    line ask for the same few targets.
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
        self._cache: dict[_Key, tuple[float, frozenset[str]]] = {}

    async def identities_of(self, url: str, namespace: str, aliases: Iterable[HostAlias] = ()) -> frozenset[str]:
        """Everything that the target of a URL, seen from a namespace by pods with these aliases, is known by now.

        Raises ApiError.
        """
        key = _key_of(url, namespace, aliases)
        if key is None:
            # Whoever named it is told so when it is their turn; it must not keep others from theirs.
            return frozenset()
        host, _, pinned = key
        now = self._clock()
        identities = await self._find_identities(url, host, namespace, pinned)
        self._cache[key] = now, identities
        return identities

    def last_known(self, url: str, namespace: str, aliases: Iterable[HostAlias] = ()) -> frozenset[str] | None:
        """The same as it was found last; None if it was never looked for."""
        key = _key_of(url, namespace, aliases)
        return frozenset() if key is None else self._cache.get(key, (0.0, None))[1]

    def age_seconds(self, url: str, namespace: str, aliases: Iterable[HostAlias] = ()) -> float:
        """How long ago they were found; infinite if they were never looked for."""
        key = _key_of(url, namespace, aliases)
        return 0.0 if key is None else self._clock() - self._cache.get(key, (-math.inf, frozenset()))[0]

    def forget_old(self, max_age_seconds: float) -> None:
        """Remember nothing that was found longer ago."""
        oldest = self._clock() - max_age_seconds
        self._cache = {key: entry for key, entry in self._cache.items() if entry[0] > oldest}

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
        """A list; empty if the operator has no right to it, as in namespaces that it does not watch."""
        try:
            return await self._api.list(kind, namespace, selector, fields=fields)
        except ApiError as error:
            if error.is_forbidden:
                return []
            raise


def _key_of(url: str, namespace: str, aliases: Iterable[HostAlias]) -> _Key | None:
    """What the identities of a URL's host depend on; None if it has none."""
    parts = parse_url(url)
    if parts is None:
        return None
    return parts.host, namespace, tuple(alias.ip for alias in aliases if parts.host in alias.hostnames)


def address_of(text: str) -> str:
    """An address in its one spelling; empty if the text is none. IPv4 within IPv6 is IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
