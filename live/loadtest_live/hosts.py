"""Which names a server answers to. A site that makes its own name point here (DNS rebinding) must not read a page."""

import ipaddress
from collections.abc import Iterable
from typing import Final

LOCAL_NAME: Final = "localhost"


def host_name(header: str) -> str:
    """The name in a Host header, without its port and in lower case."""
    text = header.strip().lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0].removesuffix(".")


def is_known_host(header: str, names: Iterable[str]) -> bool:
    """Whether a Host header is an address, names this machine itself, or is one of these names.

    Nobody can make an address point elsewhere.
    """
    name = host_name(header)
    return name == LOCAL_NAME or is_address(name) or name in {host_name(each) for each in names}


def is_address(name: str) -> bool:
    """Whether this is an address of either family, and not a name."""
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
