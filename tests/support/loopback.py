"""Loopback addresses for servers that stand where pods' control servers do."""

import socket
import time

from loadtest_model.protocol.commands import CONTROL_PORT


def free_addresses(count: int) -> list[str]:
    """Loopback addresses on which the control port is free."""
    addresses = []
    for last in range(2, 250):
        address = f"127.77.{time.monotonic_ns() % 250}.{last}"
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, CONTROL_PORT))
            except OSError:
                continue
        addresses.append(address)
        if len(addresses) == count:
            return addresses
    raise RuntimeError(f"no {count} loopback addresses have port {CONTROL_PORT} free")
