"""A plan without what must not be written down: values of headers and form fields, and of the query of a URL."""

from typing import Any, Final

import msgspec
from yarl import URL

from loadtest_model.plan import Plan

HIDDEN: Final = "***"
_PAIRS: Final = frozenset({"headers", "formFields"})
_LEFT_OUT: Final = frozenset({"commandDigests"})


def public_plan(plan: Plan) -> dict[str, Any]:
    """The plan as it may stand in a file that is passed on; tokens and passwords are in no plan to begin with."""
    made: dict[str, Any] = _public(msgspec.to_builtins(plan))
    return made


def public_url(url: str) -> str:
    """A URL whose query tells its names only."""
    parsed = URL(url)
    if not parsed.query:
        return url
    return f"{parsed.with_query(None)}?{'&'.join(f'{name}={HIDDEN}' for name in parsed.query)}"


def _public(node: Any, name: str = "") -> Any:
    if isinstance(node, dict):
        if name in _PAIRS:
            return dict.fromkeys(node, HIDDEN)
        return {key: _public(value, key) for key, value in node.items() if key not in _LEFT_OUT}
    if isinstance(node, list | tuple):
        return [_public(value, name) for value in node]
    return public_url(node) if isinstance(node, str) and name.lower().endswith("url") else node
