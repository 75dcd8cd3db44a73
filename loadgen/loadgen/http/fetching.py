"""Small requests beside the load, such as a look at the target's metrics: under the same address rules, once."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import aiohttp
from multidict import CIMultiDict

from loadgen.http.address_rules import AddressRules, rules_of
from loadgen.http.connections import AddressDeniedError
from loadgen.http.content_encoding import ACCEPT_ENCODING, UnreadableBodyError, decode_body, encodings_in
from loadgen.http.endpoints import site_of
from loadgen.http.first_seconds import NO_SUCH_NAME, Attempts
from loadgen.http.http2 import http2_failure
from loadgen.http.tls import tls_context, tls_failure
from loadtest_model.plan import Plan, TlsPlan

ANSWER_LIMIT_BYTES: Final = 4 << 20
CONNECT_SECONDS: Final = 5.0


class FetchError(Exception):
    """There is no complete answer; the message says why.

    `may_pass` says that nothing was sent, and that another attempt in a few seconds may succeed. `is_lasting` says that
    one would fail again.
    """

    def __init__(self, message: str, *, may_pass: bool = False, is_lasting: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass
        self.is_lasting = is_lasting


@dataclass(frozen=True, slots=True)
class FetchedAnswer:
    """A complete answer, whatever its status."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpsSettings:
    """How to speak https; `server_hostname` is asked for and checked if it is not the URL's host."""

    context: ssl.SSLContext
    server_hostname: str | None = None


Fetch = Callable[[str, Mapping[str, str], float], Awaitable[FetchedAnswer]]
"""GET a URL with headers, within seconds. Raises FetchError."""


@cache
def _system_context() -> ssl.SSLContext:
    """TLS with the system's authorities, which aiohttp's own context has not: see `first_import`."""
    return tls_context(TlsPlan())


async def fetch(
    url: str,
    rules: AddressRules,
    *,
    headers: Mapping[str, str],
    timeout_seconds: float,
    body: bytes | None = None,
    tls: HttpsSettings | None = None,
) -> FetchedAnswer:
    """GET a URL at whatever address its name has now, if the rules permit it; POST if there is a body.

    Over https as `tls` says, or else with the system's authorities. No redirect is followed, no proxy of the
    environment used. Raises FetchError.
    """
    connect_seconds = min(timeout_seconds, CONNECT_SECONDS)
    is_https = url.lower().startswith("https:")
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    force_close=True,
                    socket_factory=_rule_bound_sockets(rules),
                    ssl=tls.context if tls else _system_context() if is_https else True,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=connect_seconds),
                trust_env=False,
                # aiohttp takes an answer that it cannot decode for none, or takes its body as it came.
                auto_decompress=False,
            ) as session,
            session.request(
                "GET" if body is None else "POST",
                url,
                headers=_with_encodings(headers),
                data=body,
                allow_redirects=False,
                server_hostname=tls.server_hostname if tls else None,
            ) as response,
        ):
            body_bytes = await response.content.read(ANSWER_LIMIT_BYTES + 1)
            while len(body_bytes) <= ANSWER_LIMIT_BYTES and not response.content.at_eof():
                body_bytes += await response.content.read(ANSWER_LIMIT_BYTES + 1 - len(body_bytes))
    except aiohttp.ConnectionTimeoutError as error:
        raise FetchError(f"no connection within {connect_seconds:g} s", may_pass=True) from error
    except TimeoutError as error:
        raise FetchError(f"no complete answer within {timeout_seconds:g} s") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        message = tls_failure(error) or http2_failure(str(error)) or str(error) or type(error).__name__
        raise FetchError(message, may_pass=_may_pass(error), is_lasting=_is_lasting(error)) from error
    if len(body_bytes) > ANSWER_LIMIT_BYTES:
        raise FetchError(f"the answer is longer than {ANSWER_LIMIT_BYTES >> 20} MiB")
    try:
        decoded_body = decode_body(body_bytes, encodings_in(response.headers), ANSWER_LIMIT_BYTES)
    except UnreadableBodyError as error:
        raise FetchError(f"answered {response.status}, but {error}") from error
    return FetchedAnswer(response.status, decoded_body, response.headers)


async def fetch_in_first_seconds(make: Callable[[], Awaitable[FetchedAnswer]]) -> FetchedAnswer:
    """What `make` fetches; as long as nothing was sent, it is called again for the first seconds.

    Raises FetchError, with the time that it took.
    """
    attempts = Attempts()
    while True:
        try:
            return await make()
        except FetchError as error:
            if not error.may_pass:
                raise
            if not await attempts.try_again():
                raise FetchError(f"{error} ({attempts})") from error


def _may_pass(error: Exception) -> bool:
    """Whether a connection was refused, or a name not resolved for now."""
    if not isinstance(error, aiohttp.ClientConnectorError) or tls_failure(error) is not None:
        return False
    return not isinstance(error.os_error, AddressDeniedError) and not _is_lasting(error)


def _is_lasting(error: Exception) -> bool:
    """Whether the name does not exist."""
    return isinstance(error, aiohttp.ClientConnectorDNSError) and error.os_error.errno in NO_SUCH_NAME


def _with_encodings(headers: Mapping[str, str]) -> CIMultiDict[str]:
    sent = CIMultiDict(headers)
    sent["Accept-Encoding"] = ACCEPT_ENCODING
    return sent


def make_fetch(plan: Plan) -> Fetch:
    """How a run fetches what is no upload; from the target's own host with the same Host header and TLS.

    The function raises TlsUnusableError too.
    """
    target = plan.target
    site = site_of(target.url, target.host, target.tls.server_name)
    rules = rules_of(plan.network)

    async def get(url: str, headers: Mapping[str, str], timeout_seconds: float) -> FetchedAnswer:
        other_site = site_of(url)
        if (other_site.url.scheme, other_site.host, other_site.port) != (site.url.scheme, site.host, site.port):
            return await fetch(url, rules, headers=headers, timeout_seconds=timeout_seconds)
        tls = None
        if site.url.scheme == "https":
            # Reading the authorities takes some 20 ms, and their files may have been replaced since the last request.
            tls = HttpsSettings(await asyncio.to_thread(tls_context, target.tls), site.server_hostname)
        headers_with_host = {**headers, "Host": site.host_header}
        return await fetch(url, rules, headers=headers_with_host, timeout_seconds=timeout_seconds, tls=tls)

    return get


def _rule_bound_sockets(rules: AddressRules) -> Callable[[Any], socket.socket]:
    """What makes the sockets of a connector: it refuses, with AddressDeniedError, an address that is not permitted."""

    def make_socket(address_info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = address_info
        if not rules.permits(address[0], address[1]):
            raise AddressDeniedError(errno.EACCES, f"connections to {address[0]} are not allowed")
        return socket.socket(family, kind, protocol)

    return make_socket
