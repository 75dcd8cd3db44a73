"""The HTTP side of live pages: what is answered to whom, with which headers, and the streams of events."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from typing import Final

from aiohttp import web

from loadtest_live.hosts import is_known_host
from loadtest_live.page import LivePage
from loadtest_model.pages.live.assets import SCRIPT_NAME, STYLE_NAME, live_script, live_style
from loadtest_model.pages.live.shell import live_page

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "loadtest",
}
MOST_STREAMS: Final = 200
"""How many may look at once; each is a connection."""
SLOWEST_READER_SECONDS: Final = 30.0

PageFinder = Callable[[web.Request], Awaitable[LivePage]]
"""The page of a request. It raises an error of HTTP where there is none."""


class LiveSite:
    """Live pages at their paths, for requests that name this machine or one of `names` as their host.

    Nothing can be changed by a request: only GET and HEAD are answered.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = tuple(names)
        self._streams = 0
        self._all_ended = asyncio.Event()
        self._all_ended.set()
        self._is_closed = False
        self._pages: set[LivePage] = set()
        self.application = web.Application(middlewares=[self._check_request], client_max_size=1)
        self.application.on_response_prepare.append(_add_headers)
        self.application.on_shutdown.append(self._end_streams)
        self.application.router.add_get(f"/{STYLE_NAME}", _asset(live_style, "text/css"))
        self.application.router.add_get(f"/{SCRIPT_NAME}", _asset(live_script, "text/javascript"))

    async def wait_for_streams(self, seconds: float) -> None:
        """Wait until nobody follows a page any more, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._all_ended.wait()

    def add_page(self, path: str, find: PageFinder, *, root: str = "", home: str = "") -> None:
        """Serve a page at a path and its events below it. `root` and `home` are as `live_page` has them."""

        async def show(request: web.Request) -> web.Response:
            page = await find(request)
            view, version = await page.latest()
            name = request.rel_url.raw_name
            events = f"{name}/events" if name else "events"
            text = live_page(view, version, events, root, home)
            response = web.Response(text=text, content_type="text/html", status=404 if view.is_missing else 200)
            response.enable_compression()
            return response

        async def follow(request: web.Request) -> web.StreamResponse:
            return await self._follow(request, await find(request))

        self.application.router.add_get(path, show)
        self.application.router.add_get(f"{path.rstrip('/')}/events", follow)

    async def _follow(self, request: web.Request, page: LivePage) -> web.StreamResponse:
        if self._is_closed or self._streams >= MOST_STREAMS:
            raise web.HTTPServiceUnavailable(text="too many pages are open\n", headers={"Retry-After": "5"})
        stream = EventStream(request)
        await stream.open()
        if request.method == "HEAD":
            return stream.response
        self._streams += 1
        self._all_ended.clear()
        self._pages.add(page)
        try:
            async with aclosing(page.updates(request.query.get("seen", ""))) as updates:
                async for update in updates:
                    await (stream.send("alive", b"") if update is None else stream.send("update", update))
            if not self._is_closed:
                await stream.send("final", b"")
        except (ConnectionError, TimeoutError):
            # The reader has gone, or takes nothing any more.
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._streams -= 1
            if not self._streams:
                self._all_ended.set()
            if not page.viewers:
                self._pages.discard(page)
        return stream.response

    async def _end_streams(self, _application: web.Application) -> None:
        self._is_closed = True
        for page in self._pages:
            page.close()

    @web.middleware
    async def _check_request(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if not is_known_host(request.headers.get("Host", ""), self._names):
            raise web.HTTPMisdirectedRequest(text="this server does not answer to the name in the request\n")
        return await handler(request)


class EventStream:
    """Events to one who looks, compressed if they take that: what comes again and again takes little room so."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        self._compressor = None
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            self._compressor = zlib.compressobj(level=6, wbits=31)
            self.response.headers["Content-Encoding"] = "gzip"

    async def open(self) -> None:
        await self.response.prepare(self._request)

    async def send(self, name: str, data: bytes) -> None:
        """Send an event. Raises ConnectionError or TimeoutError if nobody takes it."""
        content = b"event: %s\ndata: %s\n\n" % (name.encode(), data)
        if self._compressor is not None:
            content = self._compressor.compress(content) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        async with asyncio.timeout(SLOWEST_READER_SECONDS):
            await self.response.write(content)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def _asset(text: Callable[[], str], content_type: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        response = web.Response(text=text(), content_type=content_type)
        response.enable_compression()
        return response

    return answer
