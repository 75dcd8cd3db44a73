"""Which addresses may be connected to."""

import pytest

from loadgen.http.address_rules import rules_of
from loadtest_model.plan import AddressPolicy

METADATA = "169.254.0.0/16"


def test_without_rules_every_address_is_permitted() -> None:
    rules = rules_of(AddressPolicy())

    assert rules.permits("127.0.0.1", 443)
    assert rules.permits("::1", 443)


def test_a_denied_network_wins_over_an_allowed_one() -> None:
    rules = rules_of(AddressPolicy(allowed=("10.0.0.0/8",), denied=("10.96.0.1/32",)))

    assert rules.permits("10.96.0.2", 443)
    assert not rules.permits("10.96.0.1", 443)


def test_what_is_not_allowed_is_not_permitted_where_some_network_is() -> None:
    rules = rules_of(AddressPolicy(allowed=("10.0.0.0/8",)))

    assert not rules.permits("192.0.2.1", 443)
    assert not rules.permits("2001:db8::1", 443)


@pytest.mark.parametrize(
    "disguised",
    [
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1:2::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_an_ipv6_address_that_leads_to_a_denied_ipv4_address_is_denied(disguised: str) -> None:
    assert not rules_of(AddressPolicy(denied=(METADATA,))).permits(disguised, 443)


def test_a_mapped_address_is_allowed_with_the_ipv4_address_it_maps() -> None:
    rules = rules_of(AddressPolicy(allowed=("10.0.0.0/8",)))

    assert rules.permits("::ffff:10.1.2.3", 443)
    assert not rules.permits("::ffff:192.0.2.1", 443)


def test_a_mapped_address_can_be_denied_as_it_is_written() -> None:
    assert not rules_of(AddressPolicy(denied=("::ffff:0:0/96",))).permits("::ffff:10.1.2.3", 443)


def test_a_zone_does_not_hide_a_link_local_address() -> None:
    assert not rules_of(AddressPolicy(denied=("fe80::/10",))).permits("fe80::1%eth0", 443)


def test_a_malformed_network_is_refused() -> None:
    with pytest.raises(ValueError, match="ten"):
        rules_of(AddressPolicy(denied=("ten",)))


@pytest.mark.parametrize("ip", ["192.0.2.10", "::ffff:192.0.2.10", "64:ff9b::c000:20a"])
def test_a_denied_endpoint_is_one_port_of_an_address_however_it_is_written(ip: str) -> None:
    rules = rules_of(AddressPolicy(denied_endpoints=("192.0.2.10:6443", "[2001:db8::1]:6443")))

    assert not rules.permits(ip, 6443)
    assert rules.permits(ip, 8000)
    assert not rules.permits("2001:db8::1", 6443)


def test_a_denied_endpoint_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="is not an address with a port"):
        rules_of(AddressPolicy(denied_endpoints=("192.0.2.10",)))
