"""Which addresses may be connected to."""

import ipaddress
from dataclasses import dataclass
from typing import Final

from loadgen.http.endpoints import parse_endpoint
from loadtest_model.plan import AddressPolicy

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64: Final = (
    ipaddress.IPv6Network("64:ff9b::/96"),  # RFC 6052, section 2.1
    ipaddress.IPv6Network("64:ff9b:1::/48"),  # RFC 8215; the IPv4 address stands last if a prefix of 96 bits is used
)


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Networks whose addresses may, and may not, be connected to; an empty `allowed` allows all else.

    `denied_endpoints` are single ports of addresses.
    """

    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()
    denied_endpoints: frozenset[tuple[Address, int]] = frozenset()

    def permits(self, ip: str, port: int) -> bool:
        """Whether an address may be connected to. An IPv4-mapped IPv6 address is the IPv4 address that it maps.

        An address that is translated on its way (6to4, NAT64) is denied with the IPv4 address in it.
        Raises ValueError for what is no IP address.
        """
        literal_address = ipaddress.ip_address(ip.partition("%")[0])
        target_address = (
            (literal_address.ipv4_mapped or literal_address)
            if isinstance(literal_address, ipaddress.IPv6Address)
            else literal_address
        )
        equivalent_addresses = {literal_address, target_address, *_embedded_addresses(literal_address)}
        if any(address in network for network in self.denied for address in equivalent_addresses):
            return False
        if any((address, port) in self.denied_endpoints for address in equivalent_addresses):
            return False
        return not self.allowed or any(target_address in network for network in self.allowed)


def rules_of(policy: AddressPolicy) -> AddressRules:
    """The rules that a plan's policy writes as text. Raises ValueError for a malformed block or endpoint."""
    return AddressRules(
        allowed=tuple(ipaddress.ip_network(block, strict=False) for block in policy.allowed),
        denied=tuple(ipaddress.ip_network(block, strict=False) for block in policy.denied),
        denied_endpoints=frozenset(
            (ipaddress.ip_address(endpoint.ip), endpoint.port)
            for endpoint in map(parse_endpoint, policy.denied_endpoints)
        ),
    )


def _embedded_addresses(address: Address) -> tuple[Address, ...]:
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    if address.sixtofour is not None:
        return (address.sixtofour,)
    is_translated = any(address in network for network in _NAT64)
    return (ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF),) if is_translated else ()
