"""Why uploads fail; `explanations` says what each cause means and what to do about it."""

from enum import StrEnum
from typing import Final

from loadtest_model.measurement.outcomes import ErrorKind


class Cause(StrEnum):
    """Why an upload was not accepted, or why a whole run fared badly; `docs/troubleshooting.md` lists them all."""

    # No connection.
    CONNECTION_REFUSED = "connection_refused"
    NAME_NOT_RESOLVED = "name_not_resolved"
    CONNECT_TIMEOUT = "connect_timeout"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    ADDRESSES_VANISHED = "addresses_vanished"
    NO_SOCKET = "no_socket"
    TLS_CERTIFICATE = "tls_certificate"
    TLS_CLIENT_CERTIFICATE = "tls_client_certificate"
    TLS_SETTINGS = "tls_settings"
    TLS_NOT_SPOKEN = "tls_not_spoken"
    TLS_EXPECTED = "tls_expected"
    TLS_FAILED = "tls_failed"
    # No complete answer.
    TIMED_OUT = "timed_out"
    CONNECTION_RESET = "connection_reset"
    WORKER_TIMEOUT = "worker_timeout"
    WORKER_KILLED = "worker_killed"
    TARGET_CRASHED = "target_crashed"
    PODS_LEFT = "pods_left"
    STALE_CONNECTION = "stale_connection"
    NOT_HTTP = "not_http"
    HTTP2_ONLY = "http2_only"
    # Who uploads.
    TOKEN_MISSING = "token_missing"  # noqa: S105 - the name of a cause
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - the name of a cause
    TOKEN_EXPIRES_EARLY = "token_expires_early"  # noqa: S105 - the name of a cause
    TOKEN_SCHEME = "token_scheme"  # noqa: S105 - the name of a cause
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the name of a cause
    LOGIN_FAILED = "login_failed"
    CSRF = "csrf"
    PERMISSION_DENIED = "permission_denied"
    CORS = "cors"
    # Where to.
    HOST_NOT_ALLOWED = "host_not_allowed"
    SLASH_MISSING = "slash_missing"
    HTTPS_REDIRECT = "https_redirect"
    HOST_REDIRECT = "host_redirect"
    LOGIN_REDIRECT = "login_redirect"
    REDIRECTED = "redirected"
    WRONG_URL = "wrong_url"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    # What is uploaded.
    WRONG_FILE_FIELD = "wrong_file_field"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    FILE_REFUSED = "file_refused"
    BODY_LIMIT = "body_limit"
    SIZE_CUT = "size_cut"
    DJANGO_BODY_LIMIT = "django_body_limit"
    TOO_MANY_FIELDS = "too_many_fields"
    UPLOAD_FOLDER = "upload_folder"
    CLIENT_ERROR = "client_error"
    # The load-test contract.
    MARKER_MISSING = "marker_missing"
    MARKER_FALSE = "marker_false"
    NOT_JSON = "not_json"
    ANSWER_UNREADABLE = "answer_unreadable"
    ROWS_MISCOUNTED = "rows_miscounted"
    NONCE_NOT_ECHOED = "nonce_not_echoed"
    READ_BACK_FAILED = "read_back_failed"
    READ_BACK_CONTROL = "read_back_control"
    ROWS_STORED = "rows_stored"
    # The target under load.
    HIGH_ERROR_RATE = "high_error_rate"
    SERVER_ERROR = "server_error"
    EMPTY_FILE_FAILED = "empty_file_failed"
    SERVICE_UNAVAILABLE = "service_unavailable"
    THROTTLED = "throttled"
    OUT_OF_MEMORY = "out_of_memory"
    MEMORY_GROWING = "memory_growing"
    # A proxy in the way.
    PROXY_BODY_LIMIT = "proxy_body_limit"
    PROXY_TIMEOUT = "proxy_timeout"
    PROXY_BAD_GATEWAY = "proxy_bad_gateway"
    PROXY_UNAVAILABLE = "proxy_unavailable"
    PROXY_REFUSED = "proxy_refused"
    BODY_TOO_SLOW = "body_too_slow"
    # The generator itself.
    GENERATOR_THROTTLED = "generator_throttled"


_BY_KIND: Final = {
    ErrorKind.REFUSED: Cause.CONNECTION_REFUSED,
    ErrorKind.DNS: Cause.NAME_NOT_RESOLVED,
    ErrorKind.TLS: Cause.TLS_FAILED,
    ErrorKind.CONNECT_TIMEOUT: Cause.CONNECT_TIMEOUT,
    ErrorKind.NO_ADDRESS: Cause.ADDRESSES_VANISHED,
    ErrorKind.NO_SOCKET: Cause.NO_SOCKET,
    ErrorKind.UNAUTHORIZED: Cause.TOKEN_REFUSED,
    ErrorKind.FORBIDDEN: Cause.PERMISSION_DENIED,
    ErrorKind.NOT_FOUND: Cause.WRONG_URL,
    ErrorKind.TOO_LARGE: Cause.BODY_LIMIT,
    ErrorKind.THROTTLED: Cause.THROTTLED,
    ErrorKind.CLIENT_ERROR: Cause.CLIENT_ERROR,
    ErrorKind.SERVER_ERROR: Cause.SERVER_ERROR,
    ErrorKind.UNSUCCESSFUL: Cause.FILE_REFUSED,
    ErrorKind.MISCOUNTED: Cause.ROWS_MISCOUNTED,
    ErrorKind.TIMEOUT: Cause.TIMED_OUT,
    ErrorKind.RESET: Cause.CONNECTION_RESET,
    ErrorKind.STALE_CONNECTION: Cause.STALE_CONNECTION,
    ErrorKind.BAD_ANSWER: Cause.NOT_HTTP,
    ErrorKind.MARKER_MISSING: Cause.MARKER_MISSING,
    ErrorKind.NONCE_MISSING: Cause.NONCE_NOT_ECHOED,
    ErrorKind.REDIRECT: Cause.REDIRECTED,
    ErrorKind.UNREADABLE: Cause.ANSWER_UNREADABLE,
}

CUT_CAUSES: Final = (Cause.CONNECTION_RESET, Cause.WORKER_KILLED, Cause.SIZE_CUT, Cause.UPLOAD_FOLDER)
"""What a connection that is lost before a complete answer may be taken for; the first is no more than that."""


def cause_of(kind: ErrorKind) -> Cause | None:
    """What a kind of error alone tells of its cause; None of an upload that we cut ourselves."""
    return _BY_KIND.get(kind)
