"""The signs by which a complete answer tells why an upload failed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import Final

from yarl import URL

from loadgen.answers.judging import Answer
from loadgen.answers.request_facts import RequestFacts
from loadtest_model.measurement.causes import Cause

_READ_BYTES: Final = 16_384

_PROXY_PAGES: Final = (
    re.compile(r"<center>\s*(nginx|openresty|awselb|cloudflare)"),
    # Envoy, and with it Istio.
    re.compile(r"\A\s*(upstream (connect error|request timeout)|no healthy upstream|rbac: access denied)"),
    # HAProxy.
    re.compile(r"no server is available to handle this request|the server didn't respond in time"),
    # Apache httpd.
    re.compile(r"<address>apache|the proxy server (received|could not)"),
    # Traefik.
    re.compile(r"\A\s*(bad gateway|gateway timeout|service unavailable|no available server)\s*\Z"),
    # An ingress controller without a route.
    re.compile(r"\A\s*default backend - 404"),
)
_PROXY_SERVERS: Final = re.compile(
    r"\b(nginx|openresty|envoy|istio-envoy|haproxy|awselb|cloudflare|caddy|traefik|varnish)\b"
)
_PLAIN_REPORT: Final = re.compile(r"\A(\w+) at /.*\n(.*)")
_HTML_REPORT: Final = re.compile(r'<title>\s*(\w+)\s+at /.*?<pre class="exception_value">(.*?)</pre>', re.DOTALL)
_EXPIRED: Final = re.compile(
    r"(token|signature|jwt|credentials?)\W[^<>]{0,40}expired|expired[^<>]{0,40}(token|signature|jwt)|token_expired"
)
_WANTED: Final = re.compile(
    r"credentials were not provided|not[ _]authenticated|token_missing|missing (bearer )?token"
    r"|(bearer )?token is required|no (bearer )?token|authorization header"
)
_BAD_TOKEN: Final = re.compile(r"invalid (bearer )?token|token (is )?(not valid|invalid)|token_not_valid|token_invalid")
_ABOUT_ORIGINS: Final = re.compile(r"\bcors\b|cross-origin|\borigin\b[^<>]{0,40}not allowed")
_GIVEN: Final = "(provided|uploaded|submitted|attached|sent|given|found|selected|supplied|received|present)"
_FILE_WANTED: Final = re.compile(
    rf"no (\w+ )?file (was |is )?({_GIVEN}|in|part)|no (\w+ )?file\W*\Z|no \w+ (was )?(uploaded|submitted)"
    rf"|file (is |was )?(required|missing|not {_GIVEN})|missing (\w+ )?file|file_(required|missing)"
    # Of a form, and not of a row within it.
    r"|\A\s*\{\"\w+\": ?\[\"this field is required|multivaluedictkeyerror"
)
_TLS_WANTED: Final = re.compile(r"plain http request was sent to https|http request to an https server")
_HTTP2_WANTED: Final = re.compile(r"(unknown|missing) alpn protocol, expected `h2`")
_CERTIFICATE_WANTED: Final = re.compile(r"no required ssl certificate was sent|the ssl certificate error")
_LOG_IN: Final = re.compile(r"/(accounts?|auth|admin|sso|oauth2?|users?)/|log-?_?in|sign-?_?in|[?&]next=")


@dataclass(frozen=True)
class AnsweredUpload:
    """A complete answer beside its request."""

    answer: Answer
    facts: RequestFacts

    @cached_property
    def head(self) -> str:
        return self.answer.body[:_READ_BYTES].decode("utf-8", "replace")

    @cached_property
    def text(self) -> str:
        return self.head.lower()

    @cached_property
    def is_of_proxy(self) -> bool:
        """Whether the answer is a page that only a proxy makes by itself."""
        return any(page.search(self.text) for page in _PROXY_PAGES)

    @property
    def passed_a_proxy(self) -> bool:
        """Whether the headers tell of a proxy, which may also have passed on what the target answered."""
        server = self.answer.headers.get("Server", "").lower()
        return "Via" in self.answer.headers or _PROXY_SERVERS.search(server) is not None

    @cached_property
    def raised(self) -> tuple[str, str]:
        """Class and message of the exception that Django's report shows (DEBUG is on); empty without one."""
        found = _PLAIN_REPORT.match(self.head) or _HTML_REPORT.search(self.head)
        return (found[1], unescape(found[2])) if found else ("", "")

    @property
    def is_json(self) -> bool:
        return self.head.lstrip().startswith(("{", "["))


Rule = Callable[[AnsweredUpload], Cause | None]


# A 2xx that breaks the contract.


def marker_false(_seen: AnsweredUpload) -> Cause:
    return Cause.MARKER_FALSE


def page_for_people(seen: AnsweredUpload) -> Cause | None:
    is_html = "html" in seen.answer.headers.get("Content-Type", "").lower() or seen.text.lstrip().startswith("<")
    return Cause.NOT_JSON if is_html else None


# A redirect.


def redirected(seen: AnsweredUpload) -> Cause | None:
    asked, location = seen.facts.url, seen.answer.headers.get("Location", "")
    try:
        sent_to = asked.join(URL(location, encoded=True))
    except ValueError:
        return None
    if sent_to.path not in (asked.path, f"{asked.path}/"):
        return Cause.LOGIN_REDIRECT if _LOG_IN.search(location.lower()) else None
    if asked.scheme == "http" and sent_to.scheme == "https":
        return Cause.HTTPS_REDIRECT
    if sent_to.path != asked.path:
        return Cause.SLASH_MISSING
    return Cause.HOST_REDIRECT if sent_to.host != asked.host else None


# Who uploads.


