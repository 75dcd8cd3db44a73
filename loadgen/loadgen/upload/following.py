"""Following the target's addresses from the verification on: by its name, or as the operator pushes them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from loadgen.http.endpoints import Endpoint
from loadgen.upload.addresses import AddressBook
from loadgen.upload.name_resolution import NameNotResolvedError

REFRESH_SECONDS: Final = 10.0
"""The pause before a name is resolved again."""
RETRY_SECONDS: Final = 3.0
"""The pause before an address that the operator pushed, and that is not proven or in doubt, is tried again."""

ReadAddresses = Callable[[], Awaitable[tuple[Endpoint, ...]]]


async def follow_addresses(
    book: AddressBook,
    read_addresses: ReadAddresses,
    prove: Callable[[Endpoint], Awaitable[bool | None]],
    pause: Callable[[], Awaitable[None]],
    may_prove: Callable[[Endpoint], bool] = lambda _: True,
) -> None:
    """Ask for the target's addresses after each `pause`, until cancelled.

    Addresses that `may_prove` denies wait. `prove` returns True if a new address is proven, False if it must never be
    used, and None if it may be tried later. An address that does not answer delays neither the others nor the next
    look. The proof of an address that went away meanwhile does not count, because it may have come back as another one.
    """
    loop = asyncio.get_running_loop()
    proving: dict[Endpoint, object] = {}

    async def settle(endpoint: Endpoint, attempt: object) -> None:
        is_proven = await prove(endpoint)
        if proving.get(endpoint) is not attempt:
            return
        del proving[endpoint]
        if is_proven:
            book.confirm(endpoint)
        elif is_proven is False:
            book.distrust(endpoint)
        else:
            book.fail(endpoint)

    async with asyncio.TaskGroup() as tasks:
        while True:
            await pause()
            try:
                current_addresses = await read_addresses()
            except NameNotResolvedError as error:
                if not error.does_not_exist:
                    continue
                current_addresses = ()
            for endpoint in proving.keys() - set(current_addresses):
                del proving[endpoint]
            for endpoint in book.observe(current_addresses, loop.time()):
                if endpoint not in proving and may_prove(endpoint):
                    proving[endpoint] = attempt = object()
                    tasks.create_task(settle(endpoint, attempt))


class PushedAddresses:
    """The target's addresses as the operator pushes them, at first those of the plan.

    `was_pushed` says whether there was a push at all.
    """

    def __init__(self, addresses: tuple[Endpoint, ...]) -> None:
        self.addresses = addresses
        self.was_pushed = False
        self._wake = asyncio.Event()

    def push(self, addresses: tuple[Endpoint, ...]) -> None:
        """Take these in place of the addresses before."""
        self.addresses = addresses
        self.was_pushed = True
        self._wake.set()

    def wake(self) -> None:
        """Have the addresses looked at again, as after a push."""
        self._wake.set()

    async def read_addresses(self) -> tuple[Endpoint, ...]:
        return self.addresses

    async def wait_for_push(self, pause_seconds: float) -> None:
        """Wait until there was a push since the last wait, for so long at most."""
        try:
            async with asyncio.timeout(pause_seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
