"""One upload over the wire against real servers: what leaves, and what each failure is called."""

import asyncio
import contextlib
import gzip
import os
import resource
import socket
import ssl
import time
import weakref
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from urllib.parse import urlsplit

import numpy
import pytest
from aiohttp import web
from msgspec import structs

from http_target import PATH, running_target
from loadgen.http.address_rules import AddressRules, rules_of
from loadgen.http.answer_reading import ANSWER_LIMIT_BYTES
from loadgen.http.connections import MOST_IDLE_SECONDS
from loadgen.http.endpoints import Endpoint
from loadgen.http.request_headers import request_head
from loadgen.http.timeouts import UploadTimeouts
from loadgen.http.transport import Exchange, Request, keeps_connections, open_client
from loadgen.http.upload_progress import UploadProgress
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.plan import AddressPolicy
from loadtest_model.spec.connecting import ConnectionUse
from raw_target import read_request, reset, running_raw_target

BOUNDARY = "b"
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="c.csv"\r\nContent-Type: text/csv\r\n\r\n'
TAIL = b"\r\n--b--\r\n"
ROWS = b"client_id\r\n" + b"C000001\r\n" * 3
MEGABYTE = b"x" * (1 << 20)
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def request_to(url: str, *parts: bytes | memoryview, hostname: str | None = None) -> Request:
    """A request whose body is a form with these bytes as its file."""
    whole = (HEAD, *(parts or (ROWS,)), TAIL)
    target = urlsplit(url)
    own = {"Host": "django.shop.svc:8000", "X-Load-Test-Nonce": "n"}
    return Request(
        endpoint=Endpoint(str(target.hostname), int(target.port or 0)),
        server_hostname=hostname,
        head=request_head(target.path, {**own, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}),
        length=sum(map(len, whole)),
        parts=whole,
    )


ANYWHERE = AddressRules()


async def post(
    request: Request,
    *,
    timeout_seconds: float = 10.0,
    rules: AddressRules = ANYWHERE,
    timeouts: UploadTimeouts | None = None,
    tls: ssl.SSLContext | None = None,
) -> tuple[Exchange, UploadProgress]:
    progress = UploadProgress()
    async with open_client(rules, keep_alive=False, tls=tls) as client:
        return await client.post(request, progress, timeouts or UploadTimeouts(timeout_seconds)), progress


def raw_url(address: str) -> str:
    return f"http://{address}{PATH}"


async def test_an_upload_has_a_content_length_and_arrives_whole() -> None:
    async with running_target() as target:
        exchange, progress = await post(request_to(target.url))

        (received,) = target.uploads
        assert exchange.answer is not None
        assert exchange.answer.status == 200
        assert received.rows == 3
        assert received.body_bytes == len(HEAD + ROWS + TAIL) == progress.body_bytes_sent
        assert "Transfer-Encoding" not in received.headers
        assert received.headers["Host"] == "django.shop.svc:8000"


async def test_connections_are_closed_after_one_upload_or_kept_as_chosen() -> None:
    async with running_target() as target:
        for keep_alive in (False, True):
            async with open_client(ANYWHERE, keep_alive=keep_alive) as client:
                for _ in range(2):
                    await client.post(request_to(target.url), UploadProgress(), UploadTimeouts(10))

        one, two, three, four = (received.connection for received in target.uploads)
        assert one != two
        assert three == four
        assert target.uploads[0].headers["Connection"] == "close"


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with running_target(lambda _: web.Response(status=307, headers={"Location": PATH})) as target:
        exchange, _ = await post(request_to(target.url))

        assert exchange.answer is not None
        assert (exchange.answer.status, exchange.answer.headers["Location"]) == (307, PATH)
        assert len(target.uploads) == 1


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_target() as target, running_target() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.host}:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)

        exchange, _ = await post(request_to(target.url))

        assert exchange.answer is not None
        assert len(target.uploads) == 1
        assert proxy.uploads == []


