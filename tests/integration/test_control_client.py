"""Requests to control servers, on real connections to servers that answer what a test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from loadtest_control import connections
from loadtest_control.client import ControlClient
from loadtest_control.requests import get_request, post_request

SOON_SECONDS = 10.0
LARGEST_BYTES = 1 << 20

Serve = Callable[["Server", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A server that `serve` makes up; `connections` counts those it took, and `requests` are the heads it read."""

    address: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def read_request(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        return head


@asynccontextmanager
async def running(serve: Serve) -> AsyncIterator[Server]:
    made = Server()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.connections += 1
        made.writers.append(writer)
        try:
            await serve(made, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    made.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made
        for writer in made.writers:
            writer.close()


@pytest.fixture
async def client() -> AsyncIterator[ControlClient]:
    async with ControlClient() as made:
        yield made


def answer(body: bytes, head: bytes = b"HTTP/1.1 200 OK\r\n") -> bytes:
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


async def serve_forever(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await server.read_request(reader)
        writer.write(answer(b"%d" % len(server.requests)))


async def get(client: ControlClient, server: Server, path: str = "/snapshot") -> tuple[int, bytes]:
    async with (
        asyncio.timeout(SOON_SECONDS),
        client.exchange(server.address, lambda: get_request(server.address, path)) as received,
    ):
        body = await received.read(LARGEST_BYTES)
        assert body is not None
        return received.status, bytes(body)


async def test_the_connection_of_a_whole_answer_is_used_again(client: ControlClient) -> None:
    async with running(serve_forever) as server:
        answers = [await get(client, server) for _ in range(3)]

    assert answers == [(200, b"1"), (200, b"2"), (200, b"3")]
    assert server.connections == 1


async def test_a_request_is_made_again_if_its_kept_connection_turns_out_to_be_closed(client: ControlClient) -> None:
    async def serve_one(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(answer(b"%d" % len(server.requests)))
        # The next request on this connection is read and never answered.
        await reader.readuntil(b"\r\n\r\n")

    made: list[int] = []

    def make_request() -> bytes:
        made.append(len(made))
        return get_request(server.address, f"/snapshot?since={len(made)}")

    async with running(serve_one) as server:
        await get(client, server)
        async with asyncio.timeout(SOON_SECONDS), client.exchange(server.address, make_request) as received:
            assert await received.read(LARGEST_BYTES) == b"2"

    assert made == [0, 1]
    assert server.connections == 2
    assert b"since=2" in server.requests[-1]


async def test_a_request_on_a_new_connection_is_sent_once(client: ControlClient) -> None:
    async def serve_nothing(server: Server, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)

    async with running(serve_nothing) as server:
        with pytest.raises(aiohttp.ClientError):
            await get(client, server)

    assert len(server.requests) == 1


async def test_a_request_is_not_sent_again_once_its_answer_has_begun(client: ControlClient) -> None:
    async def break_off(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(answer(b"whole"))
        await server.read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-")

    async with running(break_off) as server:
        await get(client, server)
        with pytest.raises(aiohttp.ClientError):
            await get(client, server)

    assert len(server.requests) == 2


async def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one(client: ControlClient) -> None:
    release = asyncio.Event()

    async def serve_late(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = server.connections
        while True:
            await server.read_request(reader)
            if number == 1:
                await release.wait()
            writer.write(answer(b"of connection %d" % number))

    async with running(serve_late) as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), client.exchange(server.address, lambda: get_request("h", "/")):
                pass
        release.set()

        assert await get(client, server) == (200, b"of connection 2")


@pytest.mark.parametrize("comes_with_the_answer", [True, False])
async def test_a_connection_on_which_something_came_unasked_is_not_used_again(
    client: ControlClient, *, comes_with_the_answer: bool
) -> None:
    release = asyncio.Event()

    async def serve_twice(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = server.connections
        await server.read_request(reader)
        writer.write(answer(b"of connection %d" % number))
        if number == 1:
            if not comes_with_the_answer:
                await release.wait()
            writer.write(answer(b"unasked"))
        await reader.read()

    async with running(serve_twice) as server:
        await get(client, server)
        release.set()
        idle = client._open_connections._idle.get(server.address, [])
        async with asyncio.timeout(SOON_SECONDS):
            while any(connection.is_reusable for connection in idle):  # noqa: ASYNC110 - a plain value
                await asyncio.sleep(0.01)

        assert await get(client, server) == (200, b"of connection 2")


async def test_an_answer_whose_rest_nobody_reads_is_not_in_the_way_of_the_next(client: ControlClient) -> None:
    async def serve_long(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(answer(b"x" * LARGEST_BYTES * 4))
        await writer.drain()

    async with running(serve_long) as server:
        for _ in range(2):
            async with (
                asyncio.timeout(SOON_SECONDS),
                client.exchange(server.address, lambda: get_request("h", "/")) as received,
            ):
                assert received.status == 200
                assert await received.read(LARGEST_BYTES) is None

    assert server.connections == 2


async def test_an_interim_answer_is_none(client: ControlClient) -> None:
    async def serve_interim(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"final"))

    async with running(serve_interim) as server:
        assert await get(client, server) == (200, b"final")


async def test_a_redirect_is_not_followed(client: ControlClient) -> None:
    async def redirect(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(answer(b"", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"))

    async with running(redirect) as server:
        assert await get(client, server) == (302, b"")


async def test_what_is_not_http_is_no_answer(client: ControlClient) -> None:
    async def serve_noise(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
        await reader.read()

    async with running(serve_noise) as server:
        with pytest.raises(aiohttp.ClientError):
            await get(client, server)


async def test_a_body_that_breaks_off_is_no_answer(client: ControlClient) -> None:
    async def break_off(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")

    async with running(break_off) as server:
        with pytest.raises(aiohttp.ClientError):
            await get(client, server)


async def test_a_body_in_chunks_is_read_whole_and_its_connection_kept(client: ControlClient) -> None:
    async def serve_chunks(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await server.read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    async with running(serve_chunks) as server:
        assert [await get(client, server) for _ in range(2)] == [(200, b"abcde")] * 2

    assert server.connections == 1


async def test_an_address_that_is_none_is_no_answer_and_is_not_looked_up(client: ControlClient) -> None:
    with pytest.raises(OSError, match="is no address of a control server"):
        await get(client, Server(address="localhost:8089"))


async def test_a_connection_that_nobody_uses_is_closed(client: ControlClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.05)
    has_ended = asyncio.Event()

    async def watch_end(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(answer(b"1"))
        await reader.read()
        has_ended.set()

    async with running(watch_end) as server:
        await get(client, server)
        async with asyncio.timeout(SOON_SECONDS):
            await has_ended.wait()


async def test_a_connection_that_the_server_closes_is_forgotten(client: ControlClient) -> None:
    async def serve_one(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        writer.write(answer(b"1"))

    async with running(serve_one) as server:
        await get(client, server)
        async with asyncio.timeout(SOON_SECONDS):
            while client._open_connections._idle:  # noqa: ASYNC110 - a plain value
                await asyncio.sleep(0.01)


async def test_a_command_arrives_with_its_token_and_body(client: ControlClient) -> None:
    bodies: list[bytes] = []

    async def serve_command(server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.read_request(reader)
        bodies.append(await reader.readexactly(2))
        writer.write(answer(b"{}"))

    async with running(serve_command) as server:
        request = post_request(server.address, "/halt", "t0k3n", b"{}")
        async with asyncio.timeout(SOON_SECONDS), client.exchange(server.address, lambda: request) as received:
            assert received.status == 200

    assert server.requests[0].startswith(b"POST /halt HTTP/1.1\r\n")
    assert b"Authorization: Bearer t0k3n\r\n" in server.requests[0]
    assert bodies == [b"{}"]
