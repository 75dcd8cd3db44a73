"""The report as people see it, in a real browser."""

import re
from collections.abc import Callable

import pytest
from msgspec import structs
from playwright.sync_api import Browser

from support.browser import DARK, LIGHT, NARROW, Look, open_page
from support.report_cases import CASES, ReportCase, passed, with_summary

ReportAddress = Callable[[str | ReportCase], str]

LOOKS = (LIGHT, DARK, NARROW)
FIRST_SCREEN = ("#verdict", "#figures", "#thresholds", "#proof")


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_a_report_is_accessible_fits_and_asks_for_nothing(
    browser: Browser, axe: str, report_address: ReportAddress, name: str, look: Look
) -> None:
    with open_page(browser, report_address(name), look) as opened:
        assert opened.violations(axe) == []
        assert opened.overflow() <= 0
        assert opened.complaints == []
        assert opened.requests == [report_address(name)]
        assert opened.page.locator("h1").is_visible()


@pytest.mark.parametrize("name", ["passed", "violated", "all_steps", "one_second", "a_day", "thousand_pods"])
def test_the_first_screen_suffices_for_a_reviewer(browser: Browser, report_address: ReportAddress, name: str) -> None:
    with open_page(browser, report_address(name)) as opened:
        for selector in FIRST_SCREEN:
            assert opened.bottom(selector) <= LIGHT.height, selector
        assert opened.bottom("#health .stated") <= LIGHT.height


def test_a_refusal_fits_on_the_first_screen_with_what_to_do(browser: Browser, report_address: ReportAddress) -> None:
    with open_page(browser, report_address("refused")) as opened:
        assert opened.bottom("#diagnoses") <= LIGHT.height
        assert "CANARY1" in opened.page.locator("#verdict").inner_text()
        assert "What to do" in opened.page.locator("#diagnoses").inner_text()
        assert opened.page.locator("#course").count() == 0


def test_the_figures_of_a_drawing_can_be_opened_as_a_table(browser: Browser, report_address: ReportAddress) -> None:
    with open_page(browser, report_address("passed")) as opened:
        table = opened.page.locator("#course table")
        assert not table.is_visible()

        opened.page.locator("#course summary").click()

        assert table.is_visible()
        assert table.locator("tbody tr").count() == 120


def test_the_keyboard_reaches_the_content_and_every_region_that_scrolls(
    browser: Browser, report_address: ReportAddress
) -> None:
    with open_page(browser, report_address("passed"), NARROW) as opened:
        opened.page.keyboard.press("Tab")
        assert opened.page.evaluate("document.activeElement.className") == "skip"
        assert opened.page.locator(".skip").is_visible()
        opened.page.keyboard.press("Enter")
        assert opened.page.url.endswith("#report")
        labels = set()
        for _ in range(40):
            opened.page.keyboard.press("Tab")
            labels.add(opened.page.evaluate("document.activeElement.getAttribute('aria-label')"))
        assert {"Where the time went", "Plateaus", "Pods of the fleet", "Slowest uploads", "Manifest"} <= labels


@pytest.mark.parametrize("selector", ["#plateaus .scroll", "#manifest .scroll"])
def test_what_scrolls_has_a_shade_at_the_edge_that_hides_more(
    browser: Browser, report_address: ReportAddress, selector: str
) -> None:
    with open_page(browser, report_address("passed"), NARROW) as opened:
        region = opened.page.locator(selector)
        assert region.evaluate("each => each.scrollWidth > each.clientWidth")
        attachments = region.evaluate("each => getComputedStyle(each).backgroundAttachment")

        assert attachments.startswith("local, local, scroll, scroll")


def test_the_pointer_reads_the_figures_of_an_instant(browser: Browser, report_address: ReportAddress) -> None:
    with open_page(browser, report_address("passed")) as opened:
        column = opened.page.locator(".readouts rect").nth(60)
        column.hover()

        assert float(column.evaluate("each => getComputedStyle(each).fillOpacity")) > 0
        assert re.fullmatch(
            r"1m: p95 \d+ ms, avg \d+ ms, [\d,]+ records/s, \d+ users?, 0 errors",
            column.locator("title").text_content() or "",
        )


@pytest.mark.parametrize("name", CASES)
def test_a_report_prints_in_full(browser: Browser, report_address: ReportAddress, name: str) -> None:
    with open_page(browser, report_address(name), DARK) as opened:
        opened.page.emulate_media(media="print")
        assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert opened.page.evaluate(
            "[...document.querySelectorAll('.scroll')].every(each => each.scrollHeight <= each.clientHeight + 1)"
        )

        assert opened.page.pdf().startswith(b"%PDF")


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><style>*{display:none}</style>&lt;b&gt;\x1b[31m\u202e"
)


def test_whatever_a_target_says_stays_text(browser: Browser, axe: str, report_address: ReportAddress) -> None:
    case = passed()
    step = case.summary.steps[0]
    upload = structs.replace(case.summary.slowest[0], address=HOSTILE, error=HOSTILE, trace_id=HOSTILE)
    hostile = with_summary(
        case,
        name=HOSTILE,
        scenario=HOSTILE,
        reasons=(HOSTILE,),
        manifest=HOSTILE,
        slowest=(upload,),
        verification=structs.replace(case.summary.verification, notice=HOSTILE, unverified=(HOSTILE,)),
        steps=(structs.replace(step, name=HOSTILE, addresses={HOSTILE: step.addresses["10.0.0.5:8000"]}),),
    )

    with open_page(browser, report_address(hostile)) as opened:
        assert opened.complaints == []
        assert opened.page.locator("script, img, [onerror], [style], main style").count() == 0
        assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in opened.page.locator("h1").inner_text()
        assert opened.page.locator("#manifest code").inner_text() == HOSTILE.replace("\x1b", "\ufffd").replace(
            "\u202e", "\ufffd"
        )
        assert opened.violations(axe) == []
        assert opened.overflow() <= 0


def test_the_policy_keeps_out_what_the_page_does_not_have(browser: Browser, report_address: ReportAddress) -> None:
    with open_page(browser, report_address("passed")) as opened:
        opened.page.evaluate(
            "document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.1:9/pixel'}))"
        )
        opened.page.wait_for_function("document.querySelector('img').complete")

        assert any("Content Security Policy" in complaint for complaint in opened.complaints)
