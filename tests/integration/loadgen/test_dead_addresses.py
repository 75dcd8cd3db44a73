"""An address among live ones that takes no connection: one that refuses, and one that is silent."""

import asyncio
import itertools
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from http_target import HttpTarget, running_target
from loadgen.http.connections import Connection, Connections
from loadgen.http.endpoints import Endpoint
from loadgen.load.engine import Engine
from loadgen.measure.recorder import Recorder
from loadgen.upload.addresses import CONNECT_SECONDS_ONCE_DEPARTED, AddressBook
from loadgen.upload.routes import CONNECT_SECONDS_WITH_ANOTHER
from loadgen.upload.uploading import make_uploader
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.step import StepAggregate
from support.loadgen_plans import make_plan


@contextmanager
def refusing() -> Iterator[Endpoint]:
    """An address where nobody listens, nor can while this lasts."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.3", 0))
        yield Endpoint(*bound.getsockname())


@contextmanager
def silent() -> Iterator[Endpoint]:
    """An address where somebody listens whose queue of new connections is full, so that a further one hears nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.4", 0))
        listener.listen(0)
        waiting = []
        try:
            for _ in range(4):
                connection = socket.socket()
                connection.setblocking(False)
                connection.connect_ex(listener.getsockname())
                waiting.append(connection)
            yield Endpoint(*listener.getsockname())
        finally:
            for connection in waiting:
                connection.close()


class Load:
    """One pod's load on a live address and a dead one, of which somebody tells when it leaves."""

    def __init__(self, live: HttpTarget, dead: Endpoint, **plan: Any) -> None:
        made = make_plan(live.url, **plan)
        self.live, self.dead = Endpoint(live.host, live.port), dead
        self.book = AddressBook(has_push=True)
        for endpoint in (dead, self.live):
            self.book.confirm(endpoint)
        self.book.observe((dead, self.live))
        self.recorder = Recorder(0, 1)
        nonces = itertools.count()
        uploader = make_uploader(made, 0, lambda: f"nonce-{next(nonces)}")
        self.engine = Engine(made, 0, uploader, self.book, self.recorder, time.monotonic_ns)

    async def run(self) -> StepAggregate:
        assert await self.engine.run(time.monotonic_ns()) is None
        (step,) = self.recorder.read(0, time.monotonic_ns())[1]
        assert step.total.is_conserved
        assert all(second.counts.is_conserved for second in step.seconds)
        assert sum(counts.sent for counts in step.addresses.values()) == step.total.sent
        return step

    def leaves(self, after_seconds: float, *, age_seconds: float = 0.0) -> None:
        """Tell in some time that the dead address has left, and since when."""
        loop = asyncio.get_running_loop()
        loop.call_later(after_seconds, lambda: self.book.observe((self.live,), loop.time() - age_seconds))


async def test_an_address_that_is_still_the_targets_refuses_once_and_is_left() -> None:
    async with running_target() as target:
        with refusing() as dead:
            load = Load(target, dead, virtual_users=1, duration_seconds=2.0)

            step = await load.run()

    assert (step.total.rejected, step.errors) == (1, {ErrorKind.REFUSED: 1})
    assert step.addresses[str(dead)].refused == 1
    assert step.total.accepted == len(target.uploads) > 5
    assert step.total.rerouted == 0
    assert load.book.doubted_addresses == (dead,)


async def test_an_upload_refused_by_an_address_that_had_left_goes_to_another_and_is_counted_apart() -> None:
    async with running_target() as target:
        with refusing() as dead:
            load = Load(target, dead, virtual_users=1, duration_seconds=2.0)
            load.leaves(0.4, age_seconds=10.0)

            step = await load.run()

    assert step.total.accepted == step.total.sent == len(target.uploads)
    assert (step.total.rerouted, step.errors) == (1, {})
    assert (step.addresses[str(dead)].sent, step.addresses[str(dead)].rerouted) == (0, 1)
    # Its response time has the wait for the word in it, so what the detour cost is seen.
    assert (step.response.max_seconds or 0.0) > 0.2
    assert step.parts.connect.max_nanoseconds > 200_000_000


async def test_an_upload_refused_before_its_address_left_stays_refused() -> None:
    async with running_target() as target:
        with refusing() as dead:
            load = Load(target, dead, virtual_users=1, duration_seconds=2.0)
            load.leaves(0.5)

            step = await load.run()

    assert (step.errors, step.total.rerouted) == ({ErrorKind.REFUSED: 1}, 0)


