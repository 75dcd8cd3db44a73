"""The browser, and the reports that it opens."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loadtest_model.pages.report_page import report_page
from support.browser_fixtures import axe, browser
from support.report_cases import CASES, ReportCase

__all__ = ["axe", "browser", "report_address"]

ReportAddress = Callable[[str | ReportCase], str]


@pytest.fixture(scope="session")
def report_address(tmp_path_factory: pytest.TempPathFactory) -> ReportAddress:
    """The address of the report of a case, by its name or as it is."""
    folder = tmp_path_factory.mktemp("reports")
    files: dict[str, Path] = {}

    def address(case: str | ReportCase) -> str:
        name = case if isinstance(case, str) else f"other-{len(files)}"
        if name not in files:
            chosen = CASES[case]() if isinstance(case, str) else case
            files[name] = folder / f"{name}.html"
            files[name].write_text(report_page(chosen.summary, chosen.rows), encoding="utf-8")
        return files[name].as_uri()

    return address
