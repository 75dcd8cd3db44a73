"""Pictures of the report: the drawing in the documents, and the screenshots."""

from pathlib import Path

from playwright.sync_api import Browser

from support.browser import DARK, open_page
from tools.generate_picture import FILE
from tools.take_screenshots import LOOKS, take_screenshots

PNG = b"\x89PNG\r\n"


def test_the_drawing_is_shown_by_a_browser_in_the_colours_of_the_reader(browser: Browser) -> None:
    backgrounds = set()
    for look in LOOKS.values():
        with open_page(browser, FILE.as_uri(), look) as opened:
            assert opened.complaints == []
            assert opened.requests == [FILE.as_uri()]
            background = "getComputedStyle(document.querySelector('.background')).fill"
            backgrounds.add((look is DARK, opened.page.evaluate(background)))

    assert backgrounds == {(False, "rgb(255, 255, 255)"), (True, "rgb(14, 17, 22)")}


def test_screenshots_are_taken_of_each_look(browser: Browser, tmp_path: Path) -> None:
    files = take_screenshots(browser, tmp_path / "screenshots")

    assert [file.name for file in files] == [
        f"{page}_{name}{part}.png" for page in ("report", "live") for name in LOOKS for part in ("", "_whole")
    ]
    assert all(file.read_bytes().startswith(PNG) for file in files)