async def test_the_rows_of_an_upload_that_went_elsewhere_arrive_once() -> None:
    async with running_target() as target:
        with refusing() as dead:
            load = Load(target, dead, virtual_users=3, duration_seconds=1.5, batch_size=2_000)
            load.leaves(0.3, age_seconds=10.0)

            step = await load.run()

    ids = [each for received in target.uploads for each in received.client_ids]
    assert step.total.rerouted > 0
    assert len(ids) == len(set(ids)) == step.total.records_sent == step.total.records_confirmed


@pytest.mark.parametrize("virtual_users", [1, 3])
async def test_a_silent_address_is_waited_for_no_longer_than_a_second_try_takes(virtual_users: int) -> None:
    async with running_target() as target:
        with silent() as dead:
            load = Load(target, dead, virtual_users=virtual_users, duration_seconds=7.0)

            step = await load.run()

    assert step.addresses[str(dead)].unanswered == step.errors[ErrorKind.CONNECT_TIMEOUT] <= virtual_users
    assert set(step.errors) == {ErrorKind.CONNECT_TIMEOUT}
    longest = step.rejected_response.max_seconds or 0.0
    assert CONNECT_SECONDS_WITH_ANOTHER <= longest < 9.0
    assert step.total.accepted == len(target.uploads) > 0


async def test_a_connect_to_a_silent_address_ends_soon_after_that_leaves() -> None:
    async with running_target() as target:
        with silent() as dead:
            load = Load(target, dead, virtual_users=1, duration_seconds=2.5)
            load.leaves(0.5)

            step = await load.run()

    assert (step.errors, step.total.rerouted) == ({}, 1)
    assert step.addresses[str(dead)].rerouted == 1
    assert CONNECT_SECONDS_ONCE_DEPARTED < (step.response.max_seconds or 0.0) < CONNECT_SECONDS_WITH_ANOTHER


async def test_a_connection_that_an_address_on_its_way_out_takes_is_used() -> None:
    async with running_target() as target, running_target(host="127.0.0.5") as leaving:
        load = Load(target, Endpoint(leaving.host, leaving.port), virtual_users=3, duration_seconds=2.0)
        load.leaves(0.5)

        step = await load.run()

    assert step.total.accepted == step.total.sent
    assert step.total.rerouted == 0
    assert len(leaving.uploads) > 0


async def test_an_address_without_another_is_waited_for_as_long_as_the_plan_says() -> None:
    async with running_target() as target:
        with silent() as dead:
            load = Load(
                target,
                dead,
                virtual_users=1,
                duration_seconds=0.5,
                target={"timeout": "9s", "timeouts": {"connect": "5s"}},
            )
            load.book.observe((dead,))

            step = await load.run()

    assert step.errors == {ErrorKind.CONNECT_TIMEOUT: 1}
    assert (step.rejected_response.max_seconds or 0.0) >= 5.0


async def test_where_every_address_refuses_the_uploads_are_refused() -> None:
    async with running_target() as target:
        with refusing() as dead, refusing() as other:
            load = Load(target, dead, virtual_users=2, duration_seconds=2.5, load={"thinkTime": "50ms"})
            load.book.observe((dead, other))
            load.book.confirm(other)

            step = await load.run()

    assert step.total.sent == step.total.rejected == step.errors[ErrorKind.REFUSED] > 4
    assert {address for address, counts in step.addresses.items() if counts.refused} == {str(dead), str(other)}
    assert step.total.rerouted == 0


async def test_a_connect_to_a_silent_address_ends_when_that_is_distrusted() -> None:
    async with running_target() as target:
        with silent() as dead:
            load = Load(target, dead, virtual_users=1, duration_seconds=2.0)
            asyncio.get_running_loop().call_later(0.5, load.book.distrust, dead)

            step = await load.run()

    assert (step.errors, step.total.rerouted) == ({}, 0)
    assert set(step.addresses) == {str(load.live)}
    assert (step.response.max_seconds or 0.0) < CONNECT_SECONDS_WITH_ANOTHER


@pytest.mark.parametrize("batch_size", [20, 2_000])
async def test_nothing_is_sent_over_a_connection_to_an_address_that_was_distrusted_meanwhile(
    batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_target() as target, running_target(host="127.0.0.5") as lying:
        changed = Endpoint(lying.host, lying.port)
        load = Load(target, changed, virtual_users=2, duration_seconds=1.0, batch_size=batch_size)
        connect = Connections.open

        async def distrusted_by_then(self: Connections, endpoint: Endpoint, name: str | None) -> Connection:
            connection = await connect(self, endpoint, name)
            if endpoint == changed:
                load.book.distrust(changed)
            return connection

        monkeypatch.setattr(Connections, "open", distrusted_by_then)

        step = await load.run()

    assert lying.uploads == []
    assert step.total.accepted == step.total.sent == len(target.uploads) > 0
