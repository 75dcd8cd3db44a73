"""Writes the tables of docs/troubleshooting.md from the causes; with --check says whether they are up to date."""

import sys
from collections.abc import Iterator
from typing import Final

from loadtest_model.measurement.causes import Cause
from tools.committed_files import REPOSITORY, filled, written

FILE: Final = REPOSITORY / "docs" / "troubleshooting.md"

GROUPS: Final = {
    "No connection": (
        Cause.CONNECTION_REFUSED,
        Cause.NAME_NOT_RESOLVED,
        Cause.CONNECT_TIMEOUT,
        Cause.ADDRESS_NOT_ALLOWED,
        Cause.ADDRESSES_VANISHED,
        Cause.NO_SOCKET,
        Cause.TLS_CERTIFICATE,
        Cause.TLS_CLIENT_CERTIFICATE,
        Cause.TLS_SETTINGS,
        Cause.TLS_NOT_SPOKEN,
        Cause.TLS_EXPECTED,
        Cause.TLS_FAILED,
    ),
    "No complete answer": (
        Cause.TIMED_OUT,
        Cause.CONNECTION_RESET,
        Cause.WORKER_TIMEOUT,
        Cause.WORKER_KILLED,
        Cause.TARGET_CRASHED,
        Cause.PODS_LEFT,
        Cause.STALE_CONNECTION,
        Cause.NOT_HTTP,
    ),
    "Who uploads: tokens, permissions, CSRF and CORS": (
        Cause.TOKEN_MISSING,
        Cause.TOKEN_EXPIRED,
        Cause.TOKEN_EXPIRES_EARLY,
        Cause.TOKEN_SCHEME,
        Cause.TOKEN_REFUSED,
        Cause.LOGIN_FAILED,
        Cause.CSRF,
        Cause.PERMISSION_DENIED,
        Cause.CORS,
    ),
    "Where to: host, path and redirects": (
        Cause.HOST_NOT_ALLOWED,
        Cause.SLASH_MISSING,
        Cause.HTTPS_REDIRECT,
        Cause.HOST_REDIRECT,
        Cause.LOGIN_REDIRECT,
        Cause.REDIRECTED,
        Cause.WRONG_URL,
        Cause.METHOD_NOT_ALLOWED,
    ),
    "What is uploaded: field, size and content": (
        Cause.WRONG_FILE_FIELD,
        Cause.WRONG_CONTENT_TYPE,
        Cause.FILE_REFUSED,
        Cause.BODY_LIMIT,
        Cause.DJANGO_BODY_LIMIT,
        Cause.TOO_MANY_FIELDS,
        Cause.UPLOAD_FOLDER,
        Cause.CLIENT_ERROR,
    ),
    "The load-test contract": (
        Cause.MARKER_MISSING,
        Cause.MARKER_FALSE,
        Cause.NOT_JSON,
        Cause.ROWS_MISCOUNTED,
        Cause.NONCE_NOT_ECHOED,
        Cause.READ_BACK_FAILED,
        Cause.READ_BACK_CONTROL,
        Cause.ROWS_STORED,
    ),
    "The target under load": (
        Cause.HIGH_ERROR_RATE,
        Cause.SERVER_ERROR,
        Cause.SERVICE_UNAVAILABLE,
        Cause.THROTTLED,
        Cause.OUT_OF_MEMORY,
        Cause.MEMORY_GROWING,
    ),
    "A proxy in the way": (
        Cause.PROXY_BODY_LIMIT,
        Cause.PROXY_TIMEOUT,
        Cause.PROXY_BAD_GATEWAY,
        Cause.PROXY_UNAVAILABLE,
        Cause.PROXY_REFUSED,
        Cause.BODY_TOO_SLOW,
    ),
    "The generator itself": (Cause.GENERATOR_THROTTLED,),
}


def document(held: str) -> str:
    """The document with its tables written anew. Raises ValueError where it has no place for them."""
    tables = "\n".join(line for title, causes in GROUPS.items() for line in _table(title, causes))
    return filled(held, "causes", f"{tables}\n", FILE)


def _table(title: str, causes: tuple[Cause, ...]) -> Iterator[str]:
    yield from (f"\n### {title}\n", "| cause | what it means | what to do |", "|---|---|---|")
    for cause in causes:
        told = cause.explanation
        yield f"| **{told.title}** `{cause}` | {told.meaning} | {told.next_step} |"


def main() -> int:
    return written(FILE, document(FILE.read_text()), "the causes")


if __name__ == "__main__":
    sys.exit(main())
