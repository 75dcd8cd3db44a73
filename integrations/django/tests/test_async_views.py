"""Views under an ASGI server: each request has a thread of its own, and its transactions live there."""

import asyncio

import pytest
from asgiref.sync import ThreadSensitiveContext
from django.core.asgi import get_asgi_application
from django.core.cache import cache
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.test import AsyncClient

from guard_requests import asgi_post, headers
from guard_rows import stored_customers


@pytest.fixture
async def handler() -> ASGIHandler:
    return get_asgi_application()


@pytest.mark.parametrize(
    "view", ["async_view", "async_tasks", "async_stream", "async_class_view", "plain", "streams", "second_database"]
)
async def test_a_view_confirms_and_nothing_is_stored(handler: ASGIHandler, token: str, view: str) -> None:
    before = await asyncio.to_thread(stored_customers)

    answer = await asgi_post(handler, view, headers(token))

    assert answer.status == 200
    assert answer.json()["load_test_mode"] is True
    assert answer.json()["load_test"]["writes_prevented"] > 0
    assert answer.headers["X-Load-Test-Queries"] == str(answer.json()["load_test"]["queries"])
    assert await asyncio.to_thread(stored_customers) == before
    assert cache.get("last") is None


async def test_load_tests_and_others_at_once_do_not_share_a_transaction(handler: ASGIHandler, token: str) -> None:
    before = await asyncio.to_thread(stored_customers)
    numbers = [f"at-once-{n}" for n in range(6)]

    answers = await asyncio.gather(
        *(asgi_post(handler, "async_view", headers(token) if n % 2 else {}, number) for n, number in enumerate(numbers))
    )

    assert [answer.status for answer in answers] == [200] * 6
    assert ["load_test_mode" in answer.json() for answer in answers] == [False, True] * 3
    assert await asyncio.to_thread(stored_customers) == before + 3


async def test_a_server_without_a_thread_for_each_request_is_refused(token: str) -> None:
    before = await asyncio.to_thread(stored_customers)

    answer = await AsyncClient().post("/async_view/?number=shared", headers=headers(token))

    assert answer.status_code == 403
    assert "no thread of their own" in answer.json()["message"]
    assert await asyncio.to_thread(stored_customers) == before


async def test_work_in_another_thread_is_not_held(handler: ASGIHandler, token: str) -> None:
    before = await asyncio.to_thread(stored_customers)

    answer = await asgi_post(handler, "async_other_thread", headers(token))

    assert answer.json()["load_test_mode"] is True
    assert await asyncio.to_thread(stored_customers) == before + 1


async def test_an_unprotected_view_is_not_called(handler: ASGIHandler, token: str) -> None:
    before = await asyncio.to_thread(stored_customers)

    answer = await asgi_post(handler, "unprotected", headers(token))

    assert answer.status == 403
    assert await asyncio.to_thread(stored_customers) == before


async def test_the_connections_of_a_context_are_its_own() -> None:
    async with ThreadSensitiveContext():
        assert list(connections)
