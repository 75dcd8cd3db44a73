"""Which Services the URLs of a test may lead to, and what a test is told of a Service that it may not use."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from kubernetes.aio.client import Configuration

from loadtest_model.spec import Spec
from loadtest_operator.cluster.api import ENDPOINT_SLICES, SERVICES, Api, ApiError
from loadtest_operator.facts.destinations import Destination, Destinations
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.observe.destinations import DestinationReader
from loadtest_operator.observe.refusals import RefusalWatch
from loadtest_operator.observe.service_names import ServiceNames
from loadtest_operator.observe.targets import TargetReader
from support.operator_builders import a_fleet_spec, a_test
from support.virtual_time import run_in_virtual_time

Json = dict[str, Any]
T = TypeVar("T")

PORTS = [{"name": "http", "port": 8000}]
SERVICE: Json = {"spec": {"ports": PORTS, "selector": {"app": "login"}, "clusterIP": "10.96.0.9"}}
OTHER_PORT: Json = {"spec": {"ports": [{"port": 81}], "selector": {"app": "login"}}}
EXTERNAL: Json = {"spec": {"type": "ExternalName", "externalName": "metadata.example.com"}}
UNUSABLE: dict[str, Json | None] = {
    "missing": None,
    "other port": OTHER_PORT,
    "external name": EXTERNAL,
    "no endpoint": SERVICE,
}
FIELDS = (
    "spec.target.metricsUrl",
    "spec.target.auth.login.url",
    "spec.verification.readBack.url",
    "spec.verification.readBack.control.url",
)


class Cluster(Api):
    """An API server with some Services by `namespace/name`, without slices; it forbids some kinds."""

    def __init__(self, services: dict[str, Json | None], *forbidden: str) -> None:
        super().__init__(Configuration())
        self._services = services
        self._forbidden = forbidden

    async def get(self, kind: str, namespace: str | None, name: str) -> Json | None:
        self._guard(kind)
        return self._services.get(f"{namespace}/{name}")

    async def list(self, kind: str, *_: Any, **__: Any) -> list[Json]:
        self._guard(kind)
        return []

    def _guard(self, kind: str) -> None:
        if kind in self._forbidden:
            raise ApiError(403, "Forbidden", f"{kind.rpartition('/')[2]} is forbidden")


def a_spec(field: str, host: str, *, accepts: bool = False) -> Spec:
    """A test of a target in its own namespace that names a host in a field."""
    url = f"http://{host}:8000/x"
    target: Json = {"url": "http://clients:8000/"}
    verification: Json = {"unreadableEndpoints": "Accept"} if accepts else {}
    match field:
        case "spec.target.url":
            target["url"] = url
        case "spec.target.metricsUrl":
            target["metricsUrl"] = url
        case "spec.target.auth.login.url":
            target["auth"] = {"login": {"url": url, "secretRef": {"name": "login"}}}
        case "spec.verification.readBack.url":
            verification["readBack"] = {"url": url, "countPath": "count"}
        case _:
            own = {"url": "http://clients:8000/", "countPath": "count"}
            verification["readBack"] = {**own, "control": {"url": url}}
    return a_fleet_spec(target=target, verification=verification)


def destinations(spec: Spec, services: dict[str, Json | None], *forbidden: str, known: bool = True) -> Destinations:
    async def dns(_name: str) -> bool:
        return known

    async def read() -> Destinations:
        api = Cluster({"shop/clients": SERVICE, **services}, *forbidden)
        refusals = RefusalWatch(asyncio.get_running_loop().time)
        return await DestinationReader(api, ServiceNames("cluster.local", dns), refusals).destinations(a_test(spec))

    return run_in_virtual_time(read())


def read_target(
    read: Callable[[TargetReader], Coroutine[Any, Any, T]], services: dict[str, Json | None], *forbidden: str
) -> T:
    async def read_once() -> T:
        refusals = RefusalWatch(asyncio.get_running_loop().time)
        return await read(TargetReader(Cluster(services, *forbidden), ServiceNames("cluster.local"), refusals))

    return run_in_virtual_time(read_once())


def endpoints(host: str, service: Json | None, *forbidden: str) -> Endpoints:
    namespace = "shop" if "." not in host else host.split(".")[1]
    test = a_test(a_spec("spec.target.url", host))
    services = {f"{namespace}/{host.partition('.')[0]}": service}
    return read_target(lambda reader: reader.endpoints(test), services, *forbidden)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    ("host", "service", "reason", "lasting"),
    [
        ("login", EXTERNAL, "ExternalNameRefused", True),
        ("login.shop.svc", EXTERNAL, "ExternalNameRefused", True),
        ("login.shop", EXTERNAL, "ExternalNameRefused", True),
        ("login", OTHER_PORT, "ServicePortMissing", True),
        ("login", None, "ServiceNotFound", False),
        ("kubernetes.default.svc", SERVICE, "AddressNotAllowed", True),
    ],
)
def test_every_url_is_held_to_the_rules_for_the_targets_host(
    field: str, host: str, service: Json | None, reason: str, lasting: bool
) -> None:
    place = "default/kubernetes" if host.startswith("kubernetes") else "shop/login"

    problem = (destinations(a_spec(field, host), {place: service})).problem

    assert problem is not None
    assert (problem.problem, problem.is_lasting) == (reason, lasting)
    assert field in problem.message


@pytest.mark.parametrize("field", FIELDS)
def test_a_url_that_leads_to_a_service_as_any_other_is_no_problem(field: str) -> None:
    found = destinations(a_spec(field, "login"), {"shop/login": SERVICE})

    assert found.problem is None
    assert Destination(namespace="shop", labels={"app": "login"}, ports=(8000,)) in found.places


def test_a_name_outside_the_cluster_that_looks_like_a_services_is_no_problem() -> None:
    found = destinations(a_spec(FIELDS[0], "metrics.example"), {})

    assert found.problem is None
    assert found.places[-1] == Destination(ports=(8000,))


@pytest.mark.parametrize(("host", "known"), [("login.other.svc", False), ("login.other", True)])
def test_a_service_that_nobody_can_look_at_may_be_an_external_name(host: str, known: bool) -> None:
    spec = a_spec(FIELDS[1], host)

    problem = (destinations(spec, {}, SERVICES, known=known)).problem

    assert problem is not None
    assert (problem.problem, problem.is_lasting) == ("EndpointsNotReadable", False)
    assert FIELDS[1] in problem.message
    assert "spec.verification.unreadableEndpoints" in problem.message


def test_a_test_may_accept_a_service_that_nobody_can_look_at() -> None:
    found = destinations(a_spec(FIELDS[1], "login.other.svc", accepts=True), {}, SERVICES)

    assert found.problem is None
    assert Destination(namespace="other") in found.places


def test_a_name_that_dns_does_not_know_is_no_service_that_nobody_can_look_at() -> None:
    assert (destinations(a_spec(FIELDS[1], "login.example"), {}, SERVICES, known=False)).problem is None


def test_of_another_namespaces_service_a_test_learns_nothing_but_that_it_cannot_be_used() -> None:
    answers = {endpoints("clients.other.svc", service) for service in UNUSABLE.values()}

    (answer,) = answers
    assert (answer.problem, answer.is_lasting, answer.unready_addresses) == ("ServiceNotUsable", False, ())
    assert "namespace other" in answer.message


@pytest.mark.parametrize("field", FIELDS)
def test_beside_the_target_too_another_namespaces_service_is_told_nothing_of(field: str) -> None:
    spec = a_spec(field, "login.other.svc")

    answers = {
        (destinations(spec, {"other/login": UNUSABLE[case]})).problem
        for case in ("missing", "other port", "external name")
    }

    (answer,) = answers
    assert answer is not None
    assert (answer.problem, answer.is_lasting) == ("ServiceNotUsable", False)
    assert field in answer.message


@pytest.mark.parametrize("service", [None, SERVICE])
def test_a_right_that_is_missing_shows_whether_there_is_a_service_or_not(service: Json | None) -> None:
    answer = endpoints("clients.other.svc", service, ENDPOINT_SLICES)

    assert answer.problem == "EndpointsNotReadable"


def test_of_a_service_of_its_own_namespace_a_test_learns_what_is_wrong() -> None:
    reasons = [(endpoints("clients", service)).problem for service in UNUSABLE.values()]

    assert reasons == ["ServiceNotFound", "ServicePortMissing", "ExternalNameRefused", "TargetHasNoEndpoints"]


def test_the_api_server_is_known_by_its_services_address_too() -> None:
    service = {"spec": {"clusterIPs": ["10.96.0.1", "fd00::1"], "ports": [{"port": 443}]}}
    services: dict[str, Json | None] = {"default/kubernetes": service}

    assert read_target(TargetReader.api_server, services) == ("10.96.0.1:443", "[fd00::1]:443")
    assert read_target(TargetReader.api_server, services, SERVICES) == ()
