"""One page and those who look at it."""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Final

from loadtest_live.content import PageContent
from loadtest_model.pages.live.view import LiveView

_LOG: Final = logging.getLogger(__name__)

ALIVE_SECONDS: Final = 5.0
"""How often somebody who looks hears that nothing has changed."""


class LivePage:
    """A page that `render` makes. While somebody looks, it is rendered anew every `pause_seconds`, once for all.

    `clock` is monotonic, in seconds. `source` names the process, see `PageContent`.
    """

    def __init__(
        self,
        render: Callable[[], Awaitable[LiveView]],
        pause_seconds: float,
        clock: Callable[[], float],
        source: str,
    ) -> None:
        self._render = render
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._content = PageContent(source)
        self._rendered_at: float | None = None
        self._rendering = asyncio.Lock()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        self.viewers = 0
        self.left_at = clock()

    async def latest(self) -> tuple[LiveView, str]:
        """The view and its version, rendered at most one pause ago."""
        await self.refresh(self._pause_seconds)
        view = self._content.view
        if view is None:
            raise RuntimeError("the page was closed before it was rendered")
        return view, self._content.version

    async def refresh(self, oldest_seconds: float = 0.0) -> None:
        """Render now, unless the page was rendered less than so long ago."""
        async with self._rendering:
            if self._rendered_at is not None and self._clock() - self._rendered_at < oldest_seconds:
                return
            begun_at = self._clock()
            self._content.take(await self._render())
            self._rendered_at = begun_at
        self._wake()

    async def updates(self, version: str) -> AsyncGenerator[bytes | None, None]:
        """What has changed since a version, as JSON, again and again. None says that nothing has.

        It ends with the last change of a page that is final, and when the page is closed.
        """
        self.viewers += 1
        if self._task is None and not self._is_closed:
            self._task = asyncio.create_task(self._keep_fresh())
        spoken_at = -math.inf
        try:
            while not self._is_closed:
                news, view = self._news, self._content.view
                update = self._content.update_since(version)
                is_silent = self._clock() - spoken_at >= ALIVE_SECONDS
                if update is not None or (is_silent and not self.is_stuck):
                    version, spoken_at = self._content.version, self._clock()
                    yield update
                if view is not None and view.is_final:
                    return
                if news is self._news:
                    await _wait(news, ALIVE_SECONDS)
        finally:
            self.viewers -= 1
            self.left_at = self._clock()
            if not self.viewers and self._task is not None:
                self._task.cancel()
                self._task = None

    @property
    def is_stuck(self) -> bool:
        """Whether the page has not been rendered for so long that what it shows is no longer how things stand."""
        if self._rendered_at is None:
            return True
        return self._clock() - self._rendered_at > self._pause_seconds + ALIVE_SECONDS

    def close(self) -> None:
        """End all updates."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._wake()

    async def _keep_fresh(self) -> None:
        while True:
            try:
                await self.refresh()
            except Exception:
                # Those who look hear nothing more, so that their pages say how old they are.
                _LOG.exception("a page could not be rendered")
            await asyncio.sleep(self._pause_seconds)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
