"""Where a whole node lives: the addresses of its network namespace, and the link by which the machine reaches it."""

import ipaddress
import json
import secrets
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Of 10.0.0.0/8 the upper half: the first networks are those that other things on a machine like to use.
_SECOND_OCTETS = range(128, 256)


class PlaceError(Exception):
    """The node's network cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """The network 10.<octet>.0.0/16: .0.1 is the machine, .0.2 the node, .1.0/24 are the pods."""

    octet: int

    @property
    def network(self) -> str:
        return f"10.{self.octet}.0.0/16"

    @property
    def machine(self) -> str:
        return f"10.{self.octet}.0.1"

    @property
    def node(self) -> str:
        return f"10.{self.octet}.0.2"

    @property
    def pods(self) -> str:
        return f"10.{self.octet}.1.0/24"

    @property
    def link(self) -> str:
        """The machine's end of the link; the node's end is eth0."""
        return f"loadtest{self.octet}"


def free_place() -> Place:
    """Return a network that no address or route of this machine uses; raise PlaceError if there is none."""
    used = _networks_in_use()
    free = [place for place in map(Place, _SECOND_OCTETS) if not _overlaps(place.network, used)]
    if not free:
        raise PlaceError("every network from 10.128.0.0/16 to 10.255.0.0/16 is in use on this machine")
    return secrets.choice(free)


def connect(place: Place, pid: int) -> None:
    """Link the machine to the network namespace of a process; the link goes when the namespace does.

    Raises PlaceError.
    """
    _ip("link", "add", place.link, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    _ip("address", "add", f"{place.machine}/24", "dev", place.link)
    _ip("link", "set", place.link, "up")
    _ip("route", "add", place.network, "via", place.node)
    # Nor does a machine that forwards for others, such as one with containers of its own, forward for this node.
    Path(f"/proc/sys/net/ipv4/conf/{place.link}/forwarding").write_text("0", encoding="ascii")


def is_connected() -> bool:
    """Return whether this process's network namespace has been linked to the machine."""
    return subprocess.run(["ip", "link", "show", "eth0"], capture_output=True, check=False).returncode == 0


def settle(place: Place) -> None:
    """Give this process's network namespace the node's address, and let it forward to pods. Raises PlaceError."""
    _ip("link", "set", "lo", "up")
    _ip("address", "add", f"{place.node}/24", "dev", "eth0")
    _ip("link", "set", "eth0", "up")
    # Nothing lies beyond the machine: it does not forward. But addresses of Services need a route of some kind,
    # or the kernel refuses to send before kube-proxy's rules have turned them into those of pods.
    _ip("route", "add", "default", "via", place.machine)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")


def _networks_in_use() -> list[ipaddress.IPv4Network]:
    listed = json.loads(_ip("-4", "-json", "route", "show", "table", "all") or "[]")
    destinations = (str(route.get("dst", "")) for route in listed)
    return [ipaddress.IPv4Network(each, strict=False) for each in destinations if each[:1].isdigit()]


def _overlaps(network: str, used: Iterable[ipaddress.IPv4Network]) -> bool:
    wanted = ipaddress.IPv4Network(network)
    return any(wanted.overlaps(each) for each in used if each.prefixlen > 0)


def _ip(*arguments: str) -> str:
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise PlaceError("the program ip (Debian package iproute2) is not installed") from None
    if done.returncode != 0:
        raise PlaceError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
