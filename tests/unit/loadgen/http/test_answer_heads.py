"""Answers that are known by their heads are those that aiohttp's parser reads, and no others."""

import asyncio
from typing import Any

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpResponseParser
from hypothesis import given
from hypothesis import strategies as st

from loadgen.http.answer_heads import AnswerHeads

PLAIN = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"success": 1}\n'

names = st.sampled_from(
    ["Content-Length", "content-length", "Transfer-Encoding", "Connection", "Date", "X-Nonce", "Content-Encoding"]
)
values = st.sampled_from(["0", "2", "5", "15", "chunked", "close", "keep-alive", "gzip", "", "5, 5", "-1", "a\tb"])
status_lines = st.sampled_from(
    [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 100 Continue",
        "HTTP/1.1 101 Switching Protocols",
        "HTTP/1.1 204 No Content",
        "HTTP/1.1 302 Found",
        "HTTP/1.1 304 Not Modified",
        "HTTP/1.1 503 Busy",
        "nonsense",
    ]
)
bodies = st.sampled_from([b"", b"{}", b"hello", b"{}\r\n\r\n{}", b'{"success": 1}\n'])


async def parsed(data: bytes) -> tuple[Any, bytes, bool] | None:
    """What aiohttp's own parser gives for the data: the head, the body, and whether the body is whole."""
    loop = asyncio.get_running_loop()
    parser = HttpResponseParser(BaseProtocol(loop), loop, 1 << 16, read_until_eof=True, auto_decompress=False)
    messages, _, _ = parser.feed_data(data)
    if len(messages) != 1:
        return None
    message, payload = messages[0]
    return message, payload.read_nowait() if payload.total_bytes else b"", payload.is_eof()


async def test_the_second_answer_with_a_head_is_known_like_the_first() -> None:
    heads = AnswerHeads(asyncio.get_running_loop())

    first, second = heads.whole_answer(PLAIN), heads.whole_answer(PLAIN)

    assert first is not None
    assert second is not None
    assert second[0] is first[0]
    assert (second[0].code, second[1]) == (200, b'{"success": 1}\n')


@pytest.mark.parametrize("cut", [1, 20, len(PLAIN) - 15, len(PLAIN) - 1])
async def test_a_part_of_an_answer_is_left_to_a_parser(cut: int) -> None:
    heads = AnswerHeads(asyncio.get_running_loop())
    heads.whole_answer(PLAIN)

    assert heads.whole_answer(PLAIN[:cut]) is None
    assert heads.whole_answer(PLAIN + b"H") is None


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 100 Continue\r\nContent-Length: 0",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0",
        b"SSH-2.0-OpenSSH_9.2",
    ],
)
async def test_an_answer_of_another_kind_is_left_to_a_parser(head: bytes) -> None:
    assert AnswerHeads(asyncio.get_running_loop()).whole_answer(head + b"\r\n\r\n") is None


async def test_a_target_whose_heads_all_differ_is_left_alone_for_a_while() -> None:
    heads = AnswerHeads(asyncio.get_running_loop())

    for number in range(40):
        heads.whole_answer(PLAIN.replace(b"Content-Type", b"X-%d" % number))

    assert heads.whole_answer(PLAIN) is None


@given(status_lines, st.lists(st.tuples(names, values), max_size=3), bodies)
def test_what_is_known_by_its_head_is_what_the_parser_reads(
    status_line: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    lines = [status_line, *(f"{name}: {value}" for name, value in headers)]
    data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    async def compare() -> None:
        known = AnswerHeads(asyncio.get_running_loop()).whole_answer(data)
        if known is not None:
            read = await parsed(data)
            assert read is not None
            message, content, is_whole = read
            assert is_whole
            assert (known[0].code, known[0].raw_headers, known[1]) == (message.code, message.raw_headers, content)
            assert not message.should_close

    asyncio.run(compare())