async def test_cookies_of_the_target_are_not_sent_back() -> None:
    def with_cookie(_: object) -> web.Response:
        answer = web.json_response({})
        answer.set_cookie("session", "1")
        return answer

    async with running_target(with_cookie) as target, open_client(ANYWHERE, keep_alive=True) as client:
        for _ in range(2):
            await client.post(request_to(target.url), UploadProgress(), UploadTimeouts(10))

        assert "Cookie" not in target.uploads[1].headers


def raw_deflate(content: bytes) -> bytes:
    """Without zlib's frame, as many servers send it."""
    return zlib.compress(content, wbits=-15)


def in_two_members(content: bytes) -> bytes:
    return gzip.compress(content[:9]) + gzip.compress(content[9:])


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("gzip", in_two_members),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("gzip, identity", gzip.compress),
        ("identity,GZIP", gzip.compress),
        ("deflate, gzip", lambda content: gzip.compress(zlib.compress(content))),
        ("identity", bytes),
        ("", bytes),
    ],
)
async def test_a_compressed_answer_is_read(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    packed = web.Response(body=compress(b'{"load_test_mode": true}'), headers={"Content-Encoding": encoding})
    async with running_target(lambda _: packed) as target:
        exchange, _ = await post(request_to(target.url))

        assert exchange.answer is not None
        assert exchange.answer.body == b'{"load_test_mode": true}'


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"not gzip!"),
        ("gzip", gzip.compress(b'{"load_test_mode": true}', mtime=0)[:-9]),
        ("gzip", gzip.compress(b" " * (ANSWER_LIMIT_BYTES + 1), mtime=0)),
        ("deflate", zlib.compress(b'{"load_test_mode": true}')[:-1]),
        ("br", b"anything"),
        ("gzip, br", gzip.compress(b"anything", mtime=0)),
    ],
)
async def test_an_answer_that_cannot_be_decoded_keeps_its_status(encoding: str, body: bytes) -> None:
    async with running_target(lambda _: web.Response(body=body, headers={"Content-Encoding": encoding})) as target:
        exchange, _ = await post(request_to(target.url))

        assert exchange.answer is not None
        assert exchange.answer.status == 200
        assert exchange.answer.unreadable


async def test_a_redirect_is_one_although_the_rest_of_it_never_comes() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 100\r\n\r\n")
        await asyncio.Event().wait()

    async with running_raw_target(half) as address:
        exchange, _ = await post(request_to(raw_url(address)), timeout_seconds=5)

        assert exchange.answer is not None
        assert (exchange.answer.status, exchange.answer.headers["Location"]) == (302, "/login")


async def test_an_answer_is_read_up_to_a_bound() -> None:
    async with running_target(lambda _: web.Response(body=b"x" * (ANSWER_LIMIT_BYTES + 1))) as target:
        exchange, _ = await post(request_to(target.url))

        assert exchange.answer is not None
        assert exchange.answer.unreadable
        assert len(exchange.answer.body) == ANSWER_LIMIT_BYTES


async def test_a_refused_connection_is_rejected_and_nothing_was_sent() -> None:
    async with running_target() as target:
        url = target.url

    exchange, progress = await post(request_to(url))

    assert exchange.error is ErrorKind.REFUSED
    assert exchange.detail == "no connection: Connection refused"
    assert outcome_of(exchange.error) is Outcome.REJECTED
    assert (progress.has_begun, progress.body_bytes_sent) == (False, 0)


async def test_a_want_of_sockets_is_not_laid_to_the_target() -> None:
    async with running_target() as target:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        next_file = os.dup(0)
        os.close(next_file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_file, hard))
        try:
            exchange, progress = await post(request_to(target.url))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        assert exchange.error is ErrorKind.NO_SOCKET
        assert outcome_of(exchange.error) is Outcome.REJECTED
        assert not progress.has_begun


