"""Load tests as the generator sends them, to the project in this process: over WSGI's handler and over ASGI's."""

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.test import Client

_numbers = itertools.count()


def fresh_number() -> str:
    """A number that no customer has."""
    return f"N{next(_numbers)}"


def headers(token: str | None, nonce: str = "5f3a") -> dict[str, str]:
    """The headers of a load test."""
    authorization = {"Authorization": f"LoadTest {token}"} if token else {}
    return {"X-Load-Test": "true", "X-Load-Test-Nonce": nonce, **authorization}


def post(client: Client, view: str, token: str | None, **more: str) -> Any:
    """Post a load test to a view."""
    return client.post(f"/{view}/?number={fresh_number()}", headers={**headers(token), **more})


@dataclass
class AsgiAnswer:
    """An answer that came over ASGI."""

    status: int = 0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


async def asgi_post(handler: ASGIHandler, view: str, sent_headers: dict[str, str], number: str = "") -> AsgiAnswer:
    """Post to a view as an ASGI server does."""
    answer = AsgiAnswer()
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in messages:
            return message
        # The client stays until Django has done with the request.
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode().title(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": f"/{view}/",
        "root_path": "",
        "query_string": f"number={number or fresh_number()}".encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent_headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("testserver", 80),
    }
    await handler(scope, receive, send)
    return answer
