"""Ports and loopback networks for programs that must be told theirs before they listen."""

import socket
from typing import Final

from localcluster.claims import claim_until_exit
from localcluster.node.network import SECOND_OCTETS

_PORTS: Final = range(20_000, 24_000)
"""Below the ports that Linux gives to who asks for any (ip_local_port_range), and below those of NodePorts."""


_BELOW_CLUSTERS: Final = range(1, SECOND_OCTETS.start)


def free_second_octet() -> int:
    """Return that of a network 127.<second octet>.0.0/16 which no cluster has, and no other caller until this process
    ends.

    Raises NumbersTakenError if there is none.
    """
    return claim_until_exit("loopback network", _BELOW_CLUSTERS)


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens, and which no other caller gets until this process ends.

    Raises NumbersTakenError if there is none.
    """
    while True:
        port = claim_until_exit("port", _PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                # A program that claims nothing has it. The claim keeps it from being drawn again.
                continue
        return port
