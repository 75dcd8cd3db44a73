"""Looking behind the URL of a test's target through the API server: its endpoints and its workload."""

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from loadtest_model.reasons import Reason
from loadtest_model.spec import Spec
from loadtest_model.spec.verification import UnreadableEndpoints
from loadtest_operator.cluster.api import ENDPOINT_SLICES, POD_METRICS, PODS, SERVICES, WORKLOADS, Api, ApiError
from loadtest_operator.facts.destinations import (
    fixed_destination,
)
from loadtest_operator.facts.endpoints import (
    API_SERVER,
    Endpoints,
    ServiceHost,
    all_addresses,
    concealed,
    observed_endpoints,
    selector_of,
    service_addresses,
    slice_selector,
    unreadable_endpoints,
)
from loadtest_operator.facts.observation import ObservedTest
from loadtest_operator.facts.workload import (
    PodLook,
    ResourceUsage,
    WorkloadLook,
    look_at_workload,
    usage_of,
    workload_selector,
)
from loadtest_operator.observe.joining import Joint
from loadtest_operator.observe.refusals import RefusalWatch
from loadtest_operator.observe.service_names import ServiceNames

_LOG: Final = logging.getLogger(__name__)

BESIDE_SECONDS: Final = 5.0
_USE_SECONDS: Final = 2.0
"""A running test must not wait longer for what is only looked at beside it."""

Json = dict[str, Any]


