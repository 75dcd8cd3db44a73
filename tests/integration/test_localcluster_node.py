"""The parts of the local cluster's node that have to do with the kernel: forwarding, silence, memory."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from localcluster.node.forwarder import Forwarder
from localcluster.node.memory import WATCH_SECONDS, WatchedLimit
from localcluster.node.services import Routes, SocketAddress
from localcluster.node.silent_ports import SilentPorts, listening_ports
from localcluster.ports import free_port

SERVICE = "127.0.240.9"
FIRST, SECOND, SILENT = "127.0.1.1", "127.0.1.2", "127.0.1.3"


@asynccontextmanager
async def forwarding(routes: Routes) -> AsyncIterator[Forwarder]:
    forwarder = Forwarder(0.0)
    running = asyncio.create_task(forwarder.run())
    forwarder.set_routes(routes)
    try:
        yield forwarder
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@asynccontextmanager
async def serving(
    place: SocketAddress, answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> AsyncIterator[None]:
    async with await asyncio.start_server(answer, *place):
        yield


def naming(name: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A server that says its name after what it was sent, once the client has said all."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write(await reader.read() + name)
        writer.close()

    return answer


async def said_by(place: SocketAddress, text: bytes = b"") -> bytes:
    reader, writer = await connect(place)
    writer.write(text)
    writer.write_eof()
    said = await reader.read()
    writer.close()
    return said


async def connect(place: SocketAddress) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, though the forwarder may not have got to listening yet."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await asyncio.open_connection(*place)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)


async def refuses(place: SocketAddress) -> bool:
    try:
        _, writer = await asyncio.open_connection(*place)
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        # It waited to be accepted when the listener went.
        return False
    writer.close()
    return False


async def test_connections_go_to_any_of_the_endpoints_and_to_none_that_has_left() -> None:
    port = free_port()
    service, first, second = (SERVICE, port), (FIRST, port), (SECOND, port)
    async with (
        serving(first, naming(b"1")),
        serving(second, naming(b"2")),
        forwarding({service: (first, second)}) as forwarder,
    ):
        both = {await said_by(service, b"from ") for _ in range(60)}
        forwarder.set_routes({service: (second,)})
        async with asyncio.timeout(10):
            while {await said_by(service) for _ in range(20)} != {b"2"}:
                pass
        one = {await said_by(service) for _ in range(60)}

    assert both == {b"from 1", b"from 2"}
    assert one == {b"2"}


async def test_a_service_that_leads_nowhere_refuses_and_its_connections_live_on() -> None:
    port = free_port()
    service, first = (SERVICE, port), (FIRST, port)
    async with serving(first, naming(b"1")), forwarding({service: (first,)}) as forwarder:
        reader, writer = await connect(service)
        # Only what was accepted lives on: what waits to be accepted goes with the listener.
        await said_by(service)
        forwarder.set_routes({service: ()})
        async with asyncio.timeout(10):
            while not await refuses(service):
                pass
        writer.write(b"kept ")
        writer.write_eof()
        said = await reader.read()
        writer.close()

    assert said == b"kept 1"


async def test_an_endpoint_that_refuses_or_resets_resets_the_client() -> None:
    port = free_port()
    service, first, nobody = (SERVICE, port), (FIRST, port), (SECOND, port)

    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = (1).to_bytes(4, sys.byteorder) + bytes(4)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async with serving(first, reset), forwarding({service: (first,)}) as forwarder:
        for ends in ((first,), (nobody,)):
            forwarder.set_routes({service: ends})
            reader, writer = await connect(service)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.transport.abort()


async def test_a_reader_that_waits_makes_the_writer_wait() -> None:
    port = free_port()
    service, first = (SERVICE, port), (FIRST, port)
    reading = asyncio.Event()
    received = 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        await reading.wait()
        while data := await reader.read(1 << 20):
            received += len(data)
        writer.close()

    async with serving(first, slow), forwarding({service: (first,)}):
        reader, writer = await connect(service)
        sent = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                # The buffers of the kernel and of the streams are full long before this.
                while sent < 1 << 30:
                    writer.write(bytes(1 << 20))
                    sent += 1 << 20
                    await writer.drain()
        reading.set()
        writer.write_eof()
        await reader.read()
        writer.close()

    assert received == sent < 100 << 20


async def test_nobody_answers_at_a_vacated_address_until_its_time_is_over() -> None:
    port = free_port()
    silent_ports = SilentPorts(2.0)
    async with serving((SILENT, port), naming(b"")):
        assert listening_ports(SILENT) == {port}
        await said_by((SILENT, port))

    silent_ports.silence(SILENT, [port])

    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await asyncio.open_connection(SILENT, port)
    async with asyncio.timeout(10):
        while not await refuses((SILENT, port)):
            pass


def test_an_address_that_is_in_use_is_not_vacated() -> None:
    async def silence_again() -> bool:
        silent_ports = SilentPorts(0.0)
        with socket.create_server((SILENT, 0)) as server:
            silent_ports.silence(SILENT, [server.getsockname()[1]])
            with socket.create_connection(server.getsockname(), 1):
                server.settimeout(1)
                server.accept()[0].close()
        return True

    assert asyncio.run(silence_again())


TAKE = "import time; taken = bytearray({} << 20); time.sleep(60)"


@asynccontextmanager
async def watched(limit_mib: int, program: str) -> AsyncIterator[tuple[WatchedLimit, asyncio.subprocess.Process]]:
    """A Python program and its children, held to a limit."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-uc", program, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    watch = WatchedLimit(limit_mib << 20)
    keeping = asyncio.create_task(watch.enforce(process.pid))
    try:
        yield watch, process
    finally:
        keeping.cancel()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


async def test_the_watch_kills_the_process_that_takes_the_most_and_counts_it() -> None:
    child = f"subprocess.run([sys.executable, '-c', {TAKE.format(200)!r}])"
    async with watched(64, f"import subprocess, sys; print({child}.returncode)") as (watch, process):
        assert process.stdout is not None
        async with asyncio.timeout(30):
            said = await process.stdout.readline()

    assert said == b"-9\n"
    assert watch.kills() == 1


async def test_the_watch_counts_once_what_processes_share() -> None:
    fork = "import os, time; taken = bytearray(40 << 20); print(os.fork(), os.fork()); time.sleep(60)"
    async with watched(80, fork) as (watch, process):
        assert process.stdout is not None
        await process.stdout.readline()
        # Whoever is over the limit is found at the next look, and then killed at each.
        await asyncio.sleep(4 * WATCH_SECONDS)

        assert watch.kills() == 0
        assert process.returncode is None
