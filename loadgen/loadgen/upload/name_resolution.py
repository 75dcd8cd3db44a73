"""The addresses of the target's name."""

import asyncio
import socket

from loadgen.http.endpoints import Endpoint
from loadgen.http.first_seconds import NO_SUCH_NAME


class NameNotResolvedError(OSError):
    """The target's name could not be resolved. If it exists nevertheless, the next try may succeed."""

    def __init__(self, message: str, *, does_not_exist: bool) -> None:
        super().__init__(message)
        self.does_not_exist = does_not_exist


async def resolve(host: str, port: int) -> tuple[Endpoint, ...]:
    """Every address of a name, in a fixed order. Raises NameNotResolvedError."""
    loop = asyncio.get_running_loop()
    try:
        address_infos = await loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_ADDRCONFIG
        )
    except (OSError, UnicodeError) as error:
        does_not_exist = isinstance(error, UnicodeError) or error.errno in NO_SUCH_NAME
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise NameNotResolvedError(
            f"the name {host} was not resolved: {reason}", does_not_exist=does_not_exist
        ) from error
    return tuple(sorted({Endpoint(str(address[0]), port) for *_, address in address_infos}))
