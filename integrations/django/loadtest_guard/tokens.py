"""Tokens that let a load test in: signed with HMAC, each with an expiry of its own.

Django's Signer compares signatures in constant time. The expiry is part of what is signed.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.signing import BadSignature, Signer

from loadtest_guard.guard_settings import GuardSettings

_SALT: Final = "loadtest_guard.token"
_LONGEST_TEXT: Final = 512
_CLOCK_SECONDS: Final = 60.0
"""By how much the clocks of the machine that signs and of the one that checks may differ."""


class TokenRefusedError(Exception):
    """The token lets nobody in. The message says why, without the token."""


@dataclass(frozen=True)
class Token:
    """What a token says. `identity` is for the log, and is no secret."""

    identity: str
    issued: float
    expires: float


def sign_token(now: float, lifetime_seconds: float, guard: GuardSettings) -> str:
    """Return a new token that expires after the lifetime. Raises ValueError if that is too long."""
    if not 0 < lifetime_seconds <= guard.longest_token_seconds:
        raise ValueError(
            f"a token may last {guard.longest_token_seconds / 3600:g} h at most (LONGEST_TOKEN_HOURS), and not"
            f" {lifetime_seconds / 3600:g} h"
        )
    facts = {"id": secrets.token_hex(8), "from": int(now), "until": int(now + lifetime_seconds)}
    return _signer(next(_keys(guard))).sign_object(facts)


def read_token(text: str, now: float, guard: GuardSettings) -> Token:
    """Return what a valid token says. Raises TokenRefusedError."""
    token = _token_of(_signed_facts(text, guard))
    if token.expires <= now:
        raise TokenRefusedError("the token has expired")
    if token.issued > now + _CLOCK_SECONDS or token.expires - token.issued > guard.longest_token_seconds:
        raise TokenRefusedError("the token lasts longer than LONGEST_TOKEN_HOURS allows")
    return token


def _signed_facts(text: str, guard: GuardSettings) -> Any:
    if len(text) <= _LONGEST_TEXT:
        for key in _keys(guard):
            try:
                return _signer(key).unsign_object(text)
            except (BadSignature, ValueError):
                continue
    raise TokenRefusedError("the token is not valid")


def _token_of(facts: Any) -> Token:
    try:
        return Token(str(facts["id"]), float(facts["from"]), float(facts["until"]))
    except (KeyError, TypeError, ValueError) as error:
        raise TokenRefusedError("the token is not valid") from error


def _signer(key: str) -> Signer:
    return Signer(key=key, salt=_SALT, algorithm="sha256", fallback_keys=[])


def _keys(guard: GuardSettings) -> Iterator[str]:
    """The key that signs, and after it those that are still accepted."""
    if guard.key:
        yield guard.key
        return
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS
