"""Where a target is: its URL taken apart, and the addresses that connections are made to."""

import ipaddress
from dataclasses import dataclass

from msgspec import Struct
from yarl import URL

from loadtest_model.urls import parse_url


class Endpoint(Struct, frozen=True, order=True):
    """An address that a connection can be made to."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Site:
    """A target's URL with what every request to one of its addresses still has to say of it.

    `host` has no brackets. `server_hostname` is the name that TLS asks for and checks, None without TLS.
    """

    url: URL
    host: str
    port: int
    host_header: str
    server_hostname: str | None

    @property
    def literal_endpoint(self) -> Endpoint | None:
        """The endpoint itself, if the URL's host is an address and not a name."""
        return Endpoint(self.host, self.port) if _is_ip(self.host) else None

    @property
    def request_target(self) -> str:
        """Path and query, as the line of a request has them."""
        return self.url.raw_path_qs


def site_of(url: str, host_header: str | None = None, server_name: str | None = None) -> Site:
    """Take a target's URL apart. The Host header and the name for TLS are the URL's unless they are given.

    Raises ValueError for a text that is not a URL. The message does not repeat it, because it may contain a password.
    """
    parts = parse_url(url)
    if parts is None:
        raise ValueError("the target's URL must be an http or https URL with a host, without credentials or a fragment")
    parsed = URL(url)
    # With its final dot, if it has one: the dot changes how the name is resolved.
    host = parsed.raw_host or parts.host
    return Site(
        url=parsed,
        host=host,
        port=parts.port,
        host_header=host_header or parsed.host_port_subcomponent or host,
        server_hostname=(server_name or host) if parts.scheme == "https" else None,
    )


def parse_endpoint(text: str) -> Endpoint:
    """The endpoint written as `ip:port`, an IPv6 address in brackets.

    Raises ValueError, naming the text.
    """
    host, _, port = text.rpartition(":")
    ip = host.removeprefix("[").removesuffix("]")
    if not _is_ip(ip) or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"{text!r} is not an address with a port, such as 10.0.0.7:8000 or [fd00::7]:8000")
    return Endpoint(ip, int(port))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
