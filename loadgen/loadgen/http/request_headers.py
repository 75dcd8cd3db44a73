"""The headers of every upload: the generator's own, and beside them what the user adds."""

import re
from collections.abc import Mapping
from typing import Final

from multidict import CIMultiDict

from loadgen.http.content_encoding import ACCEPT_ENCODING

USER_AGENT: Final = "loadgen (X-Load-Test)"

_OWN_NAMES: Final = frozenset(
    {
        "host",
        "authorization",
        "connection",
        "transfer-encoding",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "proxy-authorization",
        "accept-encoding",
    }
)
_OWN_PREFIXES: Final = ("x-load-test", "content-")
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.1


def upload_headers(user_headers: Mapping[str, str], host_header: str, run_id: str) -> CIMultiDict[str]:
    """The headers that all uploads of a run have in common.

    Raises ValueError, naming the header, if the user adds one that belongs to the generator or cannot be sent.
    """
    headers = CIMultiDict({"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": ACCEPT_ENCODING})
    for name, value in user_headers.items():
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no name of a header")
        # Servers that know variables and not headers (CGI, WSGI) cannot tell _ from -.
        comparable_name = name.lower().replace("_", "-")
        if comparable_name in _OWN_NAMES or comparable_name.startswith(_OWN_PREFIXES):
            raise ValueError(f"the header {name} belongs to the generator and cannot be set")
        if not value.isprintable():
            raise ValueError(f"the value of the header {name} is not printable")
        headers[name] = value
    headers.update({"Host": host_header, "X-Load-Test": "true", "X-Load-Test-Run": run_id})
    return headers


def request_head(path: str, headers: Mapping[str, str]) -> bytes:
    """The line of a POST, and header lines. Raises ValueError as `header_lines` does."""
    return f"POST {path} HTTP/1.1\r\n".encode("ascii") + header_lines(headers)


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Headers as they are sent. Raises ValueError, naming the header, if a value would end its line."""
    for name, value in headers.items():
        if "\r" in value or "\n" in value or "\0" in value:
            raise ValueError(f"the value of the header {name} has a line end in it")
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode()
