"""An upload API for tests, in the test's own event loop on 127.0.0.1, that answers as the test says."""

import csv
import inspect
import io
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from openpyxl import load_workbook

from serving import serving

PATH = "/clients/upload/process/"


@dataclass(frozen=True)
class ReceivedUpload:
    """An upload as it arrived; `rows` without the header row."""

    number: int
    headers: Mapping[str, str]
    fields: Mapping[str, str]
    file_name: str
    file_type: str
    client_ids: tuple[str, ...]
    connection: tuple[str, int]
    body_bytes: int

    @property
    def rows(self) -> int:
        return len(self.client_ids)


Answer = web.StreamResponse
Answerer = Callable[[ReceivedUpload], Answer | Awaitable[Answer]]
Early = Callable[[web.Request], Awaitable[Answer]]


def honouring_answer(received: ReceivedUpload, **changes: Any) -> web.Response:
    """The answer of a target that honours X-Load-Test; a change to None leaves the field out."""
    body: dict[str, Any] = {
        "success": True,
        "load_test_mode": True,
        "processed_count": received.rows,
        "load_test_nonce": received.headers["X-Load-Test-Nonce"],
        **changes,
    }
    return web.json_response({name: value for name, value in body.items() if value is not None})


def storing_answer(received: ReceivedUpload) -> web.Response:
    """The answer of a target that ignores X-Load-Test."""
    return web.json_response({"success": True, "processed_count": received.rows})


def status_answerer(code: int, **headers: str) -> Answerer:
    """Always this status."""
    return lambda _received: web.Response(status=code, text=json.dumps({"detail": f"status {code}"}), headers=headers)


def answerer_from_rows(least: int, answerer: Answerer) -> Answerer:
    """As `answerer` says for uploads of at least so many rows, and honoured below."""
    return lambda received: answerer(received) if received.rows >= least else honouring_answer(received)


@dataclass
class HttpTarget:
    """A running target. `answer` may be changed at any time; `early` answers before the body is read."""

    answer: Answerer = honouring_answer
    early: Early | None = None
    uploads: list[ReceivedUpload] = field(default_factory=list)
    host: str = ""
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}{PATH}"

    @property
    def rows(self) -> int:
        return sum(upload.rows for upload in self.uploads)

    async def handle(self, request: web.Request) -> Answer:
        if self.early is not None:
            return await self.early(request)
        upload = await self._receive(request)
        self.uploads.append(upload)
        answer = self.answer(upload)
        return await answer if inspect.isawaitable(answer) else answer

    async def _receive(self, request: web.Request) -> ReceivedUpload:
        fields: dict[str, str] = {}
        name, kind, content = "", "", b""
        async for part in await request.multipart():
            assert not isinstance(part, str)
            if part.filename is None:  # type: ignore[union-attr]
                fields[str(part.name)] = await part.text()  # type: ignore[union-attr]
            else:
                name, kind = part.filename, part.headers["Content-Type"]  # type: ignore[union-attr]
                content = bytes(await part.read())  # type: ignore[union-attr]
        peer = request.transport.get_extra_info("peername") if request.transport else ("", 0)
        return ReceivedUpload(
            number=len(self.uploads),
            headers=request.headers.copy(),
            fields=fields,
            file_name=name,
            file_type=kind,
            client_ids=_client_ids(kind, content),
            connection=(peer[0], peer[1]),
            body_bytes=int(request.headers.get("Content-Length", "-1")),
        )


def _client_ids(kind: str, content: bytes) -> tuple[str, ...]:
    if kind == "text/csv":
        # A file whose ids have another name has them in its first column.
        rows = csv.DictReader(io.StringIO(content.decode()))
        return tuple(row.get("client_id") or next(iter(row.values())) for row in rows)
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    (name, *ids) = [row[0] for row in sheet.iter_rows(max_col=1, values_only=True)]
    assert name == "client_id"
    return tuple(str(each) for each in ids)


@asynccontextmanager
async def running_target(
    answer: Answerer = honouring_answer, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[HttpTarget]:
    """A target that listens until the block ends, on a port that the system chooses unless one is given."""
    target = HttpTarget(answer, host=host, scheme="https" if tls else "http")
    application = web.Application(client_max_size=1 << 30)
    application.router.add_post(PATH, target.handle)
    async with serving(application, host=host, port=port, tls=tls) as target.port:
        yield target
