"""The answer to an upload: its head, and its body up to a limit, decoded."""

from typing import Final

import aiohttp
from aiohttp.http import RawResponseMessage

from loadgen.answers.judging import HttpAnswer
from loadgen.http.content_encoding import UnreadableBodyError, decode_body, encodings_in
from loadgen.http.target_database import database_seconds
from loadgen.http.upload_progress import UploadProgress

ANSWER_LIMIT_BYTES: Final = 1 << 20
_READ_BYTES: Final = 1 << 16


async def read_answer(
    message: RawResponseMessage, content: aiohttp.StreamReader, progress: UploadProgress
) -> HttpAnswer:
    """An answer whose body is still to be read. Raises what the reading raises."""
    if 300 <= message.code < 400:
        # A redirect is known by its head, whether or not the rest of it ever comes.
        return answer_of(message, b"", progress)
    body, is_whole = await _read_body(content)
    if not is_whole:
        problem = f"the body is longer than {ANSWER_LIMIT_BYTES >> 20} MiB"
        return HttpAnswer(message.code, message.headers, body, problem)
    return answer_of(message, body, progress)


def answer_of(message: RawResponseMessage, body: bytes, progress: UploadProgress) -> HttpAnswer:
    """A complete answer, decoded; what it says of the target's database enters the progress."""
    status, headers = message.code, message.headers
    if 300 <= status < 400:
        # A redirect is known by its head.
        return HttpAnswer(status, headers, b"")
    progress.has_answer = True
    progress.database_seconds = database_seconds(headers)
    # Decoded here, because the HTTP client takes an answer that it cannot decode for none at all, and its status is
    # lost.
    try:
        return HttpAnswer(status, headers, decode_body(body, encodings_in(headers), ANSWER_LIMIT_BYTES))
    except UnreadableBodyError as error:
        return HttpAnswer(status, headers, b"", unreadable=str(error))


async def _read_body(content: aiohttp.StreamReader) -> tuple[bytes, bool]:
    """An answer's body up to the limit, and whether that is all of it."""
    if content.is_eof() and content.total_bytes <= ANSWER_LIMIT_BYTES:
        return content.read_nowait(), True
    pieces = bytearray()
    while len(pieces) <= ANSWER_LIMIT_BYTES:
        piece = await content.read(_READ_BYTES)
        pieces += piece
        if not piece or (content.at_eof() and content.exception() is None):
            break
    return bytes(pieces[:ANSWER_LIMIT_BYTES]), len(pieces) <= ANSWER_LIMIT_BYTES
