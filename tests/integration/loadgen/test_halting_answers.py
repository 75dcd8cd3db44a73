"""Answers that stop on their way: the time until their end is the target's, and none of it our own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from http_target import PATH
from loadgen.http.address_rules import AddressRules
from loadgen.http.endpoints import Endpoint
from loadgen.http.request_headers import request_head
from loadgen.http.timeouts import UploadTimeouts
from loadgen.http.transport import Exchange, Request, open_client
from loadgen.http.upload_progress import UploadProgress
from loadtest_model.measurement.outcomes import ErrorKind
from raw_target import read_request, reset, running_raw_target

BODY = b'{"load_test_mode": true}'
HALT_SECONDS = 1.0
End = Callable[[asyncio.StreamWriter], None]


@asynccontextmanager
async def halting_target(beginning: bytes, end: End | None = None) -> AsyncIterator[Endpoint]:
    """It answers with a beginning, and does nothing for a second, or for ever if there is no end."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(beginning)
        await asyncio.sleep(HALT_SECONDS)
        if end is None:
            await asyncio.Event().wait()
        else:
            end(writer)

    async with running_raw_target(answer) as address:
        host, _, port = address.partition(":")
        yield Endpoint(host, int(port))


async def post(endpoint: Endpoint, timeout_seconds: float, progress: UploadProgress) -> Exchange:
    head = request_head(PATH, {"Host": "django.test", "Content-Type": "text/csv"})
    request = Request(endpoint=endpoint, server_hostname=None, head=head, length=2, parts=(b"a\n",))
    async with open_client(AddressRules(), keep_alive=False) as client:
        return await client.post(request, progress, UploadTimeouts(timeout_seconds))


BEGINNINGS = {
    "an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
async def test_a_time_out_after_the_beginning_of_an_answer_is_the_targets(beginning: bytes) -> None:
    progress = UploadProgress()
    async with halting_target(beginning) as endpoint:
        exchange = await post(endpoint, HALT_SECONDS, progress)

    assert exchange.error is ErrorKind.TIMEOUT
    assert progress.own_seconds < HALT_SECONDS / 2


@pytest.mark.parametrize("end", [reset, asyncio.StreamWriter.close], ids=["reset", "closed"])
@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
async def test_the_time_until_a_connection_is_lost_amid_an_answer_is_the_targets(beginning: bytes, end: End) -> None:
    progress = UploadProgress()
    async with halting_target(beginning, end) as endpoint:
        exchange = await post(endpoint, 30.0, progress)

    assert exchange.error is ErrorKind.RESET
    assert progress.own_seconds < HALT_SECONDS / 2


async def test_the_age_of_an_upload_that_was_cut_amid_its_answer_is_the_targets() -> None:
    progress = UploadProgress()
    async with halting_target(BEGINNINGS["half a body"]) as endpoint:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(HALT_SECONDS):
                await post(endpoint, 30.0, progress)

    assert progress.own_seconds < HALT_SECONDS / 2


async def test_the_time_until_the_end_of_an_answer_without_a_length_is_the_targets() -> None:
    progress = UploadProgress()
    beginning = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BODY
    async with halting_target(beginning, asyncio.StreamWriter.close) as endpoint:
        exchange = await post(endpoint, 30.0, progress)

    assert exchange.answer is not None
    assert exchange.answer.body == BODY
    assert progress.wait_seconds >= HALT_SECONDS / 2
    assert progress.own_seconds < HALT_SECONDS / 2
