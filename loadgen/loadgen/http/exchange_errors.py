"""Every exception of a connection and of the operating system becomes an ErrorKind here, once."""

import errno
import os
from typing import Final

from aiohttp.http import HttpProcessingError

from loadgen.answers.judging import printable
from loadgen.http.connections import AddressDeniedError
from loadgen.http.http2 import http2_failure
from loadgen.http.patience import Patience
from loadgen.http.tls import refuses_certificate, tls_failure
from loadgen.http.upload_progress import Progress
from loadtest_model.measurement.outcomes import ErrorKind

_OWN_SHORTAGE: Final = frozenset({errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Errors of a connect that say nothing of the target."""


def translated(error: Exception, progress: Progress, patience: Patience) -> tuple[ErrorKind, str]:
    """The kind of an error, and a sentence with what is known of it."""
    failure = tls_failure(error)
    if not progress.begun:
        return (ErrorKind.TLS, failure) if failure is not None else _connecting(error, patience)
    if failure is not None and not progress.answer_begun and not progress.reused and refuses_certificate(error):
        # It is said after the client's side of the handshake, when the first bytes are on their way; the target takes
        # none of them. After any other failure of TLS it may have taken the whole body.
        progress.forget()
        return ErrorKind.TLS, failure
    if isinstance(error, TimeoutError):
        return ErrorKind.TIMEOUT, patience.verdict
    if isinstance(error, HttpProcessingError):
        not_http = f"the answer is not HTTP: {printable(' '.join(error.message.split()))}"
        return ErrorKind.BAD_ANSWER, http2_failure(error.message) or not_http
    if progress.reused and not progress.answer_begun:
        return ErrorKind.STALE_CONNECTION, f"the kept connection was lost before an answer: {_said(error)}"
    return ErrorKind.RESET, f"the connection was lost before a complete answer: {_said(error)}"


def _connecting(error: Exception, patience: Patience) -> tuple[ErrorKind, str]:
    if isinstance(error, AddressDeniedError):
        return ErrorKind.NO_ADDRESS, str(error.strerror)
    if isinstance(error, OSError) and error.errno == errno.ETIMEDOUT:
        return ErrorKind.CONNECT_TIMEOUT, f"no connection: {_why(error)}"
    if isinstance(error, OSError) and error.errno in _OWN_SHORTAGE:
        return ErrorKind.NO_SOCKET, f"no connection: {_why(error)}"
    if isinstance(error, TimeoutError):
        return ErrorKind.CONNECT_TIMEOUT, patience.verdict
    return ErrorKind.REFUSED, f"no connection: {_why(error)}"


def _why(error: BaseException) -> str:
    """What the system says of a failed connect; asyncio puts a text of its own in its place, with a tuple in it."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else _said(error)


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
