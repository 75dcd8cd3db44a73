"""Answers to load tests that are not processed, each with a line in the log."""

import logging
from typing import Final

from django.http import HttpRequest, JsonResponse

logger = logging.getLogger("loadtest_guard")

_MOST_DRAINED_BYTES: Final = 64 * 2**20
_CHUNK_BYTES: Final = 65_536


def refuse(request: HttpRequest, status: int, message: str) -> JsonResponse:
    """Answer that the request was not processed, and log it."""
    logger.warning(
        "load test refused status=%d remote=%s path=%r: %s",
        status,
        request.META.get("REMOTE_ADDR", ""),
        request.path,
        message,
    )
    _drain(request)
    return refusal(status, message)


def refusal(status: int, message: str) -> JsonResponse:
    """The answer of a refusal. It has no marker, so no generator takes it for a confirmation."""
    body = {"success": False, "code": "load_test_refused", "message": message}
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})


def _drain(request: HttpRequest) -> None:
    # Servers reset a connection that they close with much of the body unread, and the client, still sending, would
    # see the reset instead of the answer.
    read_bytes = 0
    try:
        while read_bytes < _MOST_DRAINED_BYTES and (chunk := request.read(_CHUNK_BYTES)):
            read_bytes += len(chunk)
    except OSError:
        pass
