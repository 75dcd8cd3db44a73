"""Ports for programs that must be told one before they listen."""

import socket
from typing import Final

from localcluster.claims import claim_until_exit

_PORTS: Final = range(20_000, 24_000)
"""Below the ports that Linux gives to who asks for any (ip_local_port_range), and below those of NodePorts."""


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
