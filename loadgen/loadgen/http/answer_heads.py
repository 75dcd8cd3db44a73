"""Whole answers by heads that were parsed before: most answers of a target in one second begin with the same bytes."""

import asyncio
from typing import Final

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError
from aiohttp.http_parser import HttpResponseParser, RawResponseMessage
from msgspec import Struct

from loadgen.answers.miss_pause import MissPause

_HEAD_END: Final = b"\r\n\r\n"
_MOST_HEADS: Final = 64


class _Head(Struct, frozen=True):
    """A parsed head, and the length of the answer that it begins, with itself."""

    message: RawResponseMessage
    answer_bytes: int


class AnswerHeads:
    """Parses each head once, as aiohttp does, and knows it again by its bytes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._protocol = BaseProtocol(loop)
        self._loop = loop
        self._heads: dict[bytes, _Head | None] = {}
        self._pause = MissPause()

    def whole_answer(self, data: bytes) -> tuple[RawResponseMessage, bytes] | None:
        """Head and body, if the data is one answer from its first to its last byte that leaves the connection open.

        None if a parser must read the data, whatever it is.
        """
        if self._pause.paused_answers:
            self._pause.paused_answers -= 1
            return None
        end = data.find(_HEAD_END)
        if end < 0:
            return None
        key = data[:end]
        try:
            head = self._heads[key]
        except KeyError:
            head = self._add(key)
        else:
            self._pause.misses = 0
        if head is None or head.answer_bytes != len(data):
            return None
        return head.message, data[end + len(_HEAD_END) :]

    def _add(self, key: bytes) -> _Head | None:
        self._pause.note_miss()
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        head = self._heads[key] = self._parse(key)
        return head

    def _parse(self, key: bytes) -> _Head | None:
        """None for a head whose answer has no plain length, or after which the connection is used no more."""
        parser = HttpResponseParser(self._protocol, self._loop, 1 << 16, read_until_eof=True, auto_decompress=False)
        try:
            messages, is_upgraded, rest = parser.feed_data(key + _HEAD_END)
        except HttpProcessingError:
            return None
        if len(messages) != 1 or is_upgraded or rest:
            return None
        message = messages[0][0]
        lengths = message.headers.getall("Content-Length", [])
        is_plain = 200 <= message.code < 600 and message.code not in (204, 304) and not message.should_close
        if not is_plain or message.chunked or len(lengths) != 1 or "Transfer-Encoding" in message.headers:
            return None
        return _Head(message, len(key) + len(_HEAD_END) + int(lengths[0]))
