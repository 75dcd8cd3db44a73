"""The target's token: given by the environment, or read from a file that may be renewed while the load runs."""

import asyncio
import base64
import json
from typing import Final, Protocol

from loadgen.auth.secret_texts import FixedText, SecretFile

HIDDEN: Final = "***"
_ELLIPSIS: Final = "..."
_LEAST_HIDDEN_CHARACTERS: Final = 3
_USUAL_SCHEMES: Final = ("bearer", "jwt", "token")


class TokenSource(Protocol):
    """Gives the value of the Authorization header."""

    @property
    def expires_at(self) -> float | None:
        """When the token that was given last expires, in seconds since the epoch; None if nothing says so."""
        ...

    async def authorization(self) -> str:
        """`<scheme> <token>`. Raises TokenUnreadableError if there never was a token; never after the first one."""
        ...

    async def final_expiry(self) -> float | None:
        """When the token expires for good, in seconds since the epoch; None if it does not say, or is renewed.

        Raises TokenUnreadableError.
        """
        ...

    def note_refusal(self, authorization: str) -> None:
        """The target answered 401 to this value of the header."""
        ...

    async def keep_fresh(self) -> None:
        """Renew the token before it expires, until cancelled."""
        ...


class HeldToken:
    """A token that a file or the environment holds, and nobody renews but who holds it."""

    def __init__(self, source: SecretFile | FixedText, scheme: str) -> None:
        self._source = source
        self._scheme = scheme

    @property
    def expires_at(self) -> float | None:
        return expiry_of(self._source.text) if self._source.text is not None else None

    async def authorization(self) -> str:
        return f"{self._scheme} {self._source.read()}"

    async def final_expiry(self) -> float | None:
        self._source.read()
        return self.expires_at

    def note_refusal(self, authorization: str) -> None:
        self._source.note_refusal(token_of(authorization))

    async def keep_fresh(self) -> None:
        await asyncio.Event().wait()


def token_of(authorization: str) -> str:
    """The token in the value of an Authorization header."""
    return authorization.partition(" ")[2]


def expiry_of(token: str) -> float | None:
    """The `exp` of a JSON Web Token (RFC 7519), in seconds since the epoch; None of whatever has none.

    The signature is not looked at: only the target can judge it.
    """
    return _instant_in(token, "exp")


def issue_of(token: str) -> float | None:
    """The `iat` of a JSON Web Token: when it was made, by the clock of its issuer."""
    return _instant_in(token, "iat")


def _instant_in(token: str, claim: str) -> float | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        instant = claims.get(claim) if isinstance(claims, dict) else None
        return float(instant) if isinstance(instant, int | float) and not isinstance(instant, bool) else None
    except (ValueError, OverflowError, RecursionError):
        return None


def parse_token(text: str, scheme: str = "") -> str:
    """A token without the space around it. Raises ValueError, without quoting it, where no header could carry it.

    Nor may it bring along the scheme, or one of those that are usual: that word is put before it anyway.
    """
    word, blank, _ = text.strip().partition(" ")
    if blank and word.lower() in {scheme.lower(), *_USUAL_SCHEMES}:
        raise ValueError(f"it begins with the scheme {word}, which is put before it anyway; leave that word out")
    return one_line(text)


def one_line(text: str) -> str:
    """A text without the space around it. Raises ValueError, without quoting it, where no header could carry it."""
    line = text.strip()
    if not line:
        raise ValueError("it is empty")
    if not line.isascii() or not line.isprintable():
        raise ValueError("it is more than one line of printable ASCII")
    return line


def without_secret(text: str, secret: str) -> str:
    """A text for logs and people: a target that answers with what it was sent must not make a secret known.

    If the text was cut off, which three dots say, the secret's beginning is hidden as well.
    """
    masked_text = text.replace(secret, HIDDEN)
    if secret[:_LEAST_HIDDEN_CHARACTERS] not in masked_text:
        return masked_text
    *cut_pieces, last_piece = masked_text.split(_ELLIPSIS)
    return _ELLIPSIS.join((*(_without_beginning(piece, secret) for piece in cut_pieces), last_piece))


def _without_beginning(text: str, secret: str) -> str:
    for length in range(min(len(secret), len(text)), _LEAST_HIDDEN_CHARACTERS - 1, -1):
        if text.endswith(secret[:length]):
            return text[:-length] + HIDDEN
    return text
