"""Which addresses stand for the target, and which of them are proven; only those are handed out for load."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Final

from loadgen.http.endpoints import Endpoint
from loadgen.http.first_seconds import NO_SUCH_NAME

REFRESH_SECONDS: Final = 10.0
WAIT_SECONDS: Final = 10.0
"""How long an upload that has no proven address waits for one that is being verified."""
NEWS_SECONDS: Final = 1.0
"""How long an upload that found no connection waits for word of whether its address has left the target."""
CONNECT_SECONDS_ONCE_DEPARTED: Final = 1.0
"""How long an address that has left is borne with where a connection to it is being opened: it may still serve."""

Resolve = Callable[[], Awaitable[tuple[Endpoint, ...]]]


class NameNotResolvedError(OSError):
    """The target's name could not be resolved. `gone` says that it does not exist; else it may be asked again."""

    def __init__(self, message: str, *, gone: bool) -> None:
        super().__init__(message)
        self.gone = gone


async def resolve(host: str, port: int) -> tuple[Endpoint, ...]:
    """Every address of a name, in a fixed order. Raises NameNotResolvedError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_ADDRCONFIG
        )
    except (OSError, UnicodeError) as error:
        gone = isinstance(error, UnicodeError) or error.errno in NO_SUCH_NAME
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise NameNotResolvedError(f"the name {host} was not resolved: {reason}", gone=gone) from error
    return tuple(sorted({Endpoint(str(address[0]), port) for *_, address in found}))


class AddressBook:
    """The proven addresses, those that vanished, and those that failed their verification.

    `next` hands the proven ones out in turn, those that are doubted only where all are. `is_told` says that somebody
    tells of addresses that leave as soon as they do, so that it is worth waiting for a word. Instants are on the event
    loop's clock, in seconds.
    """

    def __init__(self, *, is_told: bool = False) -> None:
        self._is_told = is_told
        self._proven: list[Endpoint] = []
        self._doubted: set[Endpoint] = set()
        self._handed_out: list[Endpoint] = []
        self._vanished: list[Endpoint] = []
        self._left_at: dict[Endpoint, float] = {}
        self._connecting: dict[Endpoint, set[asyncio.Timeout]] = {}
        self._distrusted: set[Endpoint] = set()
        self._current: frozenset[Endpoint] | None = None
        self._more = False
        self._turn = 0
        self._news = asyncio.Event()

    @property
    def proven(self) -> tuple[Endpoint, ...]:
        return tuple(self._proven)

    @property
    def vanished(self) -> tuple[Endpoint, ...]:
        """Addresses that were proven once and are no longer the target's, the oldest first."""
        return tuple(self._vanished)

    @property
    def doubted(self) -> tuple[Endpoint, ...]:
        """Proven addresses where no connection could be had, and that have not been proven anew since."""
        return tuple(sorted(self._doubted))

    @property
    def distrusted(self) -> tuple[Endpoint, ...]:
        return tuple(sorted(self._distrusted))

    def proves(self, endpoint: Endpoint) -> bool:
        """Whether the address is proven, and the target's by now."""
        return endpoint in self._proven

    def distrusts(self, endpoint: Endpoint) -> bool:
        """Whether the address failed its verification."""
        return endpoint in self._distrusted

    @property
    def notice(self) -> str:
        """What has to be said of addresses that vanished or failed their verification; empty if there are none."""
        parts = []
        if self._vanished and not self._proven:
            parts.append("no address of the target is left")
        if self._vanished:
            parts.append(f"vanished: {', '.join(map(str, self._vanished))}")
        if self._distrusted:
            parts.append(f"not verified, so not used: {', '.join(map(str, self.distrusted))}")
        return "; ".join(parts)

    def confirm(self, endpoint: Endpoint) -> None:
        """The address is proven; one that is no longer the target's by then is not used for that."""
        self._tell()
        if self._current is not None and endpoint not in self._current:
            if endpoint not in self._vanished:
                self._vanished.append(endpoint)
            return
        if endpoint not in self._proven:
            self._proven.append(endpoint)
        if endpoint in self._vanished:
            self._vanished.remove(endpoint)
        self._left_at.pop(endpoint, None)
        self._doubted.discard(endpoint)
        self._choose()

    def distrust(self, endpoint: Endpoint) -> None:
        """The address failed its verification: it is never used and never tried again.

        Connections that are being opened to it are given up.
        """
        self._tell()
        self._distrusted.add(endpoint)
        self._draw_nearer(endpoint, 0.0)
        if endpoint in self._proven:
            self._proven.remove(endpoint)
        self._doubted.discard(endpoint)
        self._choose()

    def doubt(self, endpoint: Endpoint) -> None:
        """No connection could be had there: leave it until it is proven anew. The only address is never left."""
        if endpoint in self._proven and len(self._proven) > 1:
            self._doubted.add(endpoint)
        self._choose()

    def trust(self, endpoint: Endpoint) -> None:
        """The address has answered as it should, so it is in doubt no more."""
        if endpoint in self._doubted:
            self._doubted.discard(endpoint)
            self._choose()

    def _choose(self) -> None:
        self._handed_out = [each for each in self._proven if each not in self._doubted] or list(self._proven)

    def next(self) -> Endpoint | None:
        """The address for the next upload; None where none is left."""
        if not self._handed_out:
            return None
        self._turn += 1
        return self._handed_out[(self._turn - 1) % len(self._handed_out)]

    def has_other(self, endpoint: Endpoint) -> bool:
        """Whether there is another address that is not in doubt."""
        return any(each != endpoint and each not in self._doubted for each in self._handed_out)

    @contextmanager
    def connecting(self, endpoint: Endpoint, bound: asyncio.Timeout) -> Iterator[None]:
        """While this lasts, the address's leaving draws the bound nearer, unless it was the last address; and so does
        distrust of it, whatever others there are.
        """
        held = self._connecting.setdefault(endpoint, set())
        held.add(bound)
        try:
            yield
        finally:
            held.discard(bound)
            if not held:
                self._connecting.pop(endpoint, None)

    def _draw_nearer(self, endpoint: Endpoint, seconds: float) -> None:
        """Bear with connects to the address for no longer than so many seconds more."""
        for bound in self._connecting.get(endpoint, ()):
            # One that has expired stays in the set until its task has had its turn.
            if not bound.expired():
                soon = asyncio.get_running_loop().time() + seconds
                bound.reschedule(min(soon, bound.when() or soon))

    async def had_departed(self, endpoint: Endpoint, at: float) -> bool:
        """Whether an address had left the target by this instant, at which no connection could be had there.

        Where word of that may still be under way, it is waited for.
        """
        until = at + NEWS_SECONDS
        while self._is_told and endpoint in self._proven and self.has_other(endpoint):
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                break
        return self._left_at.get(endpoint, inf) <= at

    async def next_in_time(self, wait_seconds: float = WAIT_SECONDS) -> Endpoint | None:
        """The same, but where none is left and one is being verified, wait for it, for so long at most."""
        until = asyncio.get_running_loop().time() + wait_seconds
        while (endpoint := self.next()) is None and self._expects:
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                break
        return endpoint

    @property
    def _expects(self) -> bool:
        """Whether there are addresses that may yet be proven."""
        return self._more or bool((self._current or frozenset()) - self._distrusted)

    def expect(self, more: bool) -> None:
        """Take note of whether there are addresses beside those that are observed, which may come to be."""
        self._tell()
        self._more = more

    def _tell(self) -> None:
        """Wake who waits for news, once what is told is done."""
        self._news.set()
        self._news = asyncio.Event()

    def observe(self, current: Iterable[Endpoint], since: float = 0.0) -> tuple[Endpoint, ...]:
        """Take note of the target's addresses as of now; gives those that need a verification before use.

        `since` is the instant from which on this is known to be so, also where it is heard of later.
        """
        self._tell()
        now = sorted(set(current))
        self._current = frozenset(now)
        gone = [endpoint for endpoint in self._proven if endpoint not in now]
        for endpoint in gone:
            self._proven.remove(endpoint)
            self._vanished.append(endpoint)
            self._left_at[endpoint] = since
            self._doubted.discard(endpoint)
        self._choose()
        if self._proven:
            for endpoint in gone:
                # One that still serves takes a connection in that time.
                self._draw_nearer(endpoint, CONNECT_SECONDS_ONCE_DEPARTED)
        usable = frozenset(self._proven) - self._doubted
        return tuple(each for each in now if each not in usable and each not in self._distrusted)


