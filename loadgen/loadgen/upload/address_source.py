"""Where the target's addresses come from, and which of them this pod may verify."""

import asyncio
from collections.abc import Awaitable, Callable

from loadgen.http.endpoints import Endpoint
from loadgen.upload.addresses import DEPARTURE_NEWS_SECONDS
from loadgen.upload.following import RETRY_SECONDS, PushedAddresses
from loadgen.upload.name_resolution import NameNotResolvedError

ResolveName = Callable[[], Awaitable[tuple[Endpoint, ...]]]


class AddressSource:
    """The addresses of one target: those that the operator pushes, those of its name, or the one in its URL.

    Behind a Service, `plan_addresses` are the first ones, and every pod may verify what it is told. Behind a name, for
    which there is `resolve_name`, each pod resolves the name itself. Of several pods the one that `goes_first` verifies
    whatever the name resolves to; the others verify an address once they are told that it is proven.
    """

    def __init__(
        self,
        plan_addresses: tuple[Endpoint, ...],
        literal_endpoint: Endpoint | None,
        resolve_name: ResolveName,
        *,
        goes_first: bool,
    ) -> None:
        self.is_pushed = bool(plan_addresses)
        self.is_name = not plan_addresses and literal_endpoint is None
        self._literal_endpoint = literal_endpoint
        self._resolve_name = resolve_name
        self._goes_first = goes_first
        self._pushed_addresses = PushedAddresses(plan_addresses)
        self._newest_addresses = plan_addresses
        self._departed_addresses: set[Endpoint] = set()

    @property
    def has_forgotten(self) -> bool:
        """Whether an address that the operator told of has left the name since, so that its proof counts no more."""
        return bool(self._departed_addresses)

    @property
    def newest_addresses(self) -> tuple[Endpoint, ...]:
        """The addresses as they were pushed or read last."""
        return self._pushed_addresses.addresses if self.is_pushed else self._newest_addresses

    def push(self, addresses: tuple[Endpoint, ...], *, goes_first: bool = False) -> None:
        """Take what the operator tells."""
        self._goes_first = goes_first
        self._departed_addresses.clear()
        self._pushed_addresses.push(addresses)

    def wake(self) -> None:
        """End the wait for a push, as a push does."""
        self._pushed_addresses.wake()

    async def wait_for_push(self, pause_seconds: float) -> None:
        """Wait for the next push, for so long at most."""
        await self._pushed_addresses.wait_for_push(pause_seconds)

    def may_prove(self, endpoint: Endpoint) -> bool:
        """Whether this pod may verify the address.

        A pod that was never told of addresses has an operator that does not tell of them, and waits for nobody.
        """
        if not self.is_name or self._goes_first or not self._pushed_addresses.was_pushed:
            return True
        return endpoint in self._pushed_addresses.addresses and endpoint not in self._departed_addresses

    async def read(self) -> tuple[Endpoint, ...]:
        """The target's addresses as of now. Raises NameNotResolvedError."""
        if self.is_pushed:
            return self._pushed_addresses.addresses
        if self._literal_endpoint is not None:
            self._newest_addresses = (self._literal_endpoint,)
        else:
            resolved_addresses = await self._resolve_name()
            if not self._goes_first:
                # One that comes back may be another one, so that it waits for a new proof.
                left_addresses = {*self._newest_addresses} - {*resolved_addresses}
                self._departed_addresses |= left_addresses.intersection(self._pushed_addresses.addresses)
            # What other pods see behind the name is this pod's to verify for them.
            others = self._pushed_addresses.addresses if self._goes_first else ()
            self._newest_addresses = tuple(dict.fromkeys((*resolved_addresses, *others)))
        return self._newest_addresses

    async def read_provable(self) -> tuple[Endpoint, ...]:
        """The addresses that this pod may verify. If there are none, this waits until there are.

        Raises NameNotResolvedError.
        """
        while True:
            if endpoints := tuple(endpoint for endpoint in await self.read() if self.may_prove(endpoint)):
                return endpoints
            await self.wait_for_push(RETRY_SECONDS)

    async def has_departed(self, endpoint: Endpoint) -> bool:
        """Whether an address at which no proof could be had has left the target. This waits a moment for word of it."""
        if not self.is_pushed:
            try:
                return endpoint not in await self.read()
            except NameNotResolvedError as error:
                return error.does_not_exist
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DEPARTURE_NEWS_SECONDS
        while endpoint in self._pushed_addresses.addresses and loop.time() < deadline:
            await self.wait_for_push(deadline - loop.time())
        return endpoint not in self._pushed_addresses.addresses
