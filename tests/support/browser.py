"""A real browser without a window, and what a page does in it that it should not."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from localcluster.packages import install_missing

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)

_RECORD_TEXTS: Final = """selector => {
    const element = document.querySelector(selector), texts = [element.textContent];
    (window.recordedTexts ??= {})[selector] = texts;
    new MutationObserver(() => texts.push(element.textContent)).observe(element, { childList: true, subtree: true });
}"""


@dataclass(frozen=True)
class Look:
    """How somebody looks at a page."""

    width: int = 1280
    height: int = 800
    is_dark: bool = False

    def __str__(self) -> str:
        return f"{'dark' if self.is_dark else 'light'}-{self.width}"


LIGHT: Final = Look()
DARK: Final = Look(is_dark=True)
NARROW: Final = Look(width=360, height=740)


@dataclass
class OpenPage:
    """A page in the browser; `complaints` are errors of the page, and `requests` everything that it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def violations(self, axe_source: str) -> list[str]:
        """What breaks a rule of accessibility, with the elements that do."""
        self.page.evaluate(axe_source)
        found: list[dict[str, Any]] = self.page.evaluate("axe.run().then(results => results.violations)")
        return [f"{each['id']}: {[node['html'][:200] for node in each['nodes']][:3]}" for each in found]

    def refuse_dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def record_texts(self, selector: str) -> Callable[[], list[str]]:
        """Record each text that an element has from now on, since looks from outside miss what is gone within a second.

        Gives a function that returns them, the first one first.
        """
        self.page.evaluate(_RECORD_TEXTS, selector)
        return lambda: list(self.page.evaluate("selector => window.recordedTexts[selector]", selector))

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def bottom(self, selector: str) -> float:
        """Where an element ends, from the top of the page."""
        box = self.page.locator(selector).bounding_box()
        assert box is not None, f"{selector} is not shown"
        return box["y"] + box["height"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, installed if need be. Raises PackageError where it is not there and cannot be installed."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        install_missing(("chromium",))
        program = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, address: str, look: Look = LIGHT) -> Iterator[OpenPage]:
    """Show a page, as somebody would see it."""
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height}, color_scheme="dark" if look.is_dark else "light"
    )
    try:
        opened = OpenPage(context.new_page())
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        # A dialog that somebody listens to must be closed by them.
        opened.page.on("dialog", opened.refuse_dialog)
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(address)
        yield opened
    finally:
        context.close()
