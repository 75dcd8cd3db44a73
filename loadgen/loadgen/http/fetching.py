"""Small requests beside the load, such as a look at the target's metrics: under the same address rules, once."""

import errno
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from loadgen.http.address_rules import AddressRules
from loadgen.http.connections import AddressDeniedError
from loadgen.http.tls import tls_failure

ANSWER_LIMIT_BYTES: Final = 4 << 20


class FetchError(Exception):
    """There is no complete answer; the message says why."""


@dataclass(frozen=True, slots=True)
class FetchedAnswer:
    """A complete answer, whatever its status."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpsSettings:
    """How to speak https; `server_hostname` is asked for and checked where it is not the URL's host."""

    context: ssl.SSLContext
    server_hostname: str | None = None


async def fetch(
    url: str,
    rules: AddressRules,
    *,
    headers: Mapping[str, str],
    timeout_seconds: float,
    body: bytes | None = None,
    tls: HttpsSettings | None = None,
) -> FetchedAnswer:
    """GET a URL at whatever address its name has now, if the rules permit it; POST it where there is a body.

    Over https as `tls` says, or else with the system's authorities. No redirect is followed, no proxy of the
    environment used. Raises FetchError.
    """
    try:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    force_close=True, socket_factory=_rule_bound_sockets(rules), ssl=tls.context if tls else True
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=timeout_seconds),
                trust_env=False,
            ) as session,
            session.request(
                "GET" if body is None else "POST",
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                server_hostname=tls.server_hostname if tls else None,
            ) as response,
        ):
            body_bytes = await response.content.read(ANSWER_LIMIT_BYTES + 1)
            while len(body_bytes) <= ANSWER_LIMIT_BYTES and not response.content.at_eof():
                body_bytes += await response.content.read(ANSWER_LIMIT_BYTES + 1 - len(body_bytes))
    except TimeoutError as error:
        raise FetchError(f"no complete answer within {timeout_seconds:g} s") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise FetchError(tls_failure(error) or str(error) or type(error).__name__) from error
    if len(body_bytes) > ANSWER_LIMIT_BYTES:
        raise FetchError(f"the answer is longer than {ANSWER_LIMIT_BYTES >> 20} MiB")
    return FetchedAnswer(response.status, body_bytes, response.headers)


def _rule_bound_sockets(rules: AddressRules) -> Callable[[Any], socket.socket]:
    """What makes the sockets of a connector: it refuses, with AddressDeniedError, an address that is not permitted."""

    def make_socket(address_info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = address_info
        if not rules.permits(address[0], address[1]):
            raise AddressDeniedError(errno.EACCES, f"connections to {address[0]} are not allowed")
        return socket.socket(family, kind, protocol)

    return make_socket
