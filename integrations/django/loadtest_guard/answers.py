"""The answer to a load test: the view's own, with what the contract asks for beside it."""

import gzip
import json
from typing import Any, Final

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from loadtest_guard.guard import Guard, Outcome
from loadtest_guard.protection import Protection
from loadtest_guard.refusals import logger, refusal

LONGEST_STREAM_BYTES: Final = 16 * 2**20
_LONGEST_NONCE: Final = 200
_ABSENT: Final = object()


def collected(response: HttpResponseBase) -> HttpResponseBase:
    """The answer with its stream consumed, so that whatever the stream does happens inside the guard."""
    if not response.streaming:
        return response
    content = _Content()
    if getattr(response, "is_async", False):
        async_to_sync(_collect)(response, content)
    else:
        for chunk in response.streaming_content:
            content.add(chunk)
    return _as_one(response, content)


async def collected_async(response: HttpResponseBase) -> HttpResponseBase:
    """The same where the server is asynchronous."""
    if not response.streaming:
        return response
    if not getattr(response, "is_async", False):
        return await sync_to_async(collected)(response)
    content = _Content()
    await _collect(response, content)
    return _as_one(response, content)


def answer_of(request: HttpRequest, response: HttpResponseBase, guard: Guard, outcome: Outcome) -> HttpResponseBase:
    """What is answered after everything was rolled back."""
    if outcome.figures.broken:
        names = ", ".join(sorted(set(outcome.figures.broken)))
        logger.critical("load test broke out of the guard path=%r databases=%s", request.path, names)
        return refusal(500, f"the view ended the guard's transaction on {names}; rows may be stored")
    if outcome.refused:
        logger.error("load test refused by what it does path=%r: %s", request.path, "; ".join(outcome.refused))
        return refusal(409, "; ".join(outcome.refused))
    if guard.protection is None or not _may_confirm(response):
        return response
    return _confirmed(request, response, guard, guard.protection, outcome)


def _may_confirm(response: HttpResponseBase) -> bool:
    return 200 <= response.status_code < 300 or 300 <= response.status_code < 400


def _confirmed(
    request: HttpRequest, response: HttpResponseBase, guard: Guard, protection: Protection, outcome: Outcome
) -> HttpResponseBase:
    document = _json_object(response)
    count = guard.processed_count
    if callable(protection.count):
        count = protection.count(request, response)
    if response.status_code >= 300 and count is None:
        # Perhaps the way to a login. The generator explains redirects.
        return response
    body = dict(document) if document is not None else {}
    if count is None and isinstance(protection.count, str):
        value = _value_at(body, protection.count)
        count = value if isinstance(value, int) and not isinstance(value, bool) else None
    body["load_test_mode"] = True
    if nonce := request.META.get("HTTP_X_LOAD_TEST_NONCE", "")[:_LONGEST_NONCE]:
        body["load_test_nonce"] = nonce
    if count is not None:
        body.setdefault("processed_count", count)
    figures = outcome.figures
    body["load_test"] = {
        "mode": str(guard.settings.mode),
        "writes_prevented": figures.rows,
        "queries": figures.queries,
        "database_ms": round(figures.seconds * 1000, 3),
        "held": outcome.held,
    }
    answer = HttpResponse(json.dumps(body), content_type="application/json")
    answer.status_code = 200 if document is None else response.status_code
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Load-Test-Queries"] = str(figures.queries)
    answer.headers["X-Load-Test-Database-Time"] = f"{figures.seconds * 1000:.3f}"
    _take_over(answer, response)
    return answer


def _json_object(response: HttpResponseBase) -> dict[str, Any] | None:
    if not isinstance(response, HttpResponse) or "json" not in response.headers.get("Content-Type", ""):
        return None
    content = response.content
    try:
        if response.headers.get("Content-Encoding", "") == "gzip":
            content = gzip.decompress(content)
        document = json.loads(content)
    except (ValueError, OSError, EOFError):
        return None
    return document if isinstance(document, dict) else None


def _value_at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name, _ABSENT) if isinstance(document, dict) else _ABSENT
    return document


class _Content:
    """What a stream gave. The end of a very long one is consumed, but not kept."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._bytes = 0

    def add(self, chunk: bytes) -> None:
        if self._bytes < LONGEST_STREAM_BYTES:
            self._chunks.append(chunk)
            self._bytes += len(chunk)

    @property
    def text(self) -> bytes:
        return b"".join(self._chunks)


async def _collect(response: HttpResponseBase, content: _Content) -> None:
    async for chunk in response.streaming_content:
        content.add(chunk)


def _as_one(response: HttpResponseBase, content: _Content) -> HttpResponse:
    answer = HttpResponse(content.text, status=response.status_code, reason=response.reason_phrase)
    answer.headers = response.headers
    _take_over(answer, response)
    return answer


def _take_over(answer: HttpResponse, response: HttpResponseBase) -> None:
    """Let what is to be closed with the view's answer be closed with this one."""
    answer._resource_closers = response._resource_closers
    answer._handler_class = getattr(response, "_handler_class", None)
