"""The header that asks for a load test."""

from typing import Final

from django.http import HttpRequest

_HEADER: Final = "HTTP_X_LOAD_TEST"
_NO: Final = frozenset({"false", "0", ""})


def asked_for(request: HttpRequest) -> str | None:
    """What X-Load-Test says, in lower case; None if there is none, or if it says no."""
    value = request.META.get(_HEADER)
    if value is None:
        return None
    text = str(value).strip().lower()
    return None if text in _NO else text