async def keep_fresh(
    book: AddressBook,
    ask: Resolve,
    prove: Callable[[Endpoint], Awaitable[bool | None]],
    pause: Callable[[], Awaitable[None]],
) -> None:
    """Ask for the target's addresses after each `pause`, until cancelled.

    `prove` says of a new address: True, it is proven; False, it must never be used; None, it may be tried later. One
    that does not answer keeps neither the others nor the news waiting. The proof of one that went away meanwhile, and
    may have come back as another, is none.
    """
    loop = asyncio.get_running_loop()
    proving: dict[Endpoint, object] = {}

    async def settle(endpoint: Endpoint, attempt: object) -> None:
        proven = await prove(endpoint)
        if proving.get(endpoint) is not attempt:
            return
        del proving[endpoint]
        if proven:
            book.confirm(endpoint)
        elif proven is False:
            book.distrust(endpoint)

    async with asyncio.TaskGroup() as tasks:
        while True:
            await pause()
            try:
                current = await ask()
            except NameNotResolvedError as error:
                if not error.gone:
                    continue
                current = ()
            for endpoint in proving.keys() - set(current):
                del proving[endpoint]
            for endpoint in book.observe(current, loop.time()):
                if endpoint not in proving:
                    proving[endpoint] = attempt = object()
                    tasks.create_task(settle(endpoint, attempt))


class Told:
    """The target's addresses as they are told from outside, at first those of the plan."""

    def __init__(self, addresses: tuple[Endpoint, ...]) -> None:
        self._addresses = addresses
        self._news = asyncio.Event()

    def tell(self, addresses: tuple[Endpoint, ...]) -> None:
        """Take these in place of the addresses told before."""
        self._addresses = addresses
        self._news.set()

    async def ask(self) -> tuple[Endpoint, ...]:
        return self._addresses

    async def news(self, pause_seconds: float) -> None:
        """Wait until something was told since the last wait, for so long at most."""
        try:
            async with asyncio.timeout(pause_seconds):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()
