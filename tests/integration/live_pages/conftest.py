"""The browser that looks at live pages."""

from support.browser_fixtures import axe, browser

__all__ = ["axe", "browser"]
