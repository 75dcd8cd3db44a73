"""A site of live pages in a thread of its own, whose view is set from outside."""

import asyncio
import socket
import threading
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from loadtest_live.page import LivePage
from loadtest_live.site import LiveSite
from loadtest_model.pages.elements import Element
from loadtest_model.pages.icons import Tone
from loadtest_model.pages.live.view import LiveView, parts_of
from localcluster.ports import free_port

T = TypeVar("T")
SOON_SECONDS = 30
PAUSE_SECONDS = 0.1
_TURNS_OF_AN_ACCEPT = 3


def a_view(*elements: Element, title: str = "A page", is_final: bool = False) -> LiveView:
    return LiveView(title, Tone.BUSY, parts_of(elements), is_final=is_final)


class LiveServer:
    """Serves one page at `/`. It can be stopped and started again on the same port, as another process would be."""

    def __init__(self, view: LiveView, clock: Callable[[], float] = time.monotonic) -> None:
        self.view = view
        self.renderings = 0
        self.is_failing = False
        self._clock = clock
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self.page: LivePage | None = None
        self.site: LiveSite | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> "LiveServer":
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SOON_SECONDS)
        self._loop.close()

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(SOON_SECONDS)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(SOON_SECONDS)

    async def _render(self) -> LiveView:
        self.renderings += 1
        if self.is_failing:
            raise RuntimeError("this page cannot be rendered")
        return self.view

    async def _find(self, _request: web.Request) -> LivePage:
        assert self.page is not None
        return self.page

    async def _start(self) -> None:
        self.page = LivePage(self._render, PAUSE_SECONDS, self._clock, uuid.uuid4().hex[:8])
        self.site = LiveSite(["pages.example.com"])
        self.site.add_page("/", self._find)
        self._runner = web.AppRunner(
            self.site.application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await self._runner.setup()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        await web.SockSite(self._runner, self._listener).start()

    async def _stop(self) -> None:
        if self._runner is not None:
            # A connection that is accepted just as the server is closed would be closed by nobody.
            asyncio.get_running_loop().remove_reader(self._listener)
            for _ in range(_TURNS_OF_AN_ACCEPT):
                await asyncio.sleep(0)
            await self._runner.cleanup()
            self._runner = None
