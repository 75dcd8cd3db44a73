"""TLS to the target: whom to trust, how to be known, and what went wrong, in words."""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import aiohttp

from loadgen.http.http2 import HTTP2_ONLY
from loadtest_model.plan import TlsPlan


class TlsUnusableError(ValueError):
    """A certificate or key cannot be read; the message names the file and what is wrong with it."""


def tls_context(plan: TlsPlan) -> ssl.SSLContext:
    """A client's TLS 1.2 or newer, that checks every certificate and the name in it.

    The authorities are those of the system, or those of the plan's file in their place. Raises TlsUnusableError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    if plan.ca_file is None:
        context.load_default_certs()
    else:
        _load_authorities(context, plan.ca_file)
    if plan.certificate_file is not None:
        _load_client_certificate(context, plan.certificate_file, plan.key_file)
    return context


def _load_authorities(context: ssl.SSLContext, file: str) -> None:
    # A cluster's ca.crt is often an intermediate authority, without the root that signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise TlsUnusableError(f"no certificate of an authority in {file}: {_reason(error)}") from error


def _load_client_certificate(context: ssl.SSLContext, certificate_file: str, key_file: str | None) -> None:
    try:
        for file in (certificate_file, key_file or certificate_file):
            Path(file).read_bytes()
    except OSError as error:
        raise TlsUnusableError(f"the client's certificate cannot be read from {file}: {_reason(error)}") from error
    try:
        # Without a password of its own, OpenSSL would ask for an encrypted key's on the terminal.
        context.load_cert_chain(certificate_file, key_file, password="")
    except (OSError, ssl.SSLError) as error:
        raise TlsUnusableError(
            f"{certificate_file} and {key_file or certificate_file} are no certificate with its unencrypted key,"
            f" in PEM: {_reason(error)}"
        ) from error


def tls_failure(error: BaseException) -> str | None:
    """What failed, if an exception comes from TLS; None for any other."""
    # The HTTP client's own exceptions are of these types too, but know nothing of the failure.
    tls_errors = (exception for exception in _causes(error) if not isinstance(exception, aiohttp.ClientError))
    cause = next((exception for exception in tls_errors if isinstance(exception, ssl.SSLError)), None)
    if cause is None:
        return None
    if isinstance(cause, ssl.SSLCertVerificationError):
        meaning = _MEANING_BY_VERIFY_CODE.get(cause.verify_code, "the target's certificate is not valid")
        return f"TLS: {meaning} ({cause.verify_message.rstrip('.')})"
    # Python knows no name for some of OpenSSL's reasons, only their text.
    reason = cause.reason or _NAME.sub("", _SOURCE_PLACE.sub("", str(cause))).replace(" ", "_").upper()
    meaning = next((text for part, text in _MEANING_BY_REASON.items() if part in reason), "the handshake failed")
    return f"TLS: {meaning} ({reason.lower().replace('_', ' ')})"


def refuses_certificate(error: BaseException) -> bool:
    """Whether an exception comes of the target's refusal of the client's certificate, told in a TLS alert.

    In TLS 1.3 it may come after the client's side of the handshake; until it is over, a server takes nothing.
    """
    reasons = ((exception.reason or "").upper() for exception in _causes(error) if isinstance(exception, ssl.SSLError))
    return any("ALERT" in reason and any(part in reason for part in _CERTIFICATE_ALERTS) for reason in reasons)


_SOURCE_PLACE: Final = re.compile(r"\s*\([^()]*_ssl\.c:\d+\)")
"""Where in Python's own source an error was raised, which some builds give with the whole path of their machine."""

_NAME: Final = re.compile(r"^\[[^]]*\] ")
_CERTIFICATE_ALERTS: Final = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "DECRYPT_ERROR", "ACCESS_DENIED")
_UNKNOWN_AUTHORITY: Final = "the target's certificate is signed by an authority that is not trusted"
_NAME_MISMATCH: Final = "the target's certificate is for another name"
_MEANING_BY_VERIFY_CODE: Final = {
    # OpenSSL's x509_vfy.h
    2: _UNKNOWN_AUTHORITY,
    9: "the target's certificate is not valid yet",
    10: "the target's certificate has expired",
    18: _UNKNOWN_AUTHORITY,
    19: _UNKNOWN_AUTHORITY,
    20: _UNKNOWN_AUTHORITY,
    21: _UNKNOWN_AUTHORITY,
    62: _NAME_MISMATCH,
    64: _NAME_MISMATCH,
}
_MEANING_BY_REASON: Final = {
    "CERTIFICATE_REQUIRED": "the target wants a client's certificate",
    "HANDSHAKE_FAILURE": "the target broke the handshake off, as one does that wants a client's certificate",
    "UNKNOWN_CA": "the target does not know the authority of the client's certificate",
    "CERTIFICATE_EXPIRED": "the client's certificate has expired",
    "BAD_CERTIFICATE": "the target does not take the client's certificate",
    "UNRECOGNIZED_NAME": "the target does not know the name that it was asked for",
    "NO_APPLICATION_PROTOCOL": f"{HTTP2_ONLY}, or another protocol that is not HTTP/1.1",
    "WRONG_VERSION_NUMBER": "the port speaks no TLS, most likely plain HTTP",
    "HTTP_REQUEST": "the port speaks no TLS, most likely plain HTTP",
    "RECORD_LAYER_FAILURE": "the port speaks no TLS, most likely plain HTTP",
    "PROTOCOL_VERSION": "the target speaks no TLS 1.2 or newer",
    "UNSUPPORTED_PROTOCOL": "the target speaks no TLS 1.2 or newer",
}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised from, each once."""
    visited_ids: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        exception = pending.pop()
        if exception is None or id(exception) in visited_ids:
            continue
        visited_ids.add(id(exception))
        yield exception
        pending += [exception.__cause__, exception.__context__]
        if isinstance(exception, aiohttp.ClientConnectorCertificateError):
            pending.append(exception.certificate_error)
        if isinstance(exception, aiohttp.ClientConnectorError):
            pending.append(exception.os_error)


def _reason(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return _SOURCE_PLACE.sub("", reason)
