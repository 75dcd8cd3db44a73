"""Which addresses stand for the target, and which of them are proven; only those are handed out for load."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Final

from loadgen.http.endpoints import Endpoint

PROOF_WAIT_SECONDS: Final = 10.0
"""How long an upload that has no proven address waits for one that is being verified."""
DEPARTURE_NEWS_SECONDS: Final = 1.0
"""How long an upload that found no connection waits for word of whether its address has left the target."""
CONNECT_SECONDS_ONCE_DEPARTED: Final = 1.0
"""The time-out of a connection that is being opened to an address that has left. Such an address may still serve."""


class AddressBook:
    """The proven addresses, those that vanished, those that failed their verification, and those that could not be
    verified so far.

    `next` hands the proven ones out in turn, and the doubted ones only if all are doubted. `has_push` says that
    somebody reports addresses as soon as they leave, so that it is worth waiting for that report. Instants are on the
    event loop's clock, in seconds.
    """

    def __init__(self, *, has_push: bool = False) -> None:
        self._has_push = has_push
        self._proven_addresses: list[Endpoint] = []
        self._doubted_addresses: set[Endpoint] = set()
        self._usable_addresses: list[Endpoint] = []
        self._vanished_addresses: list[Endpoint] = []
        self._departed_at: dict[Endpoint, float] = {}
        self._connect_timeouts: dict[Endpoint, set[asyncio.Timeout]] = {}
        self._distrusted_addresses: set[Endpoint] = set()
        self._failing_addresses: set[Endpoint] = set()
        self._spared_addresses: set[Endpoint] = set()
        self._expired_addresses: set[Endpoint] = set()
        self._current_addresses: frozenset[Endpoint] | None = None
        self._has_others = False
        self._turn = 0
        self._change = asyncio.Event()

    @property
    def proven_addresses(self) -> tuple[Endpoint, ...]:
        return tuple(self._proven_addresses)

    @property
    def vanished_addresses(self) -> tuple[Endpoint, ...]:
        """Addresses that were proven once and are no longer the target's, the oldest first."""
        return tuple(self._vanished_addresses)

    @property
    def doubted_addresses(self) -> tuple[Endpoint, ...]:
        """Proven addresses where no connection could be had, and that have not been proven anew since."""
        return tuple(sorted(self._doubted_addresses))

    @property
    def distrusted_addresses(self) -> tuple[Endpoint, ...]:
        return tuple(sorted(self._distrusted_addresses))

    @property
    def unusable_addresses(self) -> tuple[Endpoint, ...]:
        """Addresses that failed their verification, for good or so far, except those that were spared."""
        return tuple(sorted(self._distrusted_addresses | (self._failing_addresses - self._spared_addresses)))

    @property
    def unverified_addresses(self) -> tuple[Endpoint, ...]:
        """The target's addresses without a valid proof, except those that were tried in vain."""
        valid_addresses = frozenset(self._proven_addresses) - self._expired_addresses
        tried_addresses = self._distrusted_addresses | self._failing_addresses
        return tuple(sorted((self._current_addresses or frozenset()) - valid_addresses - tried_addresses))

    def proves(self, endpoint: Endpoint) -> bool:
        """Whether the address is proven by a proof that has not expired, and the target's by now."""
        return endpoint in self._proven_addresses and endpoint not in self._expired_addresses

    def distrusts(self, endpoint: Endpoint) -> bool:
        """Whether the address failed its verification."""
        return endpoint in self._distrusted_addresses

    @property
    def notice(self) -> str:
        """What has to be said of addresses that vanished or failed their verification; empty if there are none."""
        parts = []
        if self._vanished_addresses and not self._proven_addresses:
            parts.append("no address of the target is left")
        if self._vanished_addresses:
            parts.append(f"vanished: {', '.join(map(str, self._vanished_addresses))}")
        if self.unusable_addresses:
            parts.append(f"not verified, so not used: {', '.join(map(str, self.unusable_addresses))}")
        return "; ".join(parts)

    def confirm(self, endpoint: Endpoint) -> None:
        """The address is proven; one that is no longer the target's by then is not used for that."""
        self._wake_waiters()
        if self._current_addresses is not None and endpoint not in self._current_addresses:
            if endpoint not in self._vanished_addresses:
                self._vanished_addresses.append(endpoint)
            return
        if endpoint not in self._proven_addresses:
            self._proven_addresses.append(endpoint)
        if endpoint in self._vanished_addresses:
            self._vanished_addresses.remove(endpoint)
        self._departed_at.pop(endpoint, None)
        self._failing_addresses.discard(endpoint)
        self._spared_addresses.discard(endpoint)
        self._expired_addresses.discard(endpoint)
        self._doubted_addresses.discard(endpoint)
        self._choose_usable()

    def expire(self, endpoint: Endpoint) -> None:
        """The proof of the address is too old: the address is not used until it is proven anew."""
        if endpoint in self._proven_addresses:
            self._expired_addresses.add(endpoint)
            self._choose_usable()

    def fail(self, endpoint: Endpoint) -> None:
        """The address could not be verified so far, for a reason that may pass. A valid proof stays valid."""
        self._wake_waiters()
        if self.proves(endpoint) or endpoint not in (self._current_addresses or frozenset()):
            return
        self._failing_addresses.add(endpoint)
        self._withdraw(endpoint)

    def spare(self, endpoint: Endpoint) -> None:
        """Nobody listens at the address, as at some address of many names: it fails, and nothing is said of it."""
        self._spared_addresses.add(endpoint)
        self.fail(endpoint)

    def distrust(self, endpoint: Endpoint) -> None:
        """The address failed its verification: it is never used and never tried again.

        Connections that are being opened to it are given up.
        """
        self._wake_waiters()
        self._distrusted_addresses.add(endpoint)
        self._failing_addresses.discard(endpoint)
        self._shorten_connects(endpoint, 0.0)
        self._withdraw(endpoint)

    def _withdraw(self, endpoint: Endpoint) -> None:
        """Take the proof from an address that has one."""
        if endpoint in self._proven_addresses:
            self._proven_addresses.remove(endpoint)
        self._doubted_addresses.discard(endpoint)
        self._expired_addresses.discard(endpoint)
        self._choose_usable()

    def doubt(self, endpoint: Endpoint) -> None:
        """No connection could be had there: leave it until it is proven anew. The only address is never left."""
        if endpoint in self._proven_addresses and len(self._proven_addresses) > 1:
            self._doubted_addresses.add(endpoint)
        self._choose_usable()

    def trust(self, endpoint: Endpoint) -> None:
        """The address has answered as it should, so it is in doubt no more."""
        if endpoint in self._doubted_addresses:
            self._doubted_addresses.discard(endpoint)
            self._choose_usable()

    def _choose_usable(self) -> None:
        valid_addresses = [endpoint for endpoint in self._proven_addresses if self.proves(endpoint)]
        self._usable_addresses = [
            endpoint for endpoint in valid_addresses if endpoint not in self._doubted_addresses
        ] or valid_addresses

    def next(self) -> Endpoint | None:
        """The address for the next upload; None where none is left."""
        if not self._usable_addresses:
            return None
        self._turn += 1
        return self._usable_addresses[(self._turn - 1) % len(self._usable_addresses)]

    def has_other(self, endpoint: Endpoint) -> bool:
        """Whether there is another address that is not in doubt."""
        return any(other != endpoint and other not in self._doubted_addresses for other in self._usable_addresses)

    @contextmanager
    def watch_connect(self, endpoint: Endpoint, timeout: asyncio.Timeout) -> Iterator[None]:
        """Shorten the time-out if the address leaves the target while this lasts, unless it was the last address.

        Distrust of the address ends the connect at once, whatever other addresses there are.
        """
        timeouts = self._connect_timeouts.setdefault(endpoint, set())
        timeouts.add(timeout)
        try:
            yield
        finally:
            timeouts.discard(timeout)
            if not timeouts:
                self._connect_timeouts.pop(endpoint, None)

    def _shorten_connects(self, endpoint: Endpoint, seconds: float) -> None:
        """Let connects to the address last for so many seconds more at most."""
        for timeout in self._connect_timeouts.get(endpoint, ()):
            # One that has expired stays in the set until its task has had its turn.
            if not timeout.expired():
                shortened = asyncio.get_running_loop().time() + seconds
                timeout.reschedule(min(shortened, timeout.when() or shortened))

    async def has_departed(self, endpoint: Endpoint, at: float) -> bool:
        """Whether an address had left the target by this instant, at which no connection could be had there.

        If a report of that may still be under way, this waits for it.
        """
        deadline = at + DEPARTURE_NEWS_SECONDS
        while self._has_push and endpoint in self._proven_addresses and self.has_other(endpoint):
            try:
                async with asyncio.timeout_at(deadline):
                    await self._change.wait()
            except TimeoutError:
                break
        return self._departed_at.get(endpoint, inf) <= at

    async def wait_for_next(self, wait_seconds: float = PROOF_WAIT_SECONDS) -> Endpoint | None:
        """The address for the next upload. If none is left and one is being verified, wait for it within the limit."""
        deadline = asyncio.get_running_loop().time() + wait_seconds
        while (endpoint := self.next()) is None and self._may_prove_more:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._change.wait()
            except TimeoutError:
                break
        return endpoint

    @property
    def _may_prove_more(self) -> bool:
        """Whether there are addresses that may yet be proven."""
        return self._has_others or bool((self._current_addresses or frozenset()) - self._distrusted_addresses)

    def expect_others(self, has_others: bool) -> None:
        """Take note of whether there are addresses beside those that are observed, which may be observed later."""
        self._wake_waiters()
        self._has_others = has_others

    def _wake_waiters(self) -> None:
        """Wake those that wait for a change, after the caller has made it."""
        self._change.set()
        self._change = asyncio.Event()

    def observe(self, current_addresses: Iterable[Endpoint], since: float = 0.0) -> tuple[Endpoint, ...]:
        """Take note of the target's addresses as of now; gives those that need a verification before use.

        `since` is the instant from which on this is known to be so, even if it is reported later.
        """
        self._wake_waiters()
        current = sorted(set(current_addresses))
        self._current_addresses = frozenset(current)
        departed_addresses = [endpoint for endpoint in self._proven_addresses if endpoint not in current]
        for endpoint in departed_addresses:
            self._proven_addresses.remove(endpoint)
            self._vanished_addresses.append(endpoint)
            self._departed_at[endpoint] = since
            self._doubted_addresses.discard(endpoint)
            self._expired_addresses.discard(endpoint)
        self._failing_addresses &= self._current_addresses
        self._spared_addresses &= self._current_addresses
        self._choose_usable()
        if self._proven_addresses:
            for endpoint in departed_addresses:
                # One that still serves takes a connection in that time.
                self._shorten_connects(endpoint, CONNECT_SECONDS_ONCE_DEPARTED)
        trusted_addresses = frozenset(self._proven_addresses) - self._doubted_addresses - self._expired_addresses
        return tuple(
            endpoint
            for endpoint in current
            if endpoint not in trusted_addresses and endpoint not in self._distrusted_addresses
        )
