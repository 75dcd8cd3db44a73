"""Views under an ASGI server: each request has a thread of its own, and its transactions live there."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext
from django.core.asgi import get_asgi_application
from django.core.cache import cache
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.test import AsyncClient

from guard_requests import asgi_post, headers
from guard_rows import stored_customers
from guarded_shop import views
from loadtest_guard import GuardRefusalError
from view_outcomes import OUTCOMES, End

ASYNCHRONOUS = [name for name, outcome in OUTCOMES.items() if outcome.needs_asgi]


@pytest.fixture
async def handler() -> ASGIHandler:
    return get_asgi_application()


@pytest.mark.parametrize(
    "view", [*(name for name, outcome in OUTCOMES.items() if outcome.needs_asgi), "plain", "streams"]
)
@pytest.mark.parametrize("mode", ["rollback", "readonly"])
async def test_a_view_comes_to_what_the_docs_say(
    handler: ASGIHandler, token: str, view: str, mode: str, guard_with: Any
) -> None:
    before = await asyncio.to_thread(stored_customers)

    with guard_with(MODE=mode):
        answer = await asgi_post(handler, view, headers(token))

    end: End = getattr(OUTCOMES[view], mode)
    assert answer.status == (409 if end is End.REFUSED else 200)
    assert answer.json().get("load_test_mode", False) is (end is not End.REFUSED)
    assert await asyncio.to_thread(stored_customers) == before + (end is End.ESCAPED)
    assert cache.get("last") is None


async def test_an_answer_tells_queries_as_a_header_too(handler: ASGIHandler, token: str) -> None:
    answer = await asgi_post(handler, "async_view", headers(token))

    assert answer.json()["load_test"]["writes_prevented"] == 1
    assert answer.headers["X-Load-Test-Queries"] == str(answer.json()["load_test"]["queries"])


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


async def test_a_task_that_lives_longer_than_the_request_writes_nothing(
    handler: ASGIHandler, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = await asyncio.to_thread(stored_customers)

    answer = await asgi_post(handler, "async_outliving_task", headers(token))
    views.answered.pop().set()
    with pytest.raises(GuardRefusalError, match="too late"):
        await views.outliving.pop()

    assert answer.json()["load_test_mode"] is True
    assert await asyncio.to_thread(stored_customers) == before
    assert "after a load test was answered" in caplog.text


async def test_an_unprotected_view_is_not_called(handler: ASGIHandler, token: str) -> None:
    before = await asyncio.to_thread(stored_customers)

    answer = await asgi_post(handler, "unprotected", headers(token))

    assert answer.status == 403
    assert await asyncio.to_thread(stored_customers) == before


async def test_the_connections_of_a_context_are_its_own() -> None:
    async with ThreadSensitiveContext():
        assert list(connections)
