"""A browser for all tests of pages, and the reports that they open."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from loadtest_model.pages.report_page import report_page
from localcluster.packages import PackageError
from peers import PeerMissingError, axe_core
from support.browser import chromium
from support.report_cases import CASES, ReportCase


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser. Its driver keeps an event loop in this thread, beside which no other test may run one."""
    try:
        with chromium() as started_browser:
            yield started_browser
    except PackageError as error:
        pytest.skip(f"no browser: {error}")


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    try:
        return axe_core().read_text()
    except PeerMissingError as error:
        pytest.skip(str(error))


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
