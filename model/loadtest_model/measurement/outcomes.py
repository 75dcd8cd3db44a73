"""What one upload came to: the four outcomes, and the kinds of error within them."""

from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """Every sent upload has exactly one; docs/semantics.md says what each means."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    VIOLATION = "violation"


class ErrorKind(StrEnum):
    """Why an upload was not accepted. Each kind belongs to one outcome, see `outcome_of`."""

    # The connection never opened, so nothing was sent.
    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"
    CONNECT_TIMEOUT = "connect_timeout"
    NO_ADDRESS = "no_address"
    NO_SOCKET = "no_socket"
    # A complete answer that is not an acceptance.
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    THROTTLED = "throttled"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    UNSUCCESSFUL = "unsuccessful"
    MISCOUNTED = "miscounted"
    # The body may have arrived, but no complete answer came.
    TIMEOUT = "timeout"
    RESET = "reset"
    STALE_CONNECTION = "stale_connection"
    CANCELLED = "cancelled"
    BAD_ANSWER = "bad_answer"
    # The promise of the header is broken.
    MARKER_MISSING = "marker_missing"
    NONCE_MISSING = "nonce_missing"
    REDIRECT = "redirect"
    UNREADABLE = "unreadable"


NOT_STORED: Final = frozenset(
    {
        ErrorKind.REFUSED,
        ErrorKind.DNS,
        ErrorKind.TLS,
        ErrorKind.CONNECT_TIMEOUT,
        ErrorKind.NO_ADDRESS,
        ErrorKind.NO_SOCKET,
        ErrorKind.UNAUTHORIZED,
        ErrorKind.FORBIDDEN,
        ErrorKind.NOT_FOUND,
        ErrorKind.TOO_LARGE,
        ErrorKind.THROTTLED,
        ErrorKind.CLIENT_ERROR,
    }
)
"""After these no row is in the target's database: nothing was sent, or a complete answer refuses the upload."""

_REJECTED: Final = NOT_STORED | {ErrorKind.SERVER_ERROR, ErrorKind.UNSUCCESSFUL, ErrorKind.MISCOUNTED}
_VIOLATIONS: Final = frozenset(
    {ErrorKind.MARKER_MISSING, ErrorKind.NONCE_MISSING, ErrorKind.REDIRECT, ErrorKind.UNREADABLE}
)


def outcome_of(error: ErrorKind | None) -> Outcome:
    """The outcome that an upload with this error, or with none, counts as."""
    if error is None:
        return Outcome.ACCEPTED
    if error in _VIOLATIONS:
        return Outcome.VIOLATION
    return Outcome.REJECTED if error in _REJECTED else Outcome.UNKNOWN
