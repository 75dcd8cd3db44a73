"""A watch of the API: what it makes of lines that a real API server only rarely sends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from loadtest_operator.cluster.api import PODS, Api, ApiError, Change
from serving import serving

GONE = b'{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}\n'
ADDED = b'{"type": "ADDED", "object": {"metadata": {"uid": "1"}}}\n'
DELETED = b'{"type": "DELETED", "object": {"metadata": {"uid": "1"}}}\n'


@asynccontextmanager
async def answering(*lines: bytes, status: int = 200, torn: bool = False) -> AsyncIterator[Api]:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.query["watch"] == "true"
        assert request.query["resourceVersion"] == "7"
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        for line in lines:
            await response.write(line)
        if torn and request.transport is not None:
            request.transport.abort()
        return response

    application = web.Application()
    application.router.add_get("/api/v1/namespaces/shop/pods", answer)
    async with serving(application) as port, Api(Configuration(host=f"http://127.0.0.1:{port}")) as api:
        yield api


async def watched(api: Api) -> list[Change]:
    return [change async for change in api.watch(PODS, "shop", "7", 5, "app=clients")]


async def test_each_line_is_a_change() -> None:
    async with answering(ADDED, DELETED) as api:
        changes = await watched(api)

    assert [change.is_removed for change in changes] == [False, True]
    assert changes[0].object == {"metadata": {"uid": "1"}}


async def test_a_version_that_is_too_old_by_now_is_an_error_in_the_midst_of_a_watch() -> None:
    async with answering(ADDED, GONE) as api:
        with pytest.raises(ApiError, match="410 Expired: too old"):
            await watched(api)


async def test_a_watch_that_is_refused_is_an_error() -> None:
    async with answering(b'{"kind": "Status", "reason": "Forbidden", "message": "no"}', status=403) as api:
        with pytest.raises(ApiError, match="403 Forbidden: no"):
            await watched(api)


async def test_a_refusal_that_is_torn_off_is_an_error() -> None:
    async with answering(b'{"kind": "Status", ', status=500, torn=True) as api:
        with pytest.raises(ApiError):
            await watched(api)


@pytest.mark.parametrize("lines", [(ADDED,), (ADDED, b'{"type": "ADD')])
async def test_a_watch_that_is_torn_off_is_an_error(lines: tuple[bytes, ...]) -> None:
    async with answering(*lines, torn=True) as api:
        with pytest.raises(ApiError):
            await watched(api)
