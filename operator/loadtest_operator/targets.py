"""Looking at the target through the API server: what stands behind its URL."""

import logging
from typing import Any, Final

from loadtest_operator.api import ENDPOINT_SLICES, PODS, SERVICES, Api, ApiError
from loadtest_operator.endpoints import (
    API_SERVER,
    Endpoints,
    endpoints_in,
    endpoints_of,
    missing_service,
    selector_of,
    service_of,
    slice_of_pods,
)
from loadtest_operator.observation import LoadTestSeen

_LOG: Final = logging.getLogger(__name__)

Json = dict[str, Any]


class TargetReader:
    """Reads what belongs to the targets of tests."""

    def __init__(self, api: Api, cluster_domain: str) -> None:
        self._api = api
        self._cluster_domain = cluster_domain

    async def api_server(self) -> tuple[str, ...]:
        """The API server's own endpoints; none where the right to read them is missing.

        Raises ApiError.
        """
        namespace, name = API_SERVER
        try:
            return endpoints_in(await self._api.list(ENDPOINT_SLICES, namespace, f"kubernetes.io/service-name={name}"))
        except ApiError as error:
            if error.status == 403:
                return ()
            raise

    async def endpoints(self, test: LoadTestSeen) -> Endpoints:
        """What is behind the target's URL, as it is now.

        Raises ApiError.
        """
        if test.spec is None:
            return Endpoints()
        host = service_of(test.spec.target.url, test.identity.namespace, self._cluster_domain)
        if host is None:
            return Endpoints()
        try:
            service = await self._api.get(SERVICES, host.namespace, host.name)
            if service is None:
                return missing_service(host) if host.certain else Endpoints()
            selector = f"kubernetes.io/service-name={host.name}"
            slices = await self._api.list(ENDPOINT_SLICES, host.namespace, selector)
            if not slices and selector_of(service):
                pods = await self._api.list(PODS, host.namespace, selector_of(service))
                slices = [slice_of_pods(service, pods)]
        except ApiError as error:
            if error.status == 403:
                # Without the right to look there, the pods resolve the name themselves.
                return Endpoints()
            raise
        return endpoints_of(host, service, slices)

    async def endpoints_under_load(self, test: LoadTestSeen) -> Endpoints | None:
        """The same, where it can be read: a running test must not wait for it."""
        try:
            return await self.endpoints(test)
        except ApiError as error:
            _LOG.warning("%s: the target's endpoints were not read: %s", test.identity, error)
            return None
