"""What every live page loads: the style of the reports with that of live pages, and the script."""

import hashlib
from functools import cache
from importlib import resources
from typing import Final

from loadtest_model.pages.stylesheet import stylesheet

STYLE_NAME: Final = "page.css"
SCRIPT_NAME: Final = "live.js"


@cache
def live_style() -> str:
    """The style of live pages."""
    return f"{stylesheet()}\n{_text('live.css')}"


@cache
def live_script() -> str:
    """The script, which puts changed parts into their places."""
    return _text("live.js")


@cache
def look_version() -> str:
    """A digest of both: a page that was loaded with others must be loaded anew."""
    return hashlib.sha256(f"{live_style()}\0{live_script()}".encode()).hexdigest()[:12]


def _text(name: str) -> str:
    return resources.files(__package__ or __name__).joinpath(name).read_text(encoding="utf-8")
