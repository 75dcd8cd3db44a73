"""The page of `loadgen run --ui` in a real browser, while a real target is loaded."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from example_server import UPLOAD_PATH, ExampleServer, example_server
from localcluster.ports import free_port
from support.browser import DARK, NARROW, OpenPage, open_page
from support.local_runs import command, environment, results_in

SOON_MS = 60_000
PICTURES = os.environ.get("PICTURES_OF_LIVE_PAGES")
"""A folder for screenshots, for those who look at them."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    with example_server(tmp_path_factory.mktemp("target")) as server:
        yield server


@contextmanager
def a_run(target: ExampleServer, out: Path, port: int, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """`loadgen run --ui`, out of a terminal; killed when the block ends, if it still runs."""
    url = f"http://127.0.0.1:{target.port}{UPLOAD_PATH}"
    arguments = ("run", "custom", "--ui", port, "--url", url, "--batch-size", 200, "--out", out, *options)
    process = subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
    )
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith("Page"))
        assert line.split() == ["Page", f"http://127.0.0.1:{port}/"]
        yield process
    finally:
        process.kill()
        process.communicate()


def is_same_page(page: Page) -> bool:
    return bool(page.evaluate("window.isSamePage === true"))


def take_picture(opened: OpenPage, name: str) -> None:
    if PICTURES:
        opened.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


def test_a_run_is_followed_from_its_verification_to_its_report(
    browser: Browser, axe: str, target: ExampleServer, tmp_path: Path
) -> None:
    port = free_port()
    load = ("--stage", "4s:1", "--stage", "40s:2", "--threshold", "p95<20s", "--threshold", "error_rate<1%")
    with a_run(target, tmp_path, port, *load) as process, open_page(browser, f"http://127.0.0.1:{port}/") as opened:
        page = opened.page
        page.evaluate("window.isSamePage = true")
        expect(page.locator("#standing .verdict-word")).to_have_text("Running", timeout=SOON_MS)
        expect(page.locator("#thresholds .state").first).to_contain_text("holds", timeout=SOON_MS)
        expect(page.locator("#proof")).to_contain_text("Echoed")
        share = page.locator("progress").get_attribute("value") or ""
        expect(page.locator("progress")).not_to_have_attribute("value", share, timeout=SOON_MS)
        assert re.fullmatch(r"Running \d+%: custom", page.title())
        assert "Passed" not in page.inner_text("main")
        assert opened.violations(axe) == []
        assert opened.overflow() <= 0
        take_picture(opened, "local-running")
        for look in (NARROW, DARK):
            with open_page(browser, page.url, look) as other:
                assert other.violations(axe) == []
                assert other.overflow() <= 0
                assert other.complaints == []
                take_picture(other, f"local-running-{look}")

        # Out of a terminal the run ends by itself, and shows its end to whoever looks.
        process.wait(60)
        expect(page.locator("#verdict .verdict-word")).to_be_visible(timeout=SOON_MS)
        assert process.returncode in (0, 2)
        word = {0: "Passed", 2: "Inconclusive"}[process.returncode]
        assert page.locator("#verdict .verdict-word").inner_text() == word
        assert page.title().startswith(f"{word}: custom")
        expect(page.locator("#connection")).to_have_text("")
        assert is_same_page(page)
        assert opened.violations(axe) == []
        assert opened.complaints == []
        take_picture(opened, "local-ended")
    summary = results_in(tmp_path).summary
    assert str(summary.verdict) == word


def test_a_page_whose_run_was_killed_says_so_and_follows_the_next_run_on_its_port(
    browser: Browser, target: ExampleServer, tmp_path: Path
) -> None:
    port = free_port()
    load = ("--virtual-users", "1", "--duration", "60s")
    address = f"http://127.0.0.1:{port}/"
    with a_run(target, tmp_path / "first", port, *load) as process, open_page(browser, address) as opened:
        page = opened.page
        page.evaluate("window.isSamePage = true")
        expect(page.locator("#course svg").first).to_be_visible(timeout=SOON_MS)
        started = page.locator(".identity time").inner_text()

        # The page's own process must not outlive the generator.
        process.send_signal(signal.SIGKILL)
        process.wait()

        expect(page.locator("#connection")).to_have_text("Connection lost, trying again.", timeout=SOON_MS)
        expect(page.locator("#age")).to_contain_text("s old")
        assert page.locator("#course svg").first.is_visible()
        with a_run(target, tmp_path / "second", port, *load):
            expect(page.locator("#connection")).to_have_text("", timeout=SOON_MS)
            expect(page.locator(".identity time")).not_to_have_text(started, timeout=SOON_MS)
            assert is_same_page(page)


def test_the_page_answers_to_no_foreign_name_and_changes_nothing(target: ExampleServer, tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    with a_run(target, tmp_path, port, "--virtual-users", "1", "--duration", "30s"):
        with urlopen(address, timeout=30) as answer:
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
        assert refusal(Request(address, headers={"Host": f"evil.example:{port}"})) == 421
        assert refusal(Request(address, data=b"", method="POST")) == 405
        assert refusal(Request(f"{address}../../etc/passwd")) == 404


def refusal(request: Request) -> int:
    """The status of an answer that refuses."""
    with pytest.raises(HTTPError) as refused, urlopen(request, timeout=30):
        pass
    with refused.value:
        return refused.value.code
