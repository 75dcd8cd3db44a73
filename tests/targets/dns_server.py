"""A DNS server of the test's own: it answers every question as the test says."""

import asyncio
import os
import shlex
import struct
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from support.loopback import free_address

NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
_QUERY_A = 1


class _Answerer(asyncio.DatagramProtocol):
    def __init__(self, code: Callable[[], int]) -> None:
        self._code = code
        self.closed = asyncio.Event()

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loops' own transports are of no common class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5
        question, (kind,) = data[12:end], struct.unpack("!H", data[end - 4 : end - 2])
        code = self._code()
        answers = b""
        if code == NO_ERROR and kind == _QUERY_A:
            answers = struct.pack("!HHHIH", 0xC00C, _QUERY_A, 1, 0, 4) + bytes((127, 0, 0, 1))
        head = data[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, 1 if answers else 0, 0, 0)
        self._transport.sendto(head + question + answers, peer)


@asynccontextmanager
async def resolving(code: Callable[[], int]) -> AsyncIterator[str]:
    """Answer with the code that `code` gives at each question; without an error every name is 127.0.0.1. Gives the
    server's own address.

    Skips the test where the port of DNS may not be bound.
    """
    loop = asyncio.get_running_loop()
    # Tests run beside each other, and each needs the one port.
    address = free_address()
    try:
        transport, answerer = await loop.create_datagram_endpoint(lambda: _Answerer(code), local_addr=(address, 53))
    except OSError as error:
        pytest.skip(f"no DNS server can be had at {address}: {error}")
    try:
        yield address
    finally:
        transport.close()
        await answerer.closed.wait()


def asking(address: str, command: Sequence[str], folder: Path) -> list[str]:
    """The command in a mount namespace whose only DNS server is at this address.

    Skips the test where none can be made.
    """
    alone = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespace can be made here")
    settings = folder / "resolv.conf"
    settings.write_text(f"nameserver {address}\noptions timeout:1 attempts:1\n")
    inside = f"mount --bind {shlex.quote(str(settings))} /etc/resolv.conf && exec {shlex.join(command)}"
    return [*alone, "sh", "-c", inside]
