"""From one upload to an address that takes its connection."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final

from loadgen.http.endpoints import Endpoint
from loadgen.http.transport import Exchange
from loadgen.upload.addresses import AddressBook
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind

CONNECT_SECONDS_WITH_ANOTHER: Final = 3.5
"""The time-out of a connect while another address is known to live. A system that gets no answer sends its first packet
again after 1 s and after 3 s. An address that has not answered the third either is absent, or refuses connections."""

_NO_CONNECTION: Final = frozenset({ErrorKind.REFUSED, ErrorKind.CONNECT_TIMEOUT})
_NOTHING_SENT: Final = _NO_CONNECTION | {ErrorKind.NO_ADDRESS}

_DISTRUSTED: Final = "{} failed its verification, so nothing was sent"
_LEFT: Final = "{} left the target before there was a connection, and no other address is proven"


class Route:
    """Where one upload goes: an address of the book, and another if that one left before there was a connection.

    `endpoint` is the address now, `departed` are those before it.
    """

    def __init__(self, book: AddressBook, endpoint: Endpoint) -> None:
        self._book = book
        self.endpoint = endpoint
        self.departed: tuple[Endpoint, ...] = ()

    def connect_seconds(self, most_seconds: float) -> float:
        """How long to wait for a connection at the address."""
        return min(most_seconds, CONNECT_SECONDS_WITH_ANOTHER) if self._book.has_other(self.endpoint) else most_seconds

    def watch_connect(self, bound: asyncio.Timeout) -> AbstractContextManager[None]:
        """While this lasts, the address's leaving the target draws the bound nearer; so does distrust of it."""
        return self._book.watch_connect(self.endpoint, bound)

    def refusal_reason(self) -> str:
        """Why nothing may be sent to the address by now; empty where something may.

        One that left the target while a connection to it was being opened may still serve.
        """
        return _DISTRUSTED.format(self.endpoint) if self._book.distrusts(self.endpoint) else ""

    async def travel(self, attempt: Callable[[Endpoint], Awaitable[Exchange]]) -> Exchange:
        """Attempt the upload, at another address as long as those before it had left and took no connection.

        An address that is still the target's and takes none has refused the upload, as it refuses whoever comes. None
        is tried that is no longer proven: it may have left, or lost its proof, while the file was being made.
        """
        while True:
            if not self._book.proves(self.endpoint):
                proven = self._book.next()
                if proven is None:
                    detail = self.refusal_reason() or _LEFT.format(self.endpoint)
                    return Exchange(None, ErrorKind.NO_ADDRESS, detail, Cause.ADDRESSES_VANISHED)
                self.endpoint = proven
            exchange = await attempt(self.endpoint)
            if exchange.error in _NOTHING_SENT and self.refusal_reason():
                continue
            if exchange.error not in _NO_CONNECTION or (other := await self._another()) is None:
                return exchange
            self.departed = (*self.departed, self.endpoint)
            self.endpoint = other

    async def _another(self) -> Endpoint | None:
        failed_at = asyncio.get_running_loop().time()
        self._book.doubt(self.endpoint)
        return self._book.next() if await self._book.had_departed(self.endpoint, failed_at) else None
