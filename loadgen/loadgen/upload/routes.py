"""From one upload to an address that takes its connection."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final

from loadgen.http.endpoints import Endpoint
from loadgen.http.transport import Exchange, TurnedAwayError
from loadgen.upload.addresses import AddressBook
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind

CONNECT_SECONDS_WITH_ANOTHER: Final = 3.5
"""The patience with a connect while another address is known to live. A system that gets no answer says its first word
again after 1 s and after 3 s: who has not answered the third either is not there, or turns connections away."""

_NO_CONNECTION: Final = frozenset({ErrorKind.REFUSED, ErrorKind.CONNECT_TIMEOUT})
_NOTHING_SENT: Final = _NO_CONNECTION | {ErrorKind.NO_ADDRESS}

_DISTRUSTED: Final = "{} failed its verification, so nothing was sent"
_LEFT: Final = "{} left the target before there was a connection, and no other address is proven"


class Route:
    """Where one upload goes: an address of the book, and another if that one left before there was a connection.

    `endpoint` is the address now, `departed` are those before it. `may_send` says whether the load still lasts: it is
    asked before each connection and right before the first byte.
    """

    def __init__(self, book: AddressBook, endpoint: Endpoint, may_send: Callable[[], bool]) -> None:
        self._book = book
        self._may_send = may_send
        self.endpoint = endpoint
        self.departed: tuple[Endpoint, ...] = ()

    def connect_seconds(self, most_seconds: float) -> float:
        """How long to wait for a connection at the address."""
        return min(most_seconds, CONNECT_SECONDS_WITH_ANOTHER) if self._book.has_other(self.endpoint) else most_seconds

    def connecting(self, bound: asyncio.Timeout) -> AbstractContextManager[None]:
        """While this lasts, the address's leaving the target draws the bound nearer; so does distrust of it."""
        return self._book.connecting(self.endpoint, bound)

    def closed(self) -> str:
        """Why nothing may be sent to the address by now; empty where something may.

        One that left the target while a connection to it was being opened may still serve. Raises TurnedAwayError
        where nothing may be sent to any address.
        """
        if not self._may_send():
            raise TurnedAwayError
        return _DISTRUSTED.format(self.endpoint) if self._book.distrusts(self.endpoint) else ""

    async def travel(self, attempt: Callable[[Endpoint], Awaitable[Exchange]]) -> Exchange:
        """Attempt the upload, at another address as long as those before it had left and took no connection.

        An address that is still the target's and takes none has refused the upload, as it refuses whoever comes. None
        is tried that is no longer proven: it may have left, or lost its proof, while the file was being made. Raises
        TurnedAwayError once nothing may be sent any more.
        """
        while True:
            if not self._may_send():
                raise TurnedAwayError
            if not self._book.proves(self.endpoint):
                proven = self._book.next()
                if proven is None:
                    detail = self.closed() or _LEFT.format(self.endpoint)
                    return Exchange(None, ErrorKind.NO_ADDRESS, detail, Cause.ADDRESSES_VANISHED)
                self.endpoint = proven
            exchange = await attempt(self.endpoint)
            if exchange.error in _NOTHING_SENT and self._book.distrusts(self.endpoint):
                continue
            if exchange.error not in _NO_CONNECTION or (other := await self._another()) is None:
                return exchange
            self.departed = (*self.departed, self.endpoint)
            self.endpoint = other

    async def _another(self) -> Endpoint | None:
        failed_at = asyncio.get_running_loop().time()
        self._book.doubt(self.endpoint)
        return self._book.next() if await self._book.had_departed(self.endpoint, failed_at) else None
