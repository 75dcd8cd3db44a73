"""The look of all pages: one stylesheet, and the policy that allows nothing besides it."""

import base64
import hashlib
from functools import cache


@cache
def stylesheet() -> str:
    """The style of every page."""
    # It imports `tempfile` and more, which most starts of a program do not need.
    from importlib import resources  # noqa: PLC0415

    return resources.files(__package__ or __name__).joinpath("page.css").read_text(encoding="utf-8")


@cache
def report_policy() -> str:
    """The Content-Security-Policy of a report: its own style, pictures within the page, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(stylesheet().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
