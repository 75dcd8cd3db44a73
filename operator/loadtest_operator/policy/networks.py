"""Whether the installation lets anything be sent to an address. The pods hold to the same rules at each connect."""

import ipaddress

from loadtest_model.plan import AddressPolicy


def why_denied(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: AddressPolicy) -> str:
    """Why nothing may be sent to an address, with the setting to change where there is one; empty where it may."""
    meant = address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address
    for block in network.denied:
        if meant in ipaddress.ip_network(block, strict=False):
            return (
                f"which lies in {block}, where nothing may be sent to (chart value policy.denied, and what never may)"
            )
    if network.allowed and not any(meant in ipaddress.ip_network(block, strict=False) for block in network.allowed):
        return (
            f"which is outside of the networks that the installation allows ({', '.join(network.allowed)}); have it"
            " added to the chart's value policy.allowed"
        )
    return ""
