"""The target's token, read from a file that may be renewed while the load runs."""

import base64
import json
import os
from pathlib import Path


class TokenUnreadableError(ValueError):
    """No usable token is in the file; the message names the file and never the token."""


class TokenFile:
    """Gives the value of the Authorization header, and reads the file again when it has changed or on demand."""

    def __init__(self, path: Path, scheme: str) -> None:
        self._path = path
        self._scheme = scheme
        self._seen: tuple[int, int, int] | None = None
        self._header: str | None = None

    def authorization(self) -> str:
        """`<scheme> <token>`. A file that has become unreadable leaves the token that was read last.

        Raises TokenUnreadableError where none was ever read.
        """
        try:
            status = self._path.stat()
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            if stamp != self._seen or self._header is None:
                self._header = f"{self._scheme} {_token_in(self._path)}"
                self._seen = stamp
        except (OSError, ValueError) as error:
            if self._header is None:
                raise TokenUnreadableError(f"no token in {self._path}: {_reason(error)}") from error
        return self._header

    def expires_at(self) -> float | None:
        """When the token as it is now expires, in seconds since the epoch; None where it does not say.

        Raises TokenUnreadableError where none was ever read.
        """
        return expiry_of(self.authorization().removeprefix(f"{self._scheme} "))

    def expire(self) -> None:
        """Read the file again at the next request, whether or not it looks changed."""
        self._seen = None


def expiry_of(token: str) -> float | None:
    """The `exp` of a JSON Web Token (RFC 7519), in seconds since the epoch; None of whatever has none.

    The signature is not looked at: only the target can judge it.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return float(expiry) if isinstance(expiry, int | float) and not isinstance(expiry, bool) else None


def _token_in(path: Path) -> str:
    token = path.read_text("utf-8").strip()
    if not token:
        raise ValueError("the file is empty")
    if not token.isascii() or not token.isprintable():
        raise ValueError("the file holds more than one line of printable ASCII")
    return token


def _reason(error: Exception) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
