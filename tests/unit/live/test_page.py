"""A page is rendered once for all who look, only while somebody does, and never passes off what is old."""

import asyncio
import itertools
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from loadtest_live import page as page_module
from loadtest_live.page import LivePage
from loadtest_model.pages.icons import Tone
from loadtest_model.pages.live.view import LiveView, Part

SOON_SECONDS = 10


@dataclass
class Renderer:
    """Renders another view each time, unless it is told to hold still, to fail or to end."""

    renderings: int = 0
    holds_still: bool = False
    fails: bool = False
    is_final: bool = False
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    number: int = 0

    async def __call__(self) -> LiveView:
        self.renderings += 1
        await asyncio.sleep(0)
        if self.fails:
            raise RuntimeError("no view")
        if not self.holds_still:
            self.number = next(self.numbers)
        return LiveView("A page", Tone.BUSY, (Part("a", f"<p>{self.number}</p>"),), is_final=self.is_final)


def a_page(renderer: Renderer, pause_seconds: float = 0.01) -> LivePage:
    return LivePage(renderer, pause_seconds, asyncio.get_running_loop().time, "here")


async def first_updates(page: LivePage, number: int) -> list[bytes | None]:
    updates = []
    async with asyncio.timeout(SOON_SECONDS), aclosing(page.updates("")) as stream:
        async for update in stream:
            updates.append(update)
            if len(updates) == number:
                break
    return updates


async def test_all_who_look_share_the_renderings() -> None:
    renderer = Renderer()
    page = a_page(renderer)

    streams = await asyncio.gather(*(first_updates(page, 5) for _ in range(20)))

    assert all(all(updates) for updates in streams)
    assert renderer.renderings < 20


async def test_nothing_is_rendered_when_nobody_looks() -> None:
    renderer = Renderer()
    page = a_page(renderer)
    await first_updates(page, 3)
    assert page.viewers == 0
    renderings = renderer.renderings

    for _ in range(50):
        await asyncio.sleep(0.002)

    assert renderer.renderings <= renderings + 1


async def test_those_who_open_a_page_at_once_wait_for_one_rendering() -> None:
    renderer = Renderer()
    page = a_page(renderer, pause_seconds=60)

    versions = {version for _, version in await asyncio.gather(*(page.latest() for _ in range(10)))}

    assert renderer.renderings == 1
    assert versions == {"here-1"}


async def test_a_page_that_is_final_sends_its_last_change_and_ends() -> None:
    renderer = Renderer(is_final=True)
    page = a_page(renderer)

    async with asyncio.timeout(SOON_SECONDS), aclosing(page.updates("")) as stream:
        updates = [update async for update in stream]

    assert updates[-1] is not None
    assert len(updates) <= 2


async def test_who_looks_hears_that_nothing_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "ALIVE_SECONDS", 0.05)
    renderer = Renderer(holds_still=True)
    page = a_page(renderer)

    updates = await first_updates(page, 4)

    assert [update is None for update in updates].count(True) >= 2


async def test_who_looks_hears_nothing_while_the_page_cannot_be_rendered(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(page_module, "ALIVE_SECONDS", 0.02)
    renderer = Renderer()
    page = a_page(renderer)
    heard_after_failure = 0
    async with asyncio.timeout(SOON_SECONDS), aclosing(page.updates("")) as stream:
        await anext(stream)
        renderer.fails = True
        failures_before = renderer.renderings
        listening = asyncio.ensure_future(anext(stream))
        # What was on its way may still come.
        while renderer.renderings < failures_before + 20:
            await asyncio.sleep(0.005)
            if listening.done():
                heard_after_failure += 1
                listening = asyncio.ensure_future(anext(stream))
        renderer.fails = False
        assert await listening is not None

    assert heard_after_failure <= 5
    assert "could not be rendered" in caplog.text


async def test_closing_a_page_ends_all_who_look() -> None:
    page = a_page(Renderer(holds_still=True), pause_seconds=60)
    looking = [asyncio.ensure_future(first_updates(page, 100)) for _ in range(3)]
    async with asyncio.timeout(SOON_SECONDS):
        while page.viewers < 3:  # noqa: ASYNC110 (the page tells nobody)
            await asyncio.sleep(0.001)

        page.close()
        await asyncio.gather(*looking)

    assert page.viewers == 0
