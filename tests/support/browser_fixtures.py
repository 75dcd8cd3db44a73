"""The fixtures of tests that look at pages: a browser, and the rules of accessibility."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from localcluster.packages import PackageError
from peers import PeerMissingError, axe_core
from support.browser import chromium


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