def csrf(seen: AnsweredUpload) -> Cause | None:
    return Cause.CSRF if re.search(r"\bcsrf\b", seen.text) else None


def token(seen: AnsweredUpload) -> Cause | None:
    """What a refusal says of the token; of a 403 only where it speaks of one."""
    challenge = seen.answer.headers.get("WWW-Authenticate", "").lower()
    wanted = _WANTED.search(seen.text) is not None
    expired = _EXPIRED.search(seen.text) or "expired" in challenge
    facts = seen.facts
    if facts.scheme is None:
        return Cause.TOKEN_MISSING if wanted or expired or seen.answer.status == 401 else None
    if expired or facts.token_expired:
        return Cause.TOKEN_EXPIRED
    asks_another = bool(challenge) and re.search(rf"\b{re.escape(facts.scheme.lower())}\b", challenge) is None
    if wanted or asks_another:
        return Cause.TOKEN_SCHEME
    return Cause.TOKEN_REFUSED if seen.answer.status == 401 or _BAD_TOKEN.search(seen.text) else None


def about_origins(seen: AnsweredUpload) -> Cause | None:
    return Cause.CORS if _ABOUT_ORIGINS.search(seen.text) else None


def cors_headers(seen: AnsweredUpload) -> Cause | None:
    """A refusal that only its headers make people think of CORS with; JSON would say why it refuses."""
    allows = any(name.lower().startswith("access-control-") for name in seen.answer.headers)
    return Cause.CORS if allows and not seen.is_json else None


# What was sent.


def tls_wanted(seen: AnsweredUpload) -> Cause | None:
    """What nginx and Go answer with 400 where others break the handshake off."""
    if _CERTIFICATE_WANTED.search(seen.text):
        return Cause.TLS_CLIENT_CERTIFICATE
    return Cause.TLS_EXPECTED if _TLS_WANTED.search(seen.text) else None


def http2_wanted(seen: AnsweredUpload) -> Cause | None:
    """What some servers of HTTP/2 say in HTTP/1.1 to whoever speaks no other."""
    status, upgrade = seen.answer.status, seen.answer.headers.get("Upgrade", "").lower()
    wanted = status == 505 or (status == 426 and "h2" in upgrade) or _HTTP2_WANTED.search(seen.text) is not None
    return Cause.HTTP2_ONLY if wanted else None


def reported_by_django(seen: AnsweredUpload) -> Cause | None:
    """What the exception in Django's own report tells."""
    name, message = seen.raised
    if name in _BY_EXCEPTION:
        return _BY_EXCEPTION[name]
    if name == "RuntimeError" and "APPEND_SLASH" in message:
        return Cause.SLASH_MISSING
    if name in _OF_FILES and (".upload" in message or "No space left" in message):
        return Cause.UPLOAD_FOLDER
    return None


_BY_EXCEPTION: Final = {
    "DisallowedHost": Cause.HOST_NOT_ALLOWED,
    "RequestDataTooBig": Cause.DJANGO_BODY_LIMIT,
    "TooManyFieldsSent": Cause.TOO_MANY_FIELDS,
    "TooManyFilesSent": Cause.TOO_MANY_FIELDS,
    "MultiValueDictKeyError": Cause.WRONG_FILE_FIELD,
    "MemoryError": Cause.OUT_OF_MEMORY,
}
_OF_FILES: Final = frozenset({"PermissionError", "FileNotFoundError", "OSError", "NotADirectoryError"})


def file_wanted(seen: AnsweredUpload) -> Cause | None:
    return Cause.WRONG_FILE_FIELD if _FILE_WANTED.search(seen.text) else None


def bare_bad_request(seen: AnsweredUpload) -> Cause | None:
    """Django's own 400 gives no reason: a host that was let in before is allowed, and then it is the size."""
    if "<h1>bad request (400)</h1>" not in seen.text:
        return None
    facts = seen.facts
    if not facts.most_accepted_bytes:
        return Cause.HOST_NOT_ALLOWED
    return Cause.DJANGO_BODY_LIMIT if facts.body_bytes > facts.most_accepted_bytes else None


def file_refused(_seen: AnsweredUpload) -> Cause:
    return Cause.FILE_REFUSED


# A proxy in the way.


def proxy_refused(seen: AnsweredUpload) -> Cause | None:
    return Cause.PROXY_REFUSED if seen.is_of_proxy else None


def proxy_body_limit(seen: AnsweredUpload) -> Cause | None:
    by_proxy = seen.is_of_proxy or (seen.passed_a_proxy and not seen.is_json)
    return Cause.PROXY_BODY_LIMIT if by_proxy else None


def unavailable(seen: AnsweredUpload) -> Cause:
    by_proxy = seen.is_of_proxy or (seen.passed_a_proxy and not seen.text.strip())
    return Cause.PROXY_UNAVAILABLE if by_proxy else Cause.SERVICE_UNAVAILABLE


# A target that fails.


def out_of_memory(seen: AnsweredUpload) -> Cause | None:
    return Cause.OUT_OF_MEMORY if re.search(r"\bmemoryerror\b|out of memory", seen.text) else None


def aborted_by_gunicorn(seen: AnsweredUpload) -> Cause | None:
    """gunicorn's own page in place of Django's: the worker was told to abort while the view was at work.

    It is told so at a time-out of whole seconds.
    """
    own_page = "<h1><p>internal server error</p></h1>" in seen.text
    return Cause.WORKER_TIMEOUT if own_page and seen.facts.age_seconds >= 1.0 else None


def spilled(seen: AnsweredUpload) -> Cause | None:
    return Cause.UPLOAD_FOLDER if seen.facts.is_first_to_spill else None


def always(cause: Cause) -> Rule:
    return lambda _seen: cause
