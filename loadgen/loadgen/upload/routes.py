"""From one upload to an address that takes its connection."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from math import inf
from typing import Final

from msgspec import Struct

from loadgen.http.endpoints import Endpoint
from loadgen.http.transport import Exchange, TurnedAwayError
from loadgen.upload.addresses import AddressBook
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind

CONNECT_SECONDS_WITH_ANOTHER: Final = 3.5
"""The time-out of a connect while another address is known to live. A system that gets no answer sends its first packet
again after 1 s and after 3 s. An address that has not answered the third either is absent, or refuses connections."""

_CONNECT_ERRORS: Final = frozenset({ErrorKind.REFUSED, ErrorKind.CONNECT_TIMEOUT})
_ERRORS_BEFORE_SENDING: Final = _CONNECT_ERRORS | {ErrorKind.NO_ADDRESS}

_DISTRUSTED_TEXT: Final = "{} failed its verification, so nothing was sent"
_DEPARTED_TEXT: Final = "{} left the target before there was a connection, and no other address is proven"


class Route(Struct, eq=False):
    """Where one upload goes: an address of the book, and another if that one left before there was a connection.

    `endpoint` is the address now, `departed_addresses` are those before it. `may_send` says whether the load still
    lasts: it is asked before each connection and right before the first byte.
    """

    _book: AddressBook
    endpoint: Endpoint
    _may_send: Callable[[], bool]
    departed_addresses: tuple[Endpoint, ...] = ()

    @property
    def most_connect_seconds(self) -> float:
        """How long to wait for a connection at the address at most; for ever where there is no other."""
        return CONNECT_SECONDS_WITH_ANOTHER if self._book.has_other(self.endpoint) else inf

    def watch_connect(self, timeout: asyncio.Timeout) -> AbstractContextManager[None]:
        """Shorten the time-out if the address leaves the target while this lasts, or is distrusted."""
        return self._book.watch_connect(self.endpoint, timeout)

    def refusal_reason(self) -> str:
        """Why nothing may be sent to the address any more; empty if something may.

        One that left the target while a connection to it was being opened may still serve. Raises TurnedAwayError
        where nothing may be sent to any address.
        """
        if not self._may_send():
            raise TurnedAwayError
        return _DISTRUSTED_TEXT.format(self.endpoint) if self._book.distrusts(self.endpoint) else ""

    async def try_addresses(self, attempt: Callable[[Endpoint], Awaitable[Exchange]]) -> Exchange:
        """Attempt the upload, at another address as long as those before it had left and took no connection.

        An address that is still the target's and takes none has refused the upload, as it refuses whoever comes. None
        is tried that is no longer proven: it may have left, or lost its proof, while the file was being made. Raises
        TurnedAwayError once nothing may be sent any more.
        """
        while True:
            if not self._may_send():
                raise TurnedAwayError
            if not self._book.proves(self.endpoint):
                proven_address = self._book.next()
                if proven_address is None:
                    detail = self.refusal_reason() or _DEPARTED_TEXT.format(self.endpoint)
                    return Exchange(None, ErrorKind.NO_ADDRESS, detail, Cause.ADDRESSES_VANISHED)
                self.endpoint = proven_address
            exchange = await attempt(self.endpoint)
            if exchange.error in _ERRORS_BEFORE_SENDING and self._book.distrusts(self.endpoint):
                continue
            if exchange.error not in _CONNECT_ERRORS or (next_address := await self._next_after_departure()) is None:
                return exchange
            self.departed_addresses = (*self.departed_addresses, self.endpoint)
            self.endpoint = next_address

    async def _next_after_departure(self) -> Endpoint | None:
        failed_at = asyncio.get_running_loop().time()
        self._book.doubt(self.endpoint)
        return self._book.next() if await self._book.has_departed(self.endpoint, failed_at) else None
