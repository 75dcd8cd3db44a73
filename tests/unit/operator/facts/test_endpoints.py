"""Which addresses stand for a target."""

from typing import Any

import pytest

from loadtest_operator.facts.endpoints import (
    Endpoints,
    ServiceHost,
    all_addresses,
    endpoints_of,
    observed_endpoints,
    selector_of,
    service_of,
    slice_of_pods,
)

Json = dict[str, Any]
HOST = ServiceHost("shop", "clients", 80, is_certain=True)


def a_service(**spec: Any) -> Json:
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    return {"spec": {"ports": ports, "selector": {"app": "clients"}, **spec}}


def a_slice(*addresses: str, ready: bool | None = True, port: int = 8000, name: str = "http") -> Json:
    conditions = {} if ready is None else {"ready": ready}
    return {
        "ports": [{"name": name, "port": port}],
        "endpoints": [{"addresses": [address], "conditions": conditions} for address in addresses],
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://clients:8000/x", ("shop", "clients", 8000, True)),
        ("http://clients/x", ("shop", "clients", 80, True)),
        ("https://clients/x", ("shop", "clients", 443, True)),
        ("http://clients.other:81/x", ("other", "clients", 81, False)),
        ("http://clients.other.svc/x", ("other", "clients", 80, True)),
        ("http://clients.other.svc.cluster.local/x", ("other", "clients", 80, True)),
        ("http://clients.other.svc.cluster.local./x", ("other", "clients", 80, True)),
        ("http://CLIENTS/x", ("shop", "clients", 80, True)),
    ],
)
def test_a_host_that_names_a_service_is_one(url: str, expected: tuple[str, str, int, bool]) -> None:
    assert service_of(url, "shop", "cluster.local") == ServiceHost(*expected)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/x",
        "http://10.0.0.5:8000/x",
        "http://[fd00::1]:8000/x",
        "http://localhost:8000/x",
        "http://clients.other.svc.elsewhere.org/x",
        "http://..svc/x",
        "http://clients:99999/x",
        "http://[clients]/x",
    ],
)
def test_other_hosts_are_resolved_by_the_pods(url: str) -> None:
    assert service_of(url, "shop", "cluster.local") is None


def test_every_ready_endpoint_is_an_address_with_the_pods_port() -> None:
    found = endpoints_of(HOST, a_service(), [a_slice("10.0.0.6", "10.0.0.5"), a_slice("10.0.0.5")])

    assert found.addresses == ("10.0.0.5:8000", "10.0.0.6:8000")
    assert found.problem is None


def test_an_endpoint_that_does_not_say_whether_it_is_ready_is() -> None:
    assert endpoints_of(HOST, a_service(), [a_slice("10.0.0.5", ready=None)]).addresses == ("10.0.0.5:8000",)


def test_an_ipv6_endpoint_is_written_in_brackets() -> None:
    assert endpoints_of(HOST, a_service(), [a_slice("fd00::5")]).addresses == ("[fd00::5]:8000",)


def test_a_service_without_a_ready_endpoint_is_a_problem_that_may_pass() -> None:
    found = endpoints_of(HOST, a_service(), [a_slice("10.0.0.5", ready=False)])

    assert (found.problem, found.is_lasting, found.addresses) == ("TargetHasNoEndpoints", False, ())


def test_an_external_name_is_refused_for_good() -> None:
    found = endpoints_of(HOST, a_service(type="ExternalName", externalName="example.com"), [])

    assert (found.problem, found.is_lasting) == ("ExternalNameRefused", True)


def test_a_slice_of_names_has_no_address() -> None:
    named = {**a_slice("example.com"), "addressType": "FQDN"}

    assert endpoints_of(HOST, a_service(), [named, a_slice("10.0.0.5")]).addresses == ("10.0.0.5:8000",)


def test_the_api_servers_service_is_refused_for_good() -> None:
    host = service_of("https://kubernetes.default.svc/x", "shop", "cluster.local")
    assert host is not None

    found = endpoints_of(host, a_service(ports=[{"name": "https", "port": 443}]), [a_slice("10.0.0.5", name="https")])

    assert (found.problem, found.is_lasting, found.addresses) == ("AddressNotAllowed", True, ())


def test_a_port_that_the_service_does_not_have_is_refused_and_the_others_are_named() -> None:
    found = endpoints_of(ServiceHost("shop", "clients", 9999, is_certain=True), a_service(), [a_slice("10.0.0.5")])

    assert (found.problem, found.is_lasting) == ("ServicePortMissing", True)
    assert "80" in found.message


