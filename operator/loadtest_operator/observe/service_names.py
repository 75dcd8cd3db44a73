"""Which Services the hosts of URLs name, seen from a namespace of this cluster."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from loadtest_operator.facts.endpoints import ServiceHost, service_of

_RESOLVING_SECONDS: Final = 2.0
_NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


async def may_exist(name: str) -> bool:
    """False if DNS says that there is no such name, or none with an address; True also if it gives no answer."""
    try:
        async with asyncio.timeout(_RESOLVING_SECONDS):
            await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return error.errno not in _NO_SUCH_NAME
    except (OSError, UnicodeError):
        return True
    return True


class ServiceNames:
    """The names of Services in a cluster with this domain."""

    def __init__(self, cluster_domain: str, may_exist: Callable[[str], Awaitable[bool]] = may_exist) -> None:
        self._cluster_domain = cluster_domain
        self._may_exist = may_exist

    def service_of(self, url: str, namespace: str) -> ServiceHost | None:
        """The Service that a URL names, or may name, seen from a namespace."""
        return service_of(url, namespace, self._cluster_domain)

    async def may_name_service(self, host: ServiceHost) -> bool:
        """Whether a host may name a Service that cannot be read.

        False for a name outside the cluster that only looks like a Service's, such as `example.com`.
        """
        return host.is_certain or await self._may_exist(f"{host.name}.{host.namespace}.svc.{self._cluster_domain}")
