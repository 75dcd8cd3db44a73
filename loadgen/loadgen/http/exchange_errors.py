"""Every exception of a connection and of the operating system becomes an ErrorKind here, once."""

import errno
import os
from typing import Final

from aiohttp.http import HttpProcessingError

from loadgen.answers.judging import printable_text
from loadgen.http.connections import AddressDeniedError
from loadgen.http.http2 import http2_failure
from loadgen.http.timeouts import UploadDeadline
from loadgen.http.tls import refuses_certificate, tls_failure
from loadgen.http.upload_progress import UploadProgress
from loadtest_model.measurement.outcomes import ErrorKind

_OWN_SHORTAGES: Final = frozenset({errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors of a connect that say nothing of the target."""


def classify_error(error: Exception, progress: UploadProgress, deadline: UploadDeadline) -> tuple[ErrorKind, str]:
    """The kind of an error, and a sentence with what is known of it."""
    tls_text = tls_failure(error)
    if not progress.has_begun:
        return (ErrorKind.TLS, tls_text) if tls_text is not None else _classify_connect_error(error, deadline)
    if (
        tls_text is not None
        and not progress.has_answer_begun
        and not progress.reuses_connection
        and refuses_certificate(error)
    ):
        # The refusal comes after the client's side of the handshake, when the first bytes are on their way. The target
        # takes none of them. After any other failure of TLS it may have taken the whole body.
        progress.mark_nothing_sent()
        return ErrorKind.TLS, tls_text
    if isinstance(error, TimeoutError):
        return ErrorKind.TIMEOUT, deadline.failure_text
    if isinstance(error, HttpProcessingError):
        not_http = f"the answer is not HTTP: {printable_text(' '.join(error.message.split()))}"
        return ErrorKind.BAD_ANSWER, http2_failure(error.message) or not_http
    if progress.reuses_connection and not progress.has_answer_begun:
        return ErrorKind.STALE_CONNECTION, f"the kept connection was lost before an answer: {_error_text(error)}"
    return ErrorKind.RESET, f"the connection was lost before a complete answer: {_error_text(error)}"


def _classify_connect_error(error: Exception, deadline: UploadDeadline) -> tuple[ErrorKind, str]:
    if isinstance(error, AddressDeniedError):
        return ErrorKind.NO_ADDRESS, str(error.strerror)
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        return ErrorKind.CONNECT_TIMEOUT, f"no connection: {_system_reason(error)}"
    if isinstance(error, OSError) and error.errno in _OWN_SHORTAGES:
        return ErrorKind.NO_SOCKET, f"no connection: {_system_reason(error)}"
    if isinstance(error, TimeoutError):
        return ErrorKind.CONNECT_TIMEOUT, deadline.failure_text
    return ErrorKind.REFUSED, f"no connection: {_system_reason(error)}"


def _system_reason(error: BaseException) -> str:
    """What the system says of a failed connect; asyncio puts a text of its own in its place, with a tuple in it."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else _error_text(error)


def _error_text(error: BaseException) -> str:
    return str(error) or type(error).__name__
