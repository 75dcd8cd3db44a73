"""The operator's site of live pages: their paths, and who keeps them."""

import logging
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from loadtest_live.page import LivePage
from loadtest_live.site import LiveSite
from loadtest_model.pages.live.overview import overview
from loadtest_model.pages.live.view import LiveView
from loadtest_operator.cluster.api import Api, ApiError
from loadtest_operator.observe.memory import Key
from loadtest_operator.ui.catalogue import Catalogue
from loadtest_operator.ui.page_of_test import LastTurn, PageOfTest

_LOG: Final = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 2.0
IDLE_SECONDS: Final = 60.0
MOST_PAGES: Final = 100
HOME: Final = "All load tests"
_NAME: Final = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"

REPORT_HEADERS: Final = {
    # The file comes from a ConfigMap, so it is kept from whatever a page may do, even if it is opened in place.
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'",
    "Content-Disposition": 'attachment; filename="{name}_report.html"',
}


class OperatorSite:
    """The pages: `/` has all tests, `/tests/NAMESPACE/NAME` one of them.

    `role` says what a reader must know of this replica, empty if it is the one at work.
    """

    def __init__(
        self,
        api: Api,
        namespaces: Sequence[str],
        hosts: Sequence[str],
        last_turn: LastTurn,
        role: Callable[[], str],
    ) -> None:
        self._api = api
        self._namespaces = tuple(namespaces)
        self._last_turn = last_turn
        self._role = role
        self._source = uuid.uuid4().hex[:8]
        self._catalogue = Catalogue(api, namespaces, time.monotonic, random.random)
        self._pages: dict[Key, tuple[PageOfTest, LivePage]] = {}
        self._overview = LivePage(self._render_overview, PAUSE_SECONDS, time.monotonic, self._source)
        self._site = LiveSite(hosts)
        self._site.add_page("/", self._find_overview)
        path = f"/tests/{{namespace:{_NAME}}}/{{name:{_NAME}}}"
        self._site.application.router.add_get(f"{path}/report.html", self._send_report)
        self._site.add_page(path, self._find_test, root="../../", home=HOME)

    @property
    def application(self) -> web.Application:
        return self._site.application

    async def close(self) -> None:
        await self._catalogue.close()

    async def _render_overview(self) -> LiveView:
        lines = await self._catalogue.lines()
        where = f"Namespaces {', '.join(self._namespaces)}" if self._namespaces else "All namespaces"
        return overview(lines, datetime.now(UTC), where, self._catalogue.problems)

    async def _find_overview(self, _request: web.Request) -> LivePage:
        return self._overview

    async def _find_test(self, request: web.Request) -> LivePage:
        return self._test(request)[1]

    def _test(self, request: web.Request) -> tuple[PageOfTest, LivePage]:
        key = (request.match_info["namespace"], request.match_info["name"])
        if self._namespaces and key[0] not in self._namespaces:
            raise web.HTTPNotFound(text="this operator does not watch that namespace\n")
        if key not in self._pages:
            self._forget_idle_pages()
            page = PageOfTest(self._api, key, self._last_turn, self._role)
            self._pages[key] = page, LivePage(page.render, PAUSE_SECONDS, time.monotonic, self._source)
        return self._pages[key]

    def _forget_idle_pages(self) -> None:
        now = time.monotonic()
        idle = [key for key, (_, live) in self._pages.items() if not live.viewers and now - live.left_at > IDLE_SECONDS]
        for key in idle:
            del self._pages[key]
        if len(self._pages) >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text="too many tests are looked at\n", headers={"Retry-After": "30"})

    async def _send_report(self, request: web.Request) -> web.Response:
        page, _ = self._test(request)
        try:
            results = await page.results()
        except ApiError as error:
            raise web.HTTPBadGateway(text=f"the results cannot be read: {error.message}\n") from error
        if results is None or results.report is None:
            raise web.HTTPNotFound(text="there is no report\n")
        headers = {name: value.format(name=request.match_info["name"]) for name, value in REPORT_HEADERS.items()}
        return web.Response(body=results.report, content_type="text/html", charset="utf-8", headers=headers)


@asynccontextmanager
async def serve_pages(site: OperatorSite, host: str, port: int) -> AsyncIterator[None]:
    """Serve a site while the context is open, at every address of both families where `host` is empty."""
    runner = web.AppRunner(site.application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host or None, port).start()
            _LOG.info("live pages at %s, port %d", host or "every address", port)
        except OSError as error:
            # Tests run without their pages.
            _LOG.error("no live pages: port %d cannot be listened on: %s", port, error.strerror or error)
        yield
    finally:
        await runner.cleanup()
        await site.close()
