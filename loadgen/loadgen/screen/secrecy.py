"""A plan without what must not be written down: values of headers and form fields, and of the query of a URL."""

from typing import Any, Final

import msgspec
from yarl import URL

from loadtest_model.plan import Plan

HIDDEN: Final = "***"
_SECRET_MAPS: Final = frozenset({"headers", "formFields"})
_OMITTED_FIELDS: Final = frozenset({"commandDigests"})


def public_plan(plan: Plan) -> dict[str, Any]:
    """The plan as it may stand in a file that is passed on; tokens and passwords are in no plan to begin with."""
    fields: dict[str, Any] = _without_secrets(msgspec.to_builtins(plan))
    return fields


def public_url(url: str) -> str:
    """A URL whose query tells its names only."""
    parsed_url = URL(url)
    if not parsed_url.query:
        return url
    return f"{parsed_url.with_query(None)}?{'&'.join(f'{name}={HIDDEN}' for name in parsed_url.query)}"


def _without_secrets(node: Any, name: str = "") -> Any:
    if isinstance(node, dict):
        if name in _SECRET_MAPS:
            return dict.fromkeys(node, HIDDEN)
        return {key: _without_secrets(value, key) for key, value in node.items() if key not in _OMITTED_FIELDS}
    if isinstance(node, list | tuple):
        return [_without_secrets(value, name) for value in node]
    return public_url(node) if isinstance(node, str) and name.lower().endswith("url") else node