class TargetReader:
    """Reads what belongs to the targets of tests."""

    def __init__(self, api: Api, names: ServiceNames, refusals: RefusalWatch) -> None:
        self._api = api
        self._names = names
        self._refusals = refusals
        self._api_server_addresses: tuple[str, ...] = ()
        self._read_api_server = Joint(self._read_api_server_once)

    async def api_server(self) -> tuple[str, ...]:
        """The API server's own endpoints and its Service's addresses; none if the right to read them is missing.

        They are read once for all who ask at the same time. Raises ApiError.
        """
        await self._read_api_server()
        return self._api_server_addresses

    async def _read_api_server_once(self) -> None:
        reads: tuple[tuple[str, Callable[[], Awaitable[tuple[str, ...]]]], ...] = (
            (ENDPOINT_SLICES, self._api_server_endpoints),
            (SERVICES, self._api_server_service),
        )
        addresses: tuple[str, ...] = ()
        for kind, read in reads:
            try:
                addresses += await self._refusals.read((API_SERVER, kind), read)
            except ApiError as error:
                if not error.is_forbidden:
                    raise
        self._api_server_addresses = tuple(dict.fromkeys(addresses))

    async def _api_server_endpoints(self) -> tuple[str, ...]:
        namespace, name = API_SERVER
        return all_addresses(await self._api.list(ENDPOINT_SLICES, namespace, slice_selector(name)))

    async def _api_server_service(self) -> tuple[str, ...]:
        return service_addresses(await self._api.get(SERVICES, *API_SERVER) or {})

    def service(self, test: ObservedTest) -> ServiceHost | None:
        """The Service that the target's URL names, or may name."""
        if test.spec is None or fixed_destination(test.spec.target.url, test.spec.pod.host_aliases or ()):
            return None
        return self._names.service_of(test.spec.target.url, test.identity.namespace)

    async def endpoints(self, test: ObservedTest) -> Endpoints:
        """What is behind the target's URL, as it is now and as the test's author may know it.

        A test that does without what the operator may not read does so only where that lasts. Raises ApiError.
        """
        endpoints, host = await self._endpoints(test), self.service(test)
        return endpoints if host is None else concealed(endpoints, host, test.identity.namespace)

    async def _endpoints(self, test: ObservedTest, *, under_load: bool = False) -> Endpoints:
        host = self.service(test)
        if host is None or test.spec is None:
            return Endpoints()
        accepts = test.spec.verification.unreadable_endpoints == UnreadableEndpoints.ACCEPT
        read = partial(self._read_endpoints, host)
        try:
            return await (self._refusals.read(host, read) if accepts and not under_load else read())
        except ApiError as error:
            if error.is_forbidden:
                return await self._unreadable(test.spec, host, error)
            raise

    async def _read_endpoints(self, host: ServiceHost) -> Endpoints:
        service = await self._api.get(SERVICES, host.namespace, host.name)
        pods = list[Json]()
        # Also without a Service: a right that is missing must show whether there is one or not.
        slices = await self._api.list(ENDPOINT_SLICES, host.namespace, slice_selector(host.name))
        if service is not None and not slices and selector_of(service):
            pods = await self._api.list(PODS, host.namespace, selector_of(service))
        return observed_endpoints(host, service, slices, pods)

    async def _unreadable(self, spec: Spec, host: ServiceHost, error: ApiError) -> Endpoints:
        """What to do without the right to look at a Service: the pods can only resolve its name themselves."""
        if not await self._names.may_name_service(host):
            return Endpoints()
        if spec.verification.unreadable_endpoints == UnreadableEndpoints.ACCEPT:
            return Endpoints(may_be_hidden=True)
        return unreadable_endpoints(host, error.message)

    async def endpoints_under_load(self, test: ObservedTest) -> Endpoints | None:
        """The same, where it can be read soon."""
        try:
            async with asyncio.timeout(BESIDE_SECONDS):
                endpoints = await self._endpoints(test, under_load=True)
        except (ApiError, TimeoutError) as error:
            description = str(error) or f"no answer within {BESIDE_SECONDS:g} s"
            _LOG.warning("%s: the target's endpoints were not read: %s", test.identity, description)
            return None
        if endpoints.may_be_hidden:
            _LOG.warning("%s: the right to read the target's endpoints was taken away", test.identity)
            return None
        return endpoints

    async def workload(self, test: ObservedTest, newest: str = "", *, with_use: bool = False) -> WorkloadLook | None:
        """The workload that the test names, as it is now; None if it names none.

        `newest` says when the newest pod was made that is known already. Raises ApiError.
        """
        workload = test.spec.target.workload if test.spec else None
        if workload is None:
            return None
        kind, namespace = WORKLOADS[workload.kind], test.identity.namespace
        try:
            resource = await self._api.get(kind, namespace, workload.name)
            if resource is None:
                message = f"there is no {workload} in namespace {namespace}; correct spec.target.workload or create it"
                return WorkloadLook(problem=Reason.WorkloadNotFound, message=message)
            selector = workload_selector(resource)
            pods = await self._api.list(PODS, namespace, selector)
            look = look_at_workload(workload, resource, pods)
            if newest and look.newest_pod_created_at > newest:
                # A pod must not be seen without the scaling that asked for it.
                look = look_at_workload(workload, await self._api.get(kind, namespace, workload.name) or resource, pods)
        except ApiError as error:
            if not error.is_forbidden:
                raise
            message = f"the operator may not read {workload} in namespace {namespace}; give it the rights of its chart"
            return WorkloadLook(problem=Reason.WorkloadNotReadable, message=message)
        if not with_use:
            return look
        return dataclasses.replace(look, usage=await self._use(namespace, selector, look.pods))

    async def workload_under_load(self, test: ObservedTest, newest: str, *, with_use: bool) -> WorkloadLook | None:
        """The same, where it can be read soon."""
        try:
            async with asyncio.timeout(BESIDE_SECONDS):
                return await self.workload(test, newest, with_use=with_use)
        except (ApiError, TimeoutError) as error:
            message = str(error) or f"no answer within {BESIDE_SECONDS:g} s"
            _LOG.warning("%s: the target's workload was not seen: %s", test.identity, message)
            return WorkloadLook(problem=Reason.WorkloadNotSeen, message=message)

    async def _use(self, namespace: str, selector: str, pods: tuple[PodLook, ...]) -> ResourceUsage:
        try:
            async with asyncio.timeout(_USE_SECONDS):
                return usage_of(await self._api.list(POD_METRICS, namespace, selector), pods)
        except TimeoutError:
            return ResourceUsage(problem=f"the metrics API did not answer within {_USE_SECONDS:g} s")
        except ApiError as error:
            if error.status == 404:
                return ResourceUsage(problem="the cluster has no metrics API (metrics.k8s.io)")
            return ResourceUsage(problem=f"the metrics API refused: {error}")
        except (KeyError, TypeError, ValueError) as error:
            return ResourceUsage(problem=f"the metrics API's answer is not understood: {error!r}")
