"""The page with two runs as people see it, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from loadtest_model.pages.comparison_page import ComparedRun, comparison_page
from support.browser import DARK, NARROW, Look, open_page
from support.report_cases import inconclusive, passed


@pytest.mark.parametrize("look", [DARK, NARROW], ids=str)
def test_a_comparison_is_accessible_fits_and_asks_for_nothing(
    browser: Browser, axe: str, tmp_path: Path, look: Look
) -> None:
    page = tmp_path / "both.html"
    first, second = (
        ComparedRun(name, case.summary, case.rows)
        for name, case in (("before-release@v1.4.0", passed()), ("before-release@v1.5.0", inconclusive()))
    )
    page.write_text(comparison_page(first, second), encoding="utf-8")

    with open_page(browser, page.as_uri(), look) as opened:
        assert opened.violations(axe) == []
        assert opened.overflow() <= 0
        assert opened.complaints == []
        assert opened.requests == [page.as_uri()]