async def test_a_denied_address_is_never_connected_to() -> None:
    async with running_target() as target:
        rules = rules_of(AddressPolicy(denied=("127.0.0.0/8",)))

        exchange, progress = await post(request_to(target.url), rules=rules)
        mapped, _ = await post(request_to(target.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")), rules=rules)

        assert exchange.error is mapped.error is ErrorKind.NO_ADDRESS
        assert exchange.detail == "connections to 127.0.0.1 are not allowed"
        assert not progress.has_begun
        assert target.uploads == []


async def test_an_early_refusal_of_the_body_is_counted_for_what_it_is() -> None:
    async def too_large(_: web.Request) -> web.StreamResponse:
        return web.Response(status=413, text="too large")

    async with running_target() as target:
        target.early = too_large

        exchange, progress = await post(request_to(target.url, *[MEGABYTE] * 64))

        assert exchange.answer is not None
        assert exchange.answer.status == 413
        assert progress.body_bytes_sent < 64 << 20


async def test_an_early_answer_followed_by_an_orderly_close_is_counted_for_what_it_is() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        while await reader.read(1 << 16):
            pass

    async with running_raw_target(refuse) as address:
        exchange, progress = await post(request_to(raw_url(address), *[MEGABYTE] * 64))

        assert exchange.answer is not None
        assert exchange.answer.status == 401
        assert progress.body_bytes_sent < 64 << 20


async def test_after_an_early_answer_a_kept_connection_is_not_used_again() -> None:
    async def too_large(_: web.Request) -> web.StreamResponse:
        return web.Response(status=413)

    async with running_target() as target, open_client(ANYWHERE, keep_alive=True) as client:
        target.early = too_large
        first = await client.post(request_to(target.url, *[MEGABYTE] * 64), UploadProgress(), UploadTimeouts(10))
        target.early = None
        progress = UploadProgress()
        second = await client.post(request_to(target.url), progress, UploadTimeouts(10))

        assert first.answer is not None
        assert first.answer.status == 413
        assert second.answer is not None
        assert second.answer.status == 200
        assert not progress.reuses_connection


async def test_an_interim_answer_neither_ends_the_sending_nor_is_the_answer() -> None:
    async def hint(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        await writer.drain()
        await reader.readexactly(len(HEAD + TAIL) + (64 << 20))
        writer.write(GOOD)

    async with running_raw_target(hint) as address:
        exchange, progress = await post(request_to(raw_url(address), *[MEGABYTE] * 64))

        assert exchange.answer is not None
        assert exchange.answer.status == 200
        assert progress.body_bytes_sent == len(HEAD + TAIL) + (64 << 20)


async def test_an_answer_too_many_is_not_taken_for_that_to_the_next_upload() -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(GOOD + GOOD)
        await asyncio.Event().wait()

    async with running_raw_target(twice) as address, open_client(ANYWHERE, keep_alive=True) as client:
        await client.post(request_to(raw_url(address)), UploadProgress(), UploadTimeouts(10))
        progress = UploadProgress()
        second = await client.post(request_to(raw_url(address)), progress, UploadTimeouts(10))

        assert second.answer is not None
        assert not progress.reuses_connection


async def test_a_short_patience_of_one_upload_does_not_outlast_it() -> None:
    """The connection has one alarm, whatever each of its uploads may take."""

    async def slow_at_last(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for pause in (0.0, 0.4):
            await read_request(reader)
            await asyncio.sleep(pause)
            writer.write(GOOD)

    async with running_raw_target(slow_at_last) as address, open_client(ANYWHERE, keep_alive=True) as client:
        first = await client.post(request_to(raw_url(address)), UploadProgress(), UploadTimeouts(0.35))
        progress = UploadProgress()
        second = await client.post(request_to(raw_url(address)), progress, UploadTimeouts(10))

        assert first.answer is not None
        assert second.answer is not None
        assert progress.reuses_connection


async def test_no_answer_in_time_is_unknown() -> None:
    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.Event().wait()

    async with running_raw_target(hang) as address:
        began = time.monotonic()
        exchange, progress = await post(request_to(raw_url(address)), timeout_seconds=0.3)

        assert exchange.error is ErrorKind.TIMEOUT
        assert outcome_of(exchange.error) is Outcome.UNKNOWN
        assert 0.25 <= time.monotonic() - began < 5
        assert progress.body_bytes_sent == len(HEAD + ROWS + TAIL)


async def test_a_body_that_is_not_taken_in_time_is_unknown() -> None:
    async def stall(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with running_raw_target(stall) as address:
        exchange, progress = await post(request_to(raw_url(address), *[MEGABYTE] * 64), timeout_seconds=0.5)

        assert exchange.error is ErrorKind.TIMEOUT
        assert 0 < progress.body_bytes_sent < 64 << 20


async def test_an_answer_that_stops_in_its_middle_is_unknown() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"load_test_mode": true')
        await writer.drain()

    async with running_raw_target(half) as address:
        exchange, _ = await post(request_to(raw_url(address)))

        assert exchange.answer is None
        assert exchange.error is ErrorKind.RESET


async def test_a_reset_in_the_middle_of_the_body_is_unknown() -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1 << 20)
        reset(writer)

    async with running_raw_target(slam) as address:
        exchange, progress = await post(request_to(raw_url(address), *[MEGABYTE] * 64))

        assert exchange.error is ErrorKind.RESET
        assert outcome_of(exchange.error) is Outcome.UNKNOWN
        assert 0 < progress.body_bytes_sent < 64 << 20


async def test_a_connection_closed_without_an_answer_is_unknown() -> None:
    async def leave(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async with running_raw_target(leave) as address:
        exchange, _ = await post(request_to(raw_url(address)))

        assert exchange.error is ErrorKind.RESET


@pytest.mark.parametrize(
    ("begun", "kind"), [(b"", ErrorKind.STALE_CONNECTION), (b"HTTP/1.1 200 OK\r\nContent-", ErrorKind.RESET)]
)
async def test_a_reset_of_a_kept_connection_before_any_answer_is_a_stale_connection(
    begun: bytes, kind: ErrorKind
) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(GOOD)
        await writer.drain()
        await reader.read(1)
        writer.write(begun)
        await asyncio.sleep(0.1)
        reset(writer)

    async with running_raw_target(once) as address, open_client(ANYWHERE, keep_alive=True) as client:
        first = await client.post(request_to(raw_url(address)), UploadProgress(), UploadTimeouts(10))
        progress = UploadProgress()
        second = await client.post(request_to(raw_url(address)), progress, UploadTimeouts(10))

        assert first.answer is not None
        assert progress.reuses_connection
        assert second.error is kind
        assert outcome_of(second.error) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ],
)
async def test_what_is_no_proper_http_answer_is_a_bad_answer(said: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(said)
        await writer.drain()

    async with running_raw_target(babble) as address:
        exchange, _ = await post(request_to(raw_url(address)))

        assert exchange.error is ErrorKind.BAD_ANSWER
        assert outcome_of(exchange.error) is Outcome.UNKNOWN


async def test_an_answer_that_stops_being_http_in_its_middle_is_a_bad_answer_and_holds_nothing_up() -> None:
    async def mangle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"no length\r\n")
        await asyncio.Event().wait()

    async with running_raw_target(mangle) as address:
        async with asyncio.timeout(5):
            exchange, _ = await post(request_to(raw_url(address)))

        assert exchange.error is ErrorKind.BAD_ANSWER
        assert exchange.detail.isprintable()


async def test_an_answer_that_lasts_until_its_connection_ends_is_whole_only_where_that_ends_in_order() -> None:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"load_test_mode": true')
        await writer.drain()
        await asyncio.sleep(0.1)
        if broken_off:
            reset(writer)
        else:
            writer.write(b"}")

    async with running_raw_target(converse) as address:
        broken_off = False
        whole, _ = await post(request_to(raw_url(address)))
        broken_off = True
        half, _ = await post(request_to(raw_url(address)))

    assert whole.answer is not None
    assert whole.answer.body == b'{"load_test_mode": true}'
    assert half.answer is None
    assert half.error is ErrorKind.RESET


@pytest.mark.parametrize("at_once", [True, False])
async def test_an_answer_is_one_although_bytes_follow_that_are_none(at_once: bool) -> None:
    async def say_too_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n")
        if not at_once:
            await writer.drain()
            await asyncio.sleep(0.1)
        writer.write(b"<html>moved</html>")
        await asyncio.Event().wait()

    async with running_raw_target(say_too_much) as address:
        exchange, _ = await post(request_to(raw_url(address)))

        assert exchange.answer is not None
        assert (exchange.answer.status, exchange.answer.headers["Location"]) == (302, "/login")


async def test_an_answer_with_a_body_longer_than_it_says_is_cut_there_and_its_connection_not_used_again() -> None:
    async def say_too_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(GOOD + b"HTTP")
        writer.write(b" is not spoken here")
        await asyncio.Event().wait()

    async with running_raw_target(say_too_much) as address, open_client(ANYWHERE, keep_alive=True) as client:
        first = await client.post(request_to(raw_url(address)), UploadProgress(), UploadTimeouts(10))
        await asyncio.sleep(0.1)
        progress = UploadProgress()
        await client.post(request_to(raw_url(address)), progress, UploadTimeouts(10))

        assert first.answer is not None
        assert first.answer.body == b"{}"
        assert not progress.reuses_connection


async def test_an_upload_that_waits_for_its_turn_to_send_holds_no_part_of_its_file() -> None:
    held_parts = most_held_parts = 0

    def release() -> None:
        nonlocal held_parts
        held_parts -= 1

    def make_part(_: int) -> memoryview:
        nonlocal held_parts, most_held_parts
        rows = numpy.zeros(1 << 16, numpy.uint8)
        weakref.finalize(rows, release)
        held_parts += 1
        most_held_parts = max(most_held_parts, held_parts)
        return rows.data

    async def take_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(GOOD)
        await writer.drain()

    async with running_raw_target(take_all) as address, open_client(ANYWHERE, keep_alive=False) as client:
        length = len(HEAD) + (4 << 16)
        requests = [
            structs.replace(request_to(raw_url(address)), parts=chain((HEAD,), map(make_part, range(4))), length=length)
            for _ in range(20)
        ]
        exchanges = await asyncio.gather(
            *(client.post(request, UploadProgress(), UploadTimeouts(10)) for request in requests)
        )

    assert all(exchange.answer is not None for exchange in exchanges)
    assert held_parts == 0
    assert most_held_parts <= 4


@pytest.mark.parametrize("unasked", [GOOD, b""])
async def test_what_comes_on_a_kept_connection_before_anything_is_sent_on_it_ends_no_upload(unasked: bytes) -> None:
    """An upload of some size waits for its turn to make a part, and meanwhile anything may come, or the end of it."""
    loop = asyncio.get_running_loop()
    progress = UploadProgress()
    waiting: list[asyncio.Task[Exchange]] = []

    async def take_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(GOOD)
        await writer.drain()

    def parts() -> Iterator[bytes | memoryview]:
        yield MEGABYTE
        kept.send(unasked) if unasked else kept.shutdown(socket.SHUT_WR)
        waiting.append(tasks.create_task(client.post(request_to(url, MEGABYTE), progress, UploadTimeouts(10))))
        yield MEGABYTE

    with contextlib.ExitStack() as sockets:
        listening = sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}"
        async with (
            running_raw_target(take_all) as other,
            open_client(ANYWHERE, keep_alive=True) as client,
            asyncio.timeout(10),
            asyncio.TaskGroup() as tasks,
        ):
            small = tasks.create_task(client.post(request_to(url), UploadProgress(), UploadTimeouts(10)))
            kept = sockets.enter_context((await loop.sock_accept(listening))[0])
            await loop.sock_recv(kept, 1 << 16)
            await loop.sock_sendall(kept, GOOD)
            await small
            ahead = structs.replace(request_to(raw_url(other)), parts=parts(), length=2 << 20)
            await client.post(ahead, UploadProgress(), UploadTimeouts(10))
            fresh = sockets.enter_context((await loop.sock_accept(listening))[0])
            received = b""
            while not received.endswith(TAIL):
                received += await loop.sock_recv(fresh, 1 << 20)
            await loop.sock_sendall(fresh, GOOD)
            exchange = await waiting[0]
            left_on_kept = await loop.sock_recv(kept, 1 << 16)

    assert exchange.answer is not None
    assert not progress.reuses_connection
    assert left_on_kept == b""


class LateReader:
    """Says something at once, or nothing, and reads only when it is told to; then counts what still arrives."""

    def __init__(self, said: bytes = b"") -> None:
        self._said = said
        self.connected, self.may_read, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.taken = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._said)
        self.connected.set()
        await self.may_read.wait()
        try:
            while piece := await reader.read(1 << 20):
                self.taken += len(piece)
        finally:
            self.ended.set()


async def test_cancelling_drops_the_connection_at_once_with_what_is_buffered() -> None:
    server = LateReader()
    async with running_raw_target(server.converse) as address, open_client(ANYWHERE, keep_alive=False) as client:
        progress = UploadProgress()
        upload = asyncio.create_task(
            client.post(request_to(raw_url(address), MEGABYTE * 64), progress, UploadTimeouts(60))
        )
        await asyncio.wait_for(server.connected.wait(), 5)

        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload

        server.may_read.set()
        await asyncio.wait_for(server.ended.wait(), 10)
        assert progress.has_begun
        # What the kernel had taken may still arrive; the rest of the part was buffered on our side.
        assert server.taken < 32 << 20


async def test_an_early_answer_ends_the_sending_of_what_is_buffered() -> None:
    server = LateReader(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
    async with running_raw_target(server.converse) as address:
        exchange, progress = await post(request_to(raw_url(address), MEGABYTE * 64))

        assert exchange.answer is not None
        assert exchange.answer.status == 413
        server.may_read.set()
        await asyncio.wait_for(server.ended.wait(), 10)
        assert server.taken < 32 << 20
        assert progress.body_bytes_sent < 64 << 20


async def test_a_defect_while_the_body_is_made_is_no_error_of_the_target() -> None:
    def broken() -> Iterator[bytes]:
        yield HEAD
        raise OverflowError("the numbers are used up")

    async with running_target() as target:
        whole = request_to(target.url)
        request = structs.replace(whole, parts=broken())

        with pytest.raises(OverflowError, match="used up"):
            await post(request)


async def test_the_parts_of_an_upload_are_told_apart() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)
        for _ in range(64):
            await reader.readexactly(1 << 20)
        await reader.readexactly(len(HEAD + TAIL))
        await asyncio.sleep(0.5)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        await asyncio.sleep(0.2)
        writer.write(b"{}")
        await writer.drain()

    async with running_raw_target(slow) as address:
        began = time.monotonic()
        _, progress = await post(request_to(raw_url(address), *[MEGABYTE] * 64))
        took = time.monotonic() - began

    assert progress.answer_seconds is not None
    assert 0 < progress.connect_seconds < 0.2
    assert 0.3 <= progress.upload_seconds < 2
    assert 0.5 <= progress.answer_seconds < progress.wait_seconds - 0.15
    assert progress.connect_seconds + progress.upload_seconds + progress.wait_seconds == pytest.approx(took, abs=0.1)


async def test_what_an_upload_that_was_given_up_took_is_known_too() -> None:
    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.Event().wait()

    async with running_raw_target(hang) as address:
        _, progress = await post(request_to(raw_url(address)), timeout_seconds=0.3)

    assert progress.wait_seconds == pytest.approx(0.3, abs=0.15)
    assert progress.answer_seconds is None


async def test_a_kept_connection_takes_no_time_to_open() -> None:
    async with running_target() as target, open_client(ANYWHERE, keep_alive=True) as client:
        first, second = UploadProgress(), UploadProgress()
        await client.post(request_to(target.url), first, UploadTimeouts(10))
        await client.post(request_to(target.url), second, UploadTimeouts(10))

    assert first.connect_seconds > 0
    assert (second.connect_seconds, second.reuses_connection) == (0.0, True)


async def test_an_answer_that_is_slow_after_the_body_ends_with_its_own_time_out() -> None:
    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.Event().wait()

    async with running_raw_target(hang) as address:
        timeouts = UploadTimeouts(10, answer_seconds=0.2)
        exchange, progress = await post(request_to(raw_url(address)), timeouts=timeouts)

    assert exchange.error is ErrorKind.TIMEOUT
    assert exchange.detail == "no complete answer within 0.2 s after the body"
    assert 0.15 < progress.wait_seconds < 5


async def test_a_body_that_is_not_taken_ends_with_its_own_time_out() -> None:
    async def stall(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with running_raw_target(stall) as address:
        timeouts = UploadTimeouts(10, upload_seconds=0.3)
        exchange, progress = await post(request_to(raw_url(address), *[MEGABYTE] * 64), timeouts=timeouts)

    assert exchange.error is ErrorKind.TIMEOUT
    assert outcome_of(exchange.error) is Outcome.UNKNOWN
    assert exchange.detail == "the body was not taken within 0.3 s"
    assert 0.25 < progress.upload_seconds < 5
    assert progress.wait_seconds == 0


async def test_a_slow_upload_leaves_the_answer_its_whole_time() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.6)
        for _ in range(64):
            await reader.readexactly(1 << 20)
        await reader.readexactly(len(HEAD + TAIL))
        await asyncio.sleep(0.3)
        writer.write(GOOD)

    async with running_raw_target(slow) as address:
        timeouts = UploadTimeouts(10, connect_seconds=0.5, upload_seconds=5, answer_seconds=0.85)
        exchange, _ = await post(request_to(raw_url(address), *[MEGABYTE] * 64), timeouts=timeouts)

    assert exchange.answer is not None


async def test_no_part_has_longer_than_the_whole_upload() -> None:
    async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.Event().wait()

    async with running_raw_target(hang) as address:
        began = time.monotonic()
        exchange, _ = await post(request_to(raw_url(address)), timeouts=UploadTimeouts(0.3, answer_seconds=5))

    assert exchange.detail == "no complete answer within 0.3 s"
    assert time.monotonic() - began < 4


async def test_a_connection_that_does_not_open_in_its_time_was_never_used() -> None:
    # A listener that accepts nobody: when its queue is full, the system drops what else would connect.
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            filler = waiting.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        timeouts = UploadTimeouts(10, connect_seconds=0.3)
        exchange, progress = await post(request_to(f"http://127.0.0.1:{full.getsockname()[1]}/"), timeouts=timeouts)

    assert exchange.error is ErrorKind.CONNECT_TIMEOUT
    assert exchange.detail == "no connection within 0.3 s"
    assert outcome_of(exchange.error) is Outcome.REJECTED
    assert not progress.has_begun
    assert 0.25 < progress.connect_seconds < 5


async def test_a_tls_handshake_that_hangs_counts_as_connecting() -> None:
    async def mute(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with running_raw_target(mute) as address:
        request = request_to(f"https://{address}{PATH}", hostname="target.example")
        exchange, _ = await post(request, timeouts=UploadTimeouts(10, connect_seconds=0.3))

    assert exchange.error is ErrorKind.CONNECT_TIMEOUT


@pytest.mark.parametrize(
    ("chosen", "rows", "kept"),
    [("Auto", 999, True), ("Auto", 1_000, False), ("Kept", 100_000, True), ("PerUpload", 1, False)],
)
def test_small_uploads_keep_their_connection_unless_told_otherwise(
    chosen: ConnectionUse, rows: int, kept: bool
) -> None:
    assert keeps_connections(chosen, rows) is kept


async def test_a_connection_that_was_idle_for_longer_than_a_second_is_not_used_again() -> None:
    async with running_target() as target, open_client(ANYWHERE, keep_alive=True) as client:
        await client.post(request_to(target.url), UploadProgress(), UploadTimeouts(10))
        await asyncio.sleep(MOST_IDLE_SECONDS + 0.5)
        progress = UploadProgress()
        await client.post(request_to(target.url), progress, UploadTimeouts(10))

    assert not progress.reuses_connection


async def test_memory_of_a_body_may_be_overwritten_once_the_upload_is_over() -> None:
    """The composer writes the next batch over the last one's chunks, so what is being sent must be let go of."""
    received = bytearray()
    took = asyncio.Event()

    async def refuse_then_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await may_read.wait()
        try:
            while piece := await reader.read(1 << 20):
                received.extend(piece)
        finally:
            took.set()

    may_read = asyncio.Event()
    memory = bytearray(b"a" * (32 << 20))
    async with running_raw_target(refuse_then_read) as address:
        exchange, progress = await post(request_to(raw_url(address), memoryview(memory)))
        memory[:] = b"b" * len(memory)
        may_read.set()
        await asyncio.wait_for(took.wait(), 10)

    assert exchange.answer is not None
    assert progress.body_bytes_sent < len(memory)
    assert received.count(b"a") > 0
    assert b"b" * 64 not in received


async def test_memory_of_a_body_may_be_overwritten_once_the_upload_is_cut() -> None:
    received = bytearray()
    took, began, may_read = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def read_late(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        began.set()
        await may_read.wait()
        try:
            while piece := await reader.read(1 << 20):
                received.extend(piece)
        finally:
            took.set()

    memory = bytearray(b"a" * (32 << 20))
    async with running_raw_target(read_late) as address, open_client(ANYWHERE, keep_alive=False) as client:
        request = request_to(raw_url(address), memoryview(memory))
        upload = asyncio.create_task(client.post(request, UploadProgress(), UploadTimeouts(60)))
        await asyncio.wait_for(began.wait(), 5)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        memory[:] = b"b" * len(memory)
        may_read.set()
        await asyncio.wait_for(took.wait(), 10)

    assert b"b" * 64 not in received


async def test_memory_of_a_body_may_be_overwritten_although_its_end_was_only_buffered() -> None:
    memory = bytearray(b"a" * 40_000)
    progress = UploadProgress()

    def parts() -> Iterator[bytes | memoryview]:
        yield HEAD
        # So little goes to the system that most of the body stays in the event loop's own buffer.
        assert progress.transport is not None
        progress.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        yield memoryview(memory)
        yield TAIL

    loop = asyncio.get_running_loop()
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        whole = request_to(f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}", bytes(memory))
        request = structs.replace(whole, parts=parts())
        async with open_client(ANYWHERE, keep_alive=False) as client:
            upload = asyncio.create_task(client.post(request, progress, UploadTimeouts(10)))
            connection, _ = await loop.sock_accept(listening)
            with connection:
                await loop.sock_recv(connection, 100)
                await loop.sock_sendall(connection, b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
                exchange = await upload
                memory[:] = b"b" * len(memory)
                received = bytearray()
                with contextlib.suppress(ConnectionError):
                    while piece := await loop.sock_recv(connection, 1 << 16):
                        received.extend(piece)

    assert exchange.answer is not None
    assert progress.last_byte_at is None
    assert b"b" * 64 not in received
    assert len(received) < len(memory)


async def test_no_two_uploads_make_a_part_in_the_same_turn_of_the_event_loop() -> None:
    """Ten that are ready would else hold up everything else for ten chunks together."""
    turn = 0
    made: list[int] = []

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    def parts() -> Iterator[bytes]:
        for _ in range(8):
            made.append(turn)
            yield MEGABYTE

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(8 << 20)
        writer.write(GOOD)

    async with running_raw_target(swallow) as address, open_client(ANYWHERE, keep_alive=False) as client:
        whole = request_to(raw_url(address))
        counting = asyncio.create_task(count_turns())
        uploads = [
            client.post(structs.replace(whole, length=8 << 20, parts=parts()), UploadProgress(), UploadTimeouts(10))
            for _ in range(3)
        ]
        exchanges = await asyncio.gather(*uploads)
        counting.cancel()

    assert all(exchange.answer is not None for exchange in exchanges)
    assert len(made) == len(set(made)) == 24
