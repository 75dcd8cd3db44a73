"""Which names a server answers to. A site that makes its own name point here (DNS rebinding) must not read a page."""

from collections.abc import Iterable
from typing import Final

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


def host_name(header: str) -> str:
    """The name in a Host header, without its port and in lower case."""
    text = header.strip().lower()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0].removesuffix(".")


def is_known_host(header: str, names: Iterable[str]) -> bool:
    """Whether a Host header names this machine itself, or is one of these names."""
    name = host_name(header)
    return name in LOOPBACK_NAMES or name in {host_name(each) for each in names}
