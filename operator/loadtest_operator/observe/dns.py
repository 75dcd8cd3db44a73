"""Whether a name exists, as far as DNS tells."""

import asyncio
import socket
from typing import Final

_SECONDS: Final = 2.0
_UNKNOWN: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


async def may_exist(name: str) -> bool:
    """False where DNS says that there is no such name, or none with an address; True also where it gives no answer."""
    try:
        async with asyncio.timeout(_SECONDS):
            await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return error.errno not in _UNKNOWN
    except (OSError, UnicodeError):
        return True
    return True
