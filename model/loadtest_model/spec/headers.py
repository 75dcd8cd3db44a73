"""The headers of uploads that a test may add: their names, and those that belong to the generator."""

import re
from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.spec.parts import HEADER_NAME_PATTERN, Name, SecretKey
from loadtest_model.spec.rules import Rule, cel_string
from loadtest_model.values import Value

_RESERVED_HEADERS: Final = (
    *("host", "authorization", "connection", "transfer-encoding", "keep-alive", "te", "trailer", "upgrade", "expect"),
    *("proxy-authorization", "accept-encoding"),
)
MAX_SECRET_HEADERS: Final = 4
"""The policy for Secrets checks each of them by an expression of its own."""
_RESERVED_PREFIXES: Final = ("x-load-test", "content-")
# Servers that know variables and not headers (CGI, WSGI) cannot tell _ from -.
_TO_CANONICAL: Final = str.maketrans(ascii_uppercase + "_", ascii_lowercase + "-")
CANONICAL_NAME_CEL: Final = "name.lowerAscii().replace('_', '-')"
CANONICAL_NAME_OF_ENTRY_CEL: Final = "header.name.lowerAscii().replace('_', '-')"


def all_match(pattern: str, names: Iterable[str]) -> bool:
    """Whether a pattern is found in every name."""
    return all(re.search(pattern, name) is not None for name in names)


def canonical_name(header: str) -> str:
    """The one spelling of all header names that some server takes for the same."""
    return header.translate(_TO_CANONICAL)


def _is_reserved_header(header: str) -> bool:
    name = canonical_name(header)
    return name in _RESERVED_HEADERS or name.startswith(_RESERVED_PREFIXES)


class SecretHeader(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of the header, such as Load-Test-Token.")]
    secret_key_ref: Annotated[
        SecretKey,
        Meta(description="Where its value is kept. Mounted as a file, and read again when that changes."),
    ]


VALID_HEADER_NAMES: Final = Rule[dict[str, str]](
    cel=f"self.all(name, name.matches({cel_string(HEADER_NAME_PATTERN)}))",
    message="spec.target.headers must have names that HTTP allows: letters, digits and !#$%&'*+.^_`|~-",
    holds=lambda headers: all_match(HEADER_NAME_PATTERN, headers),
)
NO_RESERVED_HEADERS: Final = Rule[dict[str, str]](
    cel="self.all(name, !("
    + " || ".join(f"{CANONICAL_NAME_CEL}.startsWith('{prefix}')" for prefix in _RESERVED_PREFIXES)
    + f" || {CANONICAL_NAME_CEL} in {list(_RESERVED_HEADERS)}))",
    message="spec.target.headers must not set X-Load-Test*, Content-*, Host, Authorization, Accept-Encoding or"
    " hop-by-hop headers; the generator sets them (a token goes into spec.target.auth, a Host into"
    " spec.target.host)",
    holds=lambda headers: not any(map(_is_reserved_header, headers)),
)
SECRET_HEADER_RULES: Final = (
    Rule[list[SecretHeader]](
        cel=f"self.all(header, header.name.matches({cel_string(HEADER_NAME_PATTERN)}))",
        message="spec.target.headersFrom must have names that HTTP allows: letters, digits and !#$%&'*+.^_`|~-",
        holds=lambda headers: all_match(HEADER_NAME_PATTERN, (header.name for header in headers)),
    ),
    Rule[list[SecretHeader]](
        cel="self.all(header, !("
        + " || ".join(f"{CANONICAL_NAME_OF_ENTRY_CEL}.startsWith('{prefix}')" for prefix in _RESERVED_PREFIXES)
        + f" || {CANONICAL_NAME_OF_ENTRY_CEL} in {list(_RESERVED_HEADERS)}))",
        message="spec.target.headersFrom must not set X-Load-Test*, Content-*, Host, Authorization, Accept-Encoding or"
        " hop-by-hop headers; a token for the Authorization header goes into spec.target.auth",
        holds=lambda headers: not any(_is_reserved_header(header.name) for header in headers),
    ),
)
