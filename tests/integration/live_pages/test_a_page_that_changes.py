"""A page whose parts are replaced while somebody reads it, in a real browser."""

import json
import re
from collections.abc import Callable, Iterator
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, expect

from loadtest_live import page as page_module
from loadtest_live import site as site_module
from loadtest_model.pages.elements import Element, element
from loadtest_model.pages.live import assets
from support.browser import LIGHT, OpenPage, open_page
from support.live_server import LiveServer, a_view

SOON_MS = 30_000
HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"


def a_part(number: int, name: str = "course") -> Element:
    """A section with all that a reader may be busy with."""
    return element(
        "section",
        element("p", f"reading {number}", class_="reading"),
        element("details", element("summary", "More"), element("p", f"detail {number}")),
        element(
            "div",
            [element("p", f"line {line} of {number}") for line in range(60)],
            class_="scroll",
            tabindex=0,
            role="group",
            aria_label=f"Lines of {name}",
        ),
        element("a", "a link", href="#report", class_="link"),
        id=name,
        aria_label=name,
    )


def head(text: str = "Running") -> Element:
    return element("section", element("h1", text), id="standing", aria_label="Where it stands")


@pytest.fixture
def server() -> Iterator[LiveServer]:
    with LiveServer(a_view(head(), a_part(1))) as running_server:
        yield running_server


@pytest.fixture
def opened(browser: Browser, server: LiveServer) -> Iterator[OpenPage]:
    with open_page(browser, server.address) as page:
        page.page.evaluate("window.isSamePage = true")
        yield page
        assert page.page.evaluate("window.isSamePage") is True


def show_next(server: LiveServer, opened: OpenPage, number: int) -> None:
    """Change the part that the reader is busy with, and wait until the change has come."""
    server.view = a_view(head(), a_part(number))
    expect(opened.page.locator("#course .reading")).to_have_text(f"reading {number}", timeout=SOON_MS)


def test_what_a_reader_has_opened_scrolled_to_selected_and_focused_stays(server: LiveServer, opened: OpenPage) -> None:
    page = opened.page
    page.locator("summary").click()
    page.locator("#course .scroll").evaluate("each => { each.scrollTop = 300; }")
    page.locator("#course .link").focus()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#course .scroll p:nth-child(20)'))")
    page.evaluate("scrollTo(0, 40)")
    before = page.evaluate("scrollY")

    for number in (2, 3, 4):
        show_next(server, opened, number)

    assert page.locator("details").get_attribute("open") is not None
    assert page.locator("details p").inner_text() == "detail 4"
    assert page.locator("#course .scroll").evaluate("each => each.scrollTop") == 300
    assert page.evaluate("document.activeElement.className") == "link"
    assert page.evaluate("getSelection().toString()").startswith("line 19 of")
    assert page.evaluate("scrollY") == before
    assert opened.complaints == []


def test_parts_come_go_and_change_their_order_and_the_focus_moves_with_them(
    server: LiveServer, opened: OpenPage
) -> None:
    page = opened.page
    server.view = a_view(head(), a_part(1), a_part(1, "pods"), element("p", "text", id="note"))
    expect(page.locator("#note")).to_be_visible(timeout=SOON_MS)
    page.locator("#pods .link").focus()

    server.view = a_view(a_part(2, "pods"), head("Stopping"), title="Another title")
    expect(page.locator("h1")).to_have_text("Stopping", timeout=SOON_MS)

    assert page.evaluate("[...document.querySelector('main').children].map(each => each.id)") == ["pods", "standing"]
    assert page.title() == "Another title"
    assert page.evaluate("document.activeElement.closest('section').id") == "pods"
    assert opened.complaints == []


def test_an_event_has_only_what_has_changed(server: LiveServer, opened: OpenPage) -> None:
    # Each change marks the elements that it touches.
    opened.page.evaluate("document.querySelector('#course').isUntouched = true")
    server.view = a_view(head("Stopping"), a_part(1))
    expect(opened.page.locator("h1")).to_have_text("Stopping", timeout=SOON_MS)

    assert opened.page.evaluate("document.querySelector('#course').isUntouched") is True
    (version,) = {opened.page.evaluate("document.body.dataset.version")}
    with urlopen(f"{server.address}events?seen={version}", timeout=30) as events:
        name, data = events.readline().decode(), events.readline().decode()
    update = json.loads(data.removeprefix("data: "))
    assert name == "event: update\n"
    assert set(update["parts"]) == {"standing"}
    assert update["order"] == ["standing", "course"]


def test_a_page_is_not_reloaded_and_asks_only_for_its_own(server: LiveServer, opened: OpenPage) -> None:
    show_next(server, opened, 2)

    own = (server.address, f"{server.address}page.css", f"{server.address}live.js", f"{server.address}events?seen=")
    assert all(request.startswith(own) for request in opened.requests)
    assert len(opened.requests) == 4


