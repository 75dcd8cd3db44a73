"""What must not be written down: values of headers and form fields, and of the query of a URL."""

from typing import Any, Final

import msgspec

HIDDEN: Final = "***"
_SECRET_MAPS: Final = frozenset({"headers", "formFields"})
_OMITTED_FIELDS: Final = frozenset({"commandDigests"})


def without_secrets(value: Any) -> Any:
    """A plan or a spec as plain values that may stand in a file that is passed on.

    Tokens and passwords are in neither to begin with.
    """
    return _hide(msgspec.to_builtins(value))


def public_url(url: str) -> str:
    """A URL whose query tells its names only. A part of the query that is not a name with a value is hidden."""
    path, question_mark, query = url.partition("?")
    return f"{path}{question_mark}{'&'.join(map(_public_part, query.split('&')))}" if query else url


def _public_part(part: str) -> str:
    name, equals_sign, _ = part.partition("=")
    return f"{name}={HIDDEN}" if equals_sign else HIDDEN


def _hide(node: Any, name: str = "") -> Any:
    if isinstance(node, dict):
        if name in _SECRET_MAPS:
            return dict.fromkeys(node, HIDDEN)
        return {key: _hide(value, key) for key, value in node.items() if key not in _OMITTED_FIELDS}
    if isinstance(node, list | tuple):
        return [_hide(value, name) for value in node]
    return public_url(node) if isinstance(node, str) and name.lower().endswith("url") else node
