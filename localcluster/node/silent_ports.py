"""Addresses that nobody has any more: who connects there waits in vain, as for any address without an owner.

On a loopback address connections would be refused at once. So the node takes the ports over with sockets that listen
but never accept: once the one place in such a socket's queue is taken, the kernel drops what arrives.
"""

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from pathlib import Path

_LISTEN_STATE = "0A"
_MAX_SOCKETS = 512


class SilentPorts:
    """Keeps at most some hundred ports silent, the oldest given up first, each for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sockets: list[socket.socket] = []

    def silence(self, address: str, ports: Iterable[int]) -> None:
        """Have nobody answer at these ports of the address."""
        for port in ports:
            # One that somebody listens at is no longer vacant.
            with contextlib.suppress(OSError):
                listener = _open_silent_socket(address, port)
                self._sockets.append(listener)
                asyncio.get_running_loop().call_later(self._seconds, self._release, listener)
        for listener in self._sockets[:-_MAX_SOCKETS]:
            self._release(listener)

    def _release(self, listener: socket.socket) -> None:
        if listener in self._sockets:
            self._sockets.remove(listener)
        listener.close()


def listening_ports(address: str) -> set[int]:
    """Return the TCP ports of an IPv4 address at which a process of this machine listens."""
    address_hex = socket.inet_aton(address)[::-1].hex().upper()
    ports = set()
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        host, _, port = local.partition(":")
        if host == address_hex and state == _LISTEN_STATE:
            ports.add(int(port, 16))
    return ports


def _open_silent_socket(address: str, port: int) -> socket.socket:
    listener = socket.socket()
    try:
        # Connections that the pod's processes left behind must not keep the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        # It stays in the queue when its other end is closed.
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        listener.close()
        raise
    return listener