def test_a_server_that_was_away_is_found_again_by_the_page_itself(server: LiveServer, opened: OpenPage) -> None:
    page = opened.page
    show_next(server, opened, 2)
    ages = opened.record_texts("#age")

    server.stop()
    expect(page.locator("#connection")).to_have_text("Connection lost, trying again.", timeout=SOON_MS)
    wait_for(opened, lambda: len(ages()) > 3)
    expect(page.locator("#course .reading")).to_have_text("reading 2")
    server.view = a_view(head(), a_part(3))
    server.start()

    expect(page.locator("#course .reading")).to_have_text("reading 3", timeout=SOON_MS)
    expect(page.locator("#connection")).to_have_text("")
    expect(page.locator("#age")).to_have_text("")
    told_ages = [re.fullmatch(r"What you see is (\d+) s old\.", text) for text in ages() if text]
    seconds = [int(age[1]) for age in told_ages if age is not None]
    assert len(seconds) == len(told_ages) >= 3
    assert seconds == sorted(seconds)
    assert seconds[-1] >= 2


def test_a_server_that_answers_with_errors_is_asked_again(
    server: LiveServer, opened: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened.page
    # As a proxy does while what is behind it is away: the browser's own EventSource gives up then.
    monkeypatch.setattr(site_module, "MOST_STREAMS", 0)
    server.stop()
    server.start()
    expect(page.locator("#connection")).to_have_text("Connection lost, trying again.", timeout=SOON_MS)
    monkeypatch.setattr(site_module, "MOST_STREAMS", 10)

    expect(page.locator("#connection")).to_have_text("", timeout=SOON_MS)
    show_next(server, opened, 2)


def test_a_page_that_cannot_be_rendered_any_more_says_how_old_it_is(
    browser: Browser, server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "ALIVE_SECONDS", 0.2)
    # Otherwise the page waits for a quarter of a minute.
    script = assets.live_script().replace("LONGEST_SILENCE = 15_000", "LONGEST_SILENCE = 1_000")
    monkeypatch.setattr(assets, "live_script", lambda: script)
    monkeypatch.setattr(site_module, "live_script", lambda: script)
    server.stop()
    server.start()
    with open_page(browser, server.address, LIGHT) as opened:
        server.is_failing = True

        expect(opened.page.locator("#connection")).to_have_text("Connection lost, trying again.", timeout=SOON_MS)
        server.is_failing = False
        expect(opened.page.locator("#connection")).to_have_text("", timeout=SOON_MS)


def test_a_page_that_is_over_stays_as_it_is_without_its_server(browser: Browser, server: LiveServer) -> None:
    with open_page(browser, server.address) as opened:
        server.view = a_view(head("Passed"), a_part(2), is_final=True)
        expect(opened.page.locator("h1")).to_have_text("Passed", timeout=SOON_MS)
        requests = len(opened.requests)

        server.stop()

        # Longer than the first tries to connect would take.
        opened.page.wait_for_timeout(3_000)
        assert opened.page.locator("#connection").inner_text() == ""
        assert len(opened.requests) == requests
        assert opened.complaints == []


def test_a_page_in_a_hidden_tab_has_no_connection(browser: Browser, server: LiveServer) -> None:
    with open_page(browser, server.address) as opened:
        expect(opened.page.locator("#course")).to_be_visible()
        wait_for(opened, lambda: server.page is not None and server.page.viewers == 1)

        set_visibility(opened, "hidden")
        wait_for(opened, lambda: server.page is not None and server.page.viewers == 0)
        renderings = server.renderings
        server.view = a_view(head(), a_part(7))
        opened.page.wait_for_timeout(1_000)
        assert server.renderings <= renderings + 1
        assert opened.page.locator("#course .reading").inner_text() == "reading 1"

        set_visibility(opened, "visible")
        expect(opened.page.locator("#course .reading")).to_have_text("reading 7", timeout=SOON_MS)


def test_a_page_of_an_older_version_is_loaded_anew(
    browser: Browser, server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_page(browser, server.address) as opened:
        opened.page.evaluate("window.isSamePage = true")
        opened.page.evaluate("document.body.dataset.look = 'older'")

        server.view = a_view(head(), a_part(2))

        opened.page.wait_for_function("() => window.isSamePage === undefined", timeout=SOON_MS)
        expect(opened.page.locator("#course .reading")).to_have_text("reading 2", timeout=SOON_MS)


def test_text_that_looks_like_markup_stays_text_also_when_it_comes_later(
    server: LiveServer, opened: OpenPage, axe: str
) -> None:
    server.view = a_view(head(HOSTILE), a_part(2), title=HOSTILE)
    expect(opened.page.locator("h1")).to_have_text(HOSTILE, timeout=SOON_MS)

    assert opened.page.title() == HOSTILE
    assert opened.page.locator("main script, main img, main [onerror]").count() == 0
    assert opened.complaints == []
    assert opened.violations(axe) == []


def test_the_policy_of_the_server_keeps_out_every_script_that_is_not_its_own(opened: OpenPage) -> None:
    opened.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.isTaken = true'}))"
    )

    assert opened.page.evaluate("window.isTaken") is None
    assert any("Content Security Policy" in complaint for complaint in opened.complaints)


def wait_for(opened: OpenPage, condition: Callable[[], bool]) -> None:
    for _ in range(SOON_MS // 50):
        if condition():
            return
        opened.page.wait_for_timeout(50)
    raise AssertionError("waited in vain")


def set_visibility(opened: OpenPage, state: str) -> None:
    opened.page.evaluate(
        "state => { Object.defineProperty(document, 'hidden', {get: () => state === 'hidden', configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        state,
    )
