"""Addresses that nobody has any more: who connects there waits in vain, as for any address without an owner.

On a loopback address connections would be refused at once. So the node takes the ports over with sockets that listen
but never accept: once the one place in such a socket's queue is taken, the kernel drops what arrives.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from pathlib import Path

_LISTENS = "0A"
_MOST = 512


class Vacated:
    """Keeps at most some hundred ports silent, the oldest given up first, each for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sockets: list[socket.socket] = []

    def silence(self, address: str, ports: Iterable[int]) -> None:
        """Have nobody answer at these ports of the address."""
        for port in ports:
            # One that somebody listens at is no longer vacant.
            with contextlib.suppress(OSError):
                held = _silent_socket(address, port)
                self._sockets.append(held)
                asyncio.get_running_loop().call_later(self._seconds, self._give_up, held)
        for held in self._sockets[:-_MOST]:
            self._give_up(held)

    def _give_up(self, held: socket.socket) -> None:
        if held in self._sockets:
            self._sockets.remove(held)
        held.close()


def listening_ports(address: str) -> set[int]:
    """Return the TCP ports of an IPv4 address at which a process of this machine listens."""
    wanted = socket.inet_aton(address)[::-1].hex().upper()
    found = set()
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        host, _, port = local.partition(":")
        if host == wanted and state == _LISTENS:
            found.add(int(port, 16))
    return found


def _silent_socket(address: str, port: int) -> socket.socket:
    held = socket.socket()
    try:
        # Connections that the pod's processes left behind must not keep the port.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((address, port))
        held.listen(0)
        # It stays in the queue when its other end is closed.
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        held.close()
        raise
    return held
