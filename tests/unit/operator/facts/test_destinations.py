"""Where the URLs of a test lead."""

from typing import Any

import msgspec
import pytest

from loadtest_model.spec.pod import HostAlias
from loadtest_operator.facts.destinations import (
    Destination,
    fixed_destination,
    service_destination,
    unresolved_destination,
)
from loadtest_operator.facts.endpoints import ServiceHost

HOST = ServiceHost("shop", "clients", 80, is_certain=True)
SLICES = [
    {
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8000}, {"name": "metrics", "port": 9100}],
        "endpoints": [{"addresses": ["10.0.0.5"]}, {"addresses": ["10.0.0.6"]}],
    }
]


def a_service(**spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": 8000}, {"name": "metrics", "port": 9100}]
    return {"spec": {"clusterIP": "10.96.0.9", "selector": {"app": "clients"}, "ports": ports, **spec}}


def test_behind_a_service_are_the_pods_of_its_selector_at_their_own_port() -> None:
    found = service_destination(HOST, a_service(), SLICES)

    assert found == Destination(namespace="shop", labels={"app": "clients"}, ports=(8000,))


def test_a_named_port_is_kept_by_name_beside_the_number_that_it_has_now() -> None:
    ports = [{"name": "http", "port": 80, "targetPort": "web"}]

    found = service_destination(HOST, a_service(ports=ports), SLICES)

    assert found.ports == ("web", 8000)


def test_a_headless_service_is_reached_at_the_port_of_the_url_as_well() -> None:
    found = service_destination(HOST, a_service(clusterIP="None"), SLICES)

    assert found.ports == (8000, 80)


def test_a_service_without_a_selector_is_known_by_its_endpoints() -> None:
    found = service_destination(HOST, a_service(selector=None), SLICES)

    assert found == Destination(addresses=("10.0.0.5", "10.0.0.6"), ports=(8000,))


@pytest.mark.parametrize(
    ("url", "addresses", "port"),
    [
        ("https://10.1.2.3/x", ("10.1.2.3",), 443),
        ("http://[fd00::1]:8080/x", ("fd00::1",), 8080),
        ("https://Staging.example.com./x", ("10.0.0.7", "10.0.0.8"), 443),
    ],
)
def test_an_address_and_an_alias_say_themselves_where_they_lead(
    url: str, addresses: tuple[str, ...], port: int
) -> None:
    aliases = msgspec.convert(
        [{"ip": ip, "hostnames": ["staging.example.com"]} for ip in ("10.0.0.7", "10.0.0.8")], list[HostAlias]
    )

    assert fixed_destination(url, aliases) == Destination(addresses=addresses, ports=(port,))


def test_another_name_may_lead_anywhere_at_its_port() -> None:
    assert fixed_destination("https://upload.example.com/x", ()) is None
    assert unresolved_destination("https://upload.example.com/x") == Destination(ports=(443,))
