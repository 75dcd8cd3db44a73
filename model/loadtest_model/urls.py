"""The URLs that this project takes: http or https, with a host that every reader of URLs reads in the same way.

The API server takes a URL apart, so do the operator and each pod, each by a parser of its own. What they could read
differently (credentials, a host that is not ASCII or has escapes in it, a backslash, a space) is refused by all.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

URL_PATTERN: Final = (
    r"^(?P<scheme>(?i:https?))://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]*))?"
    r"(/([^\x00-\x20\x7f\\%?#@]|%[0-9A-Fa-f]{2})*)?(\?[^\x00-\x20\x7f\\#@]*)?\Z"
)
"""A URL, but for what a pattern cannot say well: whether an IPv6 address is one, and the range of a port."""

NEVER_IN_A_URL: Final = "@# "
"""What is told apart from other faults: signs of credentials, a fragment or a slip."""

_URL: Final = re.compile(URL_PATTERN)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class UrlParts:
    """The scheme and the host are in lower case, and an IPv6 address has no brackets.

    A whole name has no dot at its end; a single label keeps it, since `clients.` is another name than `clients`.
    """

    scheme: str
    host: str
    port: int


def parts_of(url: str) -> UrlParts | None:
    """Take a URL apart; the port is that of the scheme where the URL has none. None for what is not a URL."""
    match = _match(url)
    if match is None or not has_possible_port(url):
        return None
    scheme, host = match["scheme"].lower(), match["host"].strip("[]").lower()
    whole = host[:-1] if host.endswith(".") and "." in host[:-1] else host
    return UrlParts(scheme, whole, int(match["port"] or _DEFAULT_PORTS[scheme]))


def is_url(url: str) -> bool:
    """Whether a text is a URL, whatever the number of its port."""
    return _match(url) is not None


def has_possible_port(url: str) -> bool:
    """Whether the port of a URL lies between 1 and 65535. What has no port, or is no URL, has no impossible one."""
    match = _match(url)
    port = match["port"] if match else None
    return not port or (len(port) < 6 and 0 < int(port) < 65_536)


def _match(url: str) -> re.Match[str] | None:
    match = _URL.fullmatch(url)
    return match if match is not None and _is_host(match["host"]) else None


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return True
    try:
        ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True
