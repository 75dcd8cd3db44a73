"""What a target has stored, told over HTTP as an API would: a count, a filtered count, and one row by its id."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from http_target import Answer, Answerer, ReceivedUpload, honouring_answer
from serving import serving

KNOWN = "KNOWN-1"


@dataclass
class Storage:
    """The stored client_ids, and how to ask for them. `answer`, where it is set, answers in place of all that."""

    ids: set[str] = field(default_factory=lambda: {KNOWN})
    answer: Callable[[web.Request], web.StreamResponse | None] | None = None
    requests: list[web.Request] = field(default_factory=list)
    address: str = ""

    @property
    def count_url(self) -> str:
        """Where all rows are counted."""
        return f"http://{self.address}/clients/count/"

    @property
    def look_up_url(self) -> str:
        """Where the rows with one client_id are counted."""
        return f"{self.count_url}?client_id={{client_id}}"

    @property
    def row_url(self) -> str:
        """Where one row is, answered 404 where there is none."""
        return f"http://{self.address}/clients/{{client_id}}/"

    def storing_answerer(self, answerer: Answerer = honouring_answer) -> Answerer:
        """A target that answers as `answerer` does, and stores what it was sent all the same."""

        def answer(received: ReceivedUpload) -> "Answer":
            self.ids.update(received.client_ids)
            original_answer = answerer(received)
            assert isinstance(original_answer, web.StreamResponse)
            return original_answer

        return answer

    async def handle_count(self, request: web.Request) -> web.StreamResponse:
        client_id = request.query.get("client_id")
        count = len(self.ids) if client_id is None else int(client_id in self.ids)
        return self._override(request) or web.json_response({"count": count})

    async def handle_row(self, request: web.Request) -> web.StreamResponse:
        client_id = request.match_info["client_id"]
        row_answer = web.json_response({"client_id": client_id}, status=200 if client_id in self.ids else 404)
        return self._override(request) or row_answer

    def _override(self, request: web.Request) -> web.StreamResponse | None:
        self.requests.append(request)
        return self.answer(request) if self.answer is not None else None


@asynccontextmanager
async def running_storage(*, host: str = "127.0.0.1") -> AsyncIterator[Storage]:
    """A storage that can be asked until the block ends; it holds one row, KNOWN."""
    storage = Storage()
    application = web.Application()
    application.router.add_get("/clients/count/", storage.handle_count)
    application.router.add_get("/clients/{client_id}/", storage.handle_row)
    async with serving(application, host=host) as port:
        storage.address = f"{host}:{port}"
        yield storage
