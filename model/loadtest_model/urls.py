"""The URLs that are accepted: http or https, with a host that every parser of URLs reads in the same way.

The API server, the operator and each pod parse a URL with parsers of their own. Whatever these could read differently
is refused by all of them: credentials, a host with escapes or characters beyond ASCII, a backslash, a space.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

URL_PATTERN: Final = (
    r"^(?P<scheme>(?i:https?))://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]*))?"
    r"(/([^\x00-\x20\x7f\\%?#@]|%[0-9A-Fa-f]{2})*)?(\?[^\x00-\x20\x7f\\#@]*)?\Z"
)
"""The form of a URL. Two properties are checked apart: that an IPv6 address is valid, and the range of the port."""

FORBIDDEN_CHARACTERS: Final = "@# "
"""Credentials, a fragment and a space have a message of their own."""

_URL: Final = re.compile(URL_PATTERN)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class UrlParts:
    """The parts of a URL. The scheme and the host are in lower case, and an IPv6 address has no brackets.

    The final dot of a fully qualified name is dropped. A single label keeps it, because `clients.` and `clients` are
    different names.
    """

    scheme: str
    host: str
    port: int


def parse_url(url: str) -> UrlParts | None:
    """Parse a URL. The port defaults to that of the scheme. Return None for a text that is not an accepted URL."""
    match = _match(url)
    if match is None or not has_valid_port(url):
        return None
    scheme, host = match["scheme"].lower(), match["host"].strip("[]").lower()
    if host.endswith(".") and "." in host[:-1]:
        host = host[:-1]
    return UrlParts(scheme, host, int(match["port"] or _DEFAULT_PORTS[scheme]))


def is_url(url: str) -> bool:
    """Whether a text has the form of a URL. The range of the port is not checked."""
    return _match(url) is not None


def has_valid_port(url: str) -> bool:
    """Whether the port of a URL lies between 1 and 65535. True without a port, and for a text that is not a URL."""
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
