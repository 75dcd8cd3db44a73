"""The operator's pages in a real browser, while real tests run: all of them, one as it runs, and its report."""

import base64
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Rest, wait_for
from support.browser import DARK, NARROW, OpenPage, open_page
from support.live_pages_in_cluster import PORT, operator_with_pages
from support.loadtests import Namespace, kill_operator
from support.operators import operators

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.process_node("the pages are served at the pod's own loopback address, which only this node shares"),
]

SOON_MS = 60_000
LOAD = {"batchSize": 200, "virtualUsers": 2, "duration": "30s"}
PICTURES = os.environ.get("PICTURES_OF_LIVE_PAGES")
"""A folder for screenshots, for those who look at them."""


@pytest.fixture(scope="module")
def pages(rest: Rest) -> Iterator[str]:
    """Where the operator serves its pages."""
    with operator_with_pages(rest):
        yield address_of_pages(rest)


def address_of_pages(rest: Rest) -> str:
    (pod,) = operators(rest)
    return f"http://{pod['status']['podIP']}:{PORT}/"


def refusal(request: str | Request) -> int:
    """The status of an answer that refuses."""
    with pytest.raises(HTTPError) as refused, urlopen(request, timeout=30):
        pass
    with refused.value:
        return refused.value.code


def mark(page: Page) -> None:
    """Leave a mark that is gone if the page is loaded anew."""
    page.evaluate("window.isSamePage = true")


def is_same_page(page: Page) -> bool:
    return bool(page.evaluate("window.isSamePage === true"))


def take_picture(opened: OpenPage, name: str) -> None:
    if PICTURES:
        opened.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


def test_a_test_is_followed_from_the_list_through_its_run_to_its_report(
    browser: Browser, axe: str, pages: str, namespace: Namespace, rest: Rest
) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")
    test = namespace.start("followed", load=LOAD)
    with open_page(browser, pages) as opened:
        page = opened.page
        line = page.locator(f"#test-{test.uid}")
        mark(page)
        expect(line.locator(".state")).to_contain_text("Running", timeout=SOON_MS)
        expect(line.locator("progress")).to_be_visible()
        assert is_same_page(page)
        assert opened.violations(axe) == []
        take_picture(opened, "overview-running")
        line.get_by_role("link", name="followed").click()

        mark(page)
        expect(page.locator("#standing .verdict-word")).to_have_text("Running")
        expect(page.locator("#thresholds h2")).to_have_text("Thresholds so far")
        expect(page.locator("#thresholds .state").first).to_contain_text("holds", timeout=SOON_MS)
        expect(page.locator("#course svg").first).to_be_visible()
        share = page.locator("progress").get_attribute("value") or ""
        expect(page.locator("progress")).not_to_have_attribute("value", share)
        assert opened.violations(axe) == []
        assert opened.overflow() <= 0
        take_picture(opened, "test-running")
        for look in (NARROW, DARK):
            with open_page(browser, page.url, look) as other:
                assert other.violations(axe) == []
                assert other.overflow() <= 0
                assert other.complaints == []
                take_picture(other, f"test-running-{look}")
        assert "Passed" not in page.inner_text("main")

        expect(page.locator("#verdict .verdict-word")).to_have_text("Passed", timeout=SOON_MS)
        assert is_same_page(page)
        assert page.title().startswith("Passed: followed")
        assert page.locator("#standing").count() == 0
        expect(page.locator("#course table")).to_have_count(1)
        assert opened.violations(axe) == []
        assert opened.complaints == []
        take_picture(opened, "test-ended")

        page.get_by_role("link", name="All load tests").click()
        expect(page.locator(f"#test-{test.uid} .state")).to_contain_text("Passed")
        expect(page.locator("#ended h2")).to_have_text("Ended")
        take_picture(opened, "overview-ended")
        for look in (NARROW, DARK):
            with open_page(browser, page.url, look) as other:
                assert other.violations(axe) == []
                assert other.overflow() <= 0
                take_picture(other, f"overview-ended-{look}")

    name = test.status["results"]["configMap"]
    results = rest.call("GET", f"/api/v1/namespaces/{namespace.name}/configmaps/{name}")
    with urlopen(f"{pages}tests/{namespace.name}/followed/report.html", timeout=30) as answer:
        assert answer.read() == gzip.decompress(base64.b64decode(results["binaryData"]["report.html.gz"]))
        assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none';")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="followed_report.html"'


def test_a_page_outlives_the_operator_and_goes_on_by_itself(
    browser: Browser, pages: str, namespace: Namespace, cluster: Cluster, rest: Rest
) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")
    test = namespace.start("survivor", load={**LOAD, "duration": "300s"})
    test.until_running()
    with open_page(browser, f"{pages}tests/{namespace.name}/survivor") as opened:
        page = opened.page
        mark(page)
        expect(page.locator("#course svg").first).to_be_visible(timeout=SOON_MS)

        told, ages = opened.record_texts("#connection"), opened.record_texts("#age")
        kill_operator(cluster, rest)

        # The operator may be back within a second or two.
        wait_for("the connection to be lost", lambda: "Connection lost, trying again." in told(), SOON_MS / 1_000)
        expect(page.locator("#course svg").first).to_be_visible()
        take_picture(opened, "connection-lost")
        expect(page.locator("#connection")).to_have_text("", timeout=SOON_MS)
        assert any("s old" in text for text in ages())
        test.patch(stop=True)
        expect(page.locator("#verdict .verdict-word")).to_have_text("Inconclusive", timeout=2 * SOON_MS)
        assert is_same_page(page)


def test_what_was_refused_is_told_with_what_to_do_and_stays_text(
    browser: Browser, axe: str, pages: str, namespace: Namespace
) -> None:
    namespace.deploy("broken", FAULT="ignores-header")
    namespace.until_available("broken")
    test = namespace.start("refused", target={"url": "http://broken:8000/clients/upload/process/"})
    test.until_completed()
    with open_page(browser, f"{pages}tests/{namespace.name}/refused") as opened:
        expect(opened.page.locator("#verdict .verdict-word")).to_have_text("Failed (never loaded)")
        assert "Nothing was loaded" in opened.page.inner_text("#verdict")
        assert opened.violations(axe) == []
        assert opened.complaints == []
        take_picture(opened, "test-refused")


def test_a_test_that_is_not_there_appears_on_its_page_when_it_is_made(
    browser: Browser, pages: str, namespace: Namespace
) -> None:
    address = f"{pages}tests/{namespace.name}/later"
    assert refusal(address) == 404
    with open_page(browser, address) as opened:
        expect(opened.page.locator("h1")).to_have_text("Not found")

        test = namespace.start("later", suspend=True)

        expect(opened.page.locator("#standing .verdict-word")).to_contain_text("Queued", timeout=SOON_MS)
        expect(opened.page.locator("#standing .message")).to_be_visible()
        take_picture(opened, "test-queued")
        test.patch(stop=True)
        expect(opened.page.locator("#standing .verdict-word")).to_have_text("Inconclusive", timeout=SOON_MS)
        take_picture(opened, "test-stopped")


def test_the_pages_answer_to_no_foreign_name_and_change_nothing(pages: str) -> None:
    with urlopen(Request(pages, headers={"Host": "localhost:1"}), timeout=30) as answer:
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert refusal(Request(pages, headers={"Host": "evil.example"})) == 421
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert refusal(Request(pages, method=method, data=b"")) == 405


def test_the_operators_own_namespace_is_left_alone(pages: str) -> None:
    assert refusal(f"{pages}tests/{OPERATOR_NAMESPACE}/..%2f..%2fsecrets") == 404