def test_a_headless_service_takes_the_urls_port_as_it_is() -> None:
    host = ServiceHost("shop", "clients", 9000, is_certain=True)

    found = endpoints_of(host, a_service(clusterIP="None"), [a_slice("10.0.0.5")])

    assert found.addresses == ("10.0.0.5:9000",)


def test_only_the_slices_port_of_the_same_name_counts() -> None:
    assert endpoints_of(HOST, a_service(), [a_slice("10.0.0.5", name="metrics")]).addresses == ()


def a_pod(address: str | None, ready: bool = True, **metadata: Any) -> Json:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    ports = [{"name": "web", "containerPort": 8001}]
    return {
        "metadata": metadata,
        "spec": {"containers": [{"ports": ports}]},
        "status": {"podIP": address, "conditions": conditions},
    }


def test_without_a_slice_the_selected_pods_say_the_same() -> None:
    leaving = [a_pod("10.0.0.7", deletionTimestamp="now"), a_pod("10.0.0.8", ready=False, deletionTimestamp="now")]
    pods = [a_pod("10.0.0.5"), a_pod("10.0.0.6", ready=False), a_pod(None), *leaving]

    found = endpoints_of(HOST, a_service(), [slice_of_pods(a_service(), pods)])

    assert found == Endpoints(
        ("10.0.0.5:8000",), unready_addresses=("10.0.0.6:8000",), draining_addresses=("10.0.0.7:8000",)
    )


def test_a_named_target_port_is_looked_up_in_the_pods() -> None:
    service = a_service(ports=[{"name": "http", "port": 80, "targetPort": "web"}])

    assert endpoints_of(HOST, service, [slice_of_pods(service, [a_pod("10.0.0.5")])]).addresses == ("10.0.0.5:8001",)


def test_a_selector_is_written_as_a_list_takes_it() -> None:
    assert selector_of(a_service(selector={"b": "2", "a": "1"})) == "a=1,b=2"
    assert selector_of({"spec": {}}) == ""


def test_every_port_of_every_address_is_an_endpoint_of_the_api_server() -> None:
    slices: list[dict[str, Any]] = [
        {
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["192.0.2.10"], "conditions": {"ready": False}}, {"addresses": ["192.0.2.11"]}],
            "ports": [{"name": "https", "port": 6443}],
        },
        {"addressType": "IPv6", "endpoints": [{"addresses": ["2001:db8::1"]}], "ports": [{"port": 6443}]},
        {"addressType": "FQDN", "endpoints": [{"addresses": ["api.example"]}], "ports": [{"port": 6443}]},
        {"addressType": "IPv4", "endpoints": None, "ports": None},
    ]

    assert all_addresses(slices) == ("192.0.2.10:6443", "192.0.2.11:6443", "[2001:db8::1]:6443")


def test_endpoints_that_are_not_ready_are_known_unless_they_are_on_their_way_out_and_serve_no_more() -> None:
    slices = {
        "endpoints": [
            {"addresses": ["10.0.0.5"], "conditions": {"ready": False}},
            {"addresses": ["10.0.0.6"], "conditions": {"ready": False, "serving": True, "terminating": True}},
            {"addresses": ["10.0.0.7"], "conditions": {"ready": False, "serving": False, "terminating": True}},
        ],
        "ports": [{"name": "http", "port": 8000}],
    }

    found = endpoints_of(HOST, a_service(), [slices])

    assert (found.addresses, found.unready_addresses, found.problem) == ((), ("10.0.0.5:8000",), "TargetHasNoEndpoints")
    assert found.draining_addresses == ("10.0.0.6:8000",)


def test_pods_that_have_ended_are_no_endpoints() -> None:
    ended = a_pod("10.0.0.5")
    ended["status"]["phase"] = "Failed"

    assert endpoints_of(HOST, a_service(), [slice_of_pods(a_service(), [ended])]).unready_addresses == ()


def test_an_address_that_is_ready_in_one_slice_is_no_longer_what_it_was_in_another() -> None:
    moving = a_slice("10.0.0.5", ready=False)

    assert endpoints_of(HOST, a_service(), [moving, a_slice("10.0.0.5")]) == Endpoints(("10.0.0.5:8000",))


def test_pods_are_asked_only_where_there_is_no_slice() -> None:
    pods = [a_pod("10.0.0.9")]

    assert observed_endpoints(HOST, a_service(), [a_slice("10.0.0.5")], pods).addresses == ("10.0.0.5:8000",)
    assert observed_endpoints(HOST, a_service(), [], pods).addresses == ("10.0.0.9:8000",)
    assert observed_endpoints(HOST, None, [], []).problem == "ServiceNotFound"
    assert observed_endpoints(ServiceHost("shop", "clients", 80, is_certain=False), None, [], []) == Endpoints()
