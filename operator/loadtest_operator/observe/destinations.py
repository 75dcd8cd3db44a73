"""Reading where the pods of a test connect to: the Services that the URLs of its spec name."""

from functools import partial
from typing import Any

from loadtest_model.spec import Spec
from loadtest_model.spec.verification import UnreadableEndpoints
from loadtest_operator.cluster.api import ENDPOINT_SLICES, SERVICES, Api, ApiError
from loadtest_operator.facts.destinations import (
    Destination,
    Destinations,
    fixed_destination,
    service_destination,
    unresolved_destination,
)
from loadtest_operator.facts.endpoints import (
    TARGET_FIELD,
    Endpoints,
    ServiceHost,
    concealed,
    host_problem,
    missing_service,
    slice_selector,
    unreadable_service,
)
from loadtest_operator.facts.observation import ObservedTest
from loadtest_operator.observe.refusals import RefusalWatch
from loadtest_operator.observe.service_names import ServiceNames
from loadtest_operator.policy.target_policy import urls_of

Json = dict[str, Any]


class DestinationReader:
    """Reads the Services that the URLs of tests name."""

    def __init__(self, api: Api, names: ServiceNames, refusals: RefusalWatch) -> None:
        self._api = api
        self._names = names
        self._refusals = refusals

    async def destinations(self, test: ObservedTest) -> Destinations:
        """Where every URL of a test leads; the target's own is the first.

        The rules for the target's host hold for each other URL as well: what they find is the `problem`.
        Raises ApiError.
        """
        if test.spec is None:
            return Destinations()
        aliases = test.spec.pod.host_aliases or ()
        places: list[Destination] = []
        problem: Endpoints | None = None
        fields_by_url: dict[str, str] = {}
        for field, url in urls_of(test.spec):
            fields_by_url.setdefault(url, field)
        for url, field in fields_by_url.items():
            fixed = fixed_destination(url, aliases)
            if fixed is not None:
                places.append(fixed)
                continue
            host = self._names.service_of(url, test.identity.namespace)
            if host is None:
                places.append(unresolved_destination(url))
                continue
            behind, obstacle = await self._behind(test.spec, url, host, field)
            places += behind
            if obstacle is not None and field != TARGET_FIELD:
                problem = problem or concealed(obstacle, host, test.identity.namespace, field)
        return Destinations(tuple(places), problem)

    async def _behind(
        self, spec: Spec, url: str, host: ServiceHost, field: str
    ) -> tuple[list[Destination], Endpoints | None]:
        """Where a URL leads that names, or may name, a Service, and why it must not."""
        try:
            read = partial(self._api.get, SERVICES, host.namespace, host.name)
            service = await self._refusals.read((host, SERVICES), read)
        except ApiError as error:
            if not error.is_forbidden:
                raise
            obstacle = await self._unreadable(spec, host, error, field)
            # Which pods they are is not to be seen there, so it may be any of them.
            whole = Destination(namespace=host.namespace)
            return [whole] if host.is_certain else [whole, unresolved_destination(url)], obstacle
        if service is None:
            return [unresolved_destination(url)], missing_service(host, field) if host.is_certain else None
        obstacle = host_problem(host, service, field)
        if obstacle is not None:
            return [], obstacle
        try:
            read_slices = partial(self._api.list, ENDPOINT_SLICES, host.namespace, slice_selector(host.name))
            slices = await self._refusals.read((host, ENDPOINT_SLICES), read_slices)
        except ApiError as error:
            if not error.is_forbidden:
                raise
            return [Destination(namespace=host.namespace)], None
        return [service_destination(host, service, slices)], None

    async def _unreadable(self, spec: Spec, host: ServiceHost, error: ApiError, field: str) -> Endpoints | None:
        if spec.verification.unreadable_endpoints == UnreadableEndpoints.ACCEPT:
            return None
        if not await self._names.may_name_service(host):
            return None
        return unreadable_service(host, error.message, field)
