"""Where a whole node lives: the addresses of its network namespace, and the link by which the machine reaches it."""

import ipaddress
import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcluster.claims import NumbersTakenError, claimed_number

# Of 10.0.0.0/8 the upper half: the first networks are those that other things on a machine like to use.
_SECOND_OCTETS = range(128, 256)


class NodeNetworkError(Exception):
    """The node's network cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class NodeNetwork:
    """The network 10.<octet>.0.0/16: .0.1 is the machine, .0.2 the node, .1.0/24 are the pods."""

    octet: int

    @property
    def cidr(self) -> str:
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


@contextmanager
def free_network() -> Iterator[NodeNetwork]:
    """A network that no address or route of this machine uses, and that no other cluster takes before the end.

    Raises NodeNetworkError if there is none.
    """
    used_networks = _networks_in_use()
    free = [network for network in map(NodeNetwork, _SECOND_OCTETS) if not _overlaps(network.cidr, used_networks)]
    try:
        with claimed_number("node network", [network.octet for network in free]) as octet:
            yield NodeNetwork(octet)
    except NumbersTakenError:
        raise NodeNetworkError("every network from 10.128.0.0/16 to 10.255.0.0/16 is in use on this machine") from None


def connect(network: NodeNetwork, pid: int) -> None:
    """Link the machine to the network namespace of a process; the link goes when the namespace does.

    Raises NodeNetworkError.
    """
    _ip("link", "add", network.link, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    _ip("address", "add", f"{network.machine}/24", "dev", network.link)
    _ip("link", "set", network.link, "up")
    _ip("route", "add", network.cidr, "via", network.node)
    # Nor does a machine that forwards for others, such as one with containers of its own, forward for this node.
    Path(f"/proc/sys/net/ipv4/conf/{network.link}/forwarding").write_text("0", encoding="ascii")


def is_connected() -> bool:
    """Return whether this process's network namespace has been linked to the machine."""
    return subprocess.run(["ip", "link", "show", "eth0"], capture_output=True, check=False).returncode == 0


def configure_namespace(network: NodeNetwork) -> None:
    """Give this process's network namespace the node's address, and let it forward to pods. Raises NodeNetworkError."""
    _ip("link", "set", "lo", "up")
    _ip("address", "add", f"{network.node}/24", "dev", "eth0")
    _ip("link", "set", "eth0", "up")
    # Nothing lies beyond the machine: it does not forward. But addresses of Services need a route of some kind,
    # or the kernel refuses to send before kube-proxy's rules have turned them into those of pods.
    _ip("route", "add", "default", "via", network.machine)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")


def _networks_in_use() -> list[ipaddress.IPv4Network]:
    routes = json.loads(_ip("-4", "-json", "route", "show", "table", "all") or "[]")
    destinations = (str(route.get("dst", "")) for route in routes)
    return [
        ipaddress.IPv4Network(destination, strict=False) for destination in destinations if destination[:1].isdigit()
    ]


def _overlaps(network: str, used_networks: Iterable[ipaddress.IPv4Network]) -> bool:
    cidr = ipaddress.IPv4Network(network)
    return any(cidr.overlaps(destination) for destination in used_networks if destination.prefixlen > 0)


def _ip(*arguments: str) -> str:
    try:
        process = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NodeNetworkError("the program ip (Debian package iproute2) is not installed") from None
    if process.returncode != 0:
        raise NodeNetworkError(f"ip {' '.join(arguments)}: {process.stderr.strip()}")
    return process.stdout
