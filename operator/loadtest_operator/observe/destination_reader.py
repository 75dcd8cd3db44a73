"""Looking up where the URLs of a test lead: which pods stand behind them, or which addresses."""

from typing import Any

from loadtest_operator.cluster.api import ENDPOINT_SLICES, SERVICES, Api, ApiError
from loadtest_operator.facts.destinations import Destination, anywhere, behind_service, fixed
from loadtest_operator.facts.endpoints import ServiceHost, service_of, slices_of
from loadtest_operator.facts.observation import LoadTestSeen
from loadtest_operator.policy.target_policy import urls_of

Json = dict[str, Any]


class DestinationReader:
    """Reads the Services that tests name."""

    def __init__(self, api: Api, cluster_domain: str) -> None:
        self._api = api
        self._cluster_domain = cluster_domain

    async def destinations(self, test: LoadTestSeen) -> tuple[Destination, ...]:
        """Where every URL of a test leads; the target's own is the first.

        Raises ApiError.
        """
        if test.spec is None:
            return ()
        aliases = test.spec.pod.host_aliases or ()
        found: list[Destination] = []
        for url in dict.fromkeys(url for _, url in urls_of(test.spec)):
            known = fixed(url, aliases)
            if known is not None:
                found.append(known)
                continue
            host = service_of(url, test.identity.namespace, self._cluster_domain)
            found += [anywhere(url)] if host is None else await self._behind(url, host)
        return tuple(found)

    async def _behind(self, url: str, host: ServiceHost) -> list[Destination]:
        try:
            service = await self._api.get(SERVICES, host.namespace, host.name)
            if service is None or service.get("spec", {}).get("type") == "ExternalName":
                return [anywhere(url)]
            slices = await self._api.list(ENDPOINT_SLICES, host.namespace, slices_of(host.name))
        except ApiError as error:
            if not error.is_forbidden:
                raise
            # Which pods they are is not to be seen there, so it may be any of them.
            whole = Destination(namespace=host.namespace)
            return [whole] if host.certain else [whole, anywhere(url)]
        return [behind_service(host, service, slices)]
