"""The signs by which a complete answer tells why an upload failed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import Final

from yarl import URL

from loadgen.answers.judging import HttpAnswer
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
_TOKEN_EXPIRED: Final = re.compile(
    r"(token|signature|jwt|credentials?)\W[^<>]{0,40}expired|expired[^<>]{0,40}(token|signature|jwt)|token_expired"
)
_TOKEN_MISSING: Final = re.compile(
    r"credentials were not provided|not[ _]authenticated|token_missing|missing (bearer )?token"
    r"|(bearer )?token is required|no (bearer )?token|authorization header"
    # The guard for Django. If it also lets users in by a permission, it words this otherwise.
    r"|load test needs a token:"
)
_TOKEN_INVALID: Final = re.compile(
    r"invalid (bearer )?token|token (is )?(not valid|invalid)|token_not_valid|token_invalid"
)
_CORS_TEXT: Final = re.compile(r"\bcors\b|cross-origin|\borigin\b[^<>]{0,40}not allowed")
_GIVEN_WORDS: Final = "(provided|uploaded|submitted|attached|sent|given|found|selected|supplied|received|present)"
_FILE_MISSING: Final = re.compile(
    rf"no (\w+ )?file (was |is )?({_GIVEN_WORDS}|in|part)|no (\w+ )?file\W*\Z|no \w+ (was )?(uploaded|submitted)"
    rf"|file (is |was )?(required|missing|not {_GIVEN_WORDS})|missing (\w+ )?file|file_(required|missing)"
    # Of a form, and not of a row within it.
    r"|\A\s*\{\"\w+\": ?\[\"this field is required|multivaluedictkeyerror"
)
_TLS_MISSING: Final = re.compile(r"plain http request was sent to https|http request to an https server")
_HTTP2_WANTED: Final = re.compile(r"(unknown|missing) alpn protocol, expected `h2`")
_CERTIFICATE_MISSING: Final = re.compile(r"no required ssl certificate was sent|the ssl certificate error")
_LOGIN_LOCATION: Final = re.compile(r"/(accounts?|auth|admin|sso|oauth2?|users?)/|log-?_?in|sign-?_?in|[?&]next=")


@dataclass(frozen=True)
class AnsweredUpload:
    """A complete answer beside its request."""

    answer: HttpAnswer
    facts: RequestFacts

    @cached_property
    def head(self) -> str:
        return self.answer.body[:_READ_BYTES].decode("utf-8", "replace")

    @cached_property
    def text(self) -> str:
        return self.head.lower()

    @cached_property
    def is_proxy_page(self) -> bool:
        """Whether the answer is a page that only a proxy makes by itself."""
        return any(page.search(self.text) for page in _PROXY_PAGES)

    @property
    def is_behind_proxy(self) -> bool:
        """Whether the headers tell of a proxy, which may also have passed on what the target answered."""
        server = self.answer.headers.get("Server", "").lower()
        return "Via" in self.answer.headers or _PROXY_SERVERS.search(server) is not None

    @cached_property
    def django_exception(self) -> tuple[str, str]:
        """Class and message of the exception that Django's report shows (DEBUG is on); empty without one."""
        report_match = _PLAIN_REPORT.match(self.head) or _HTML_REPORT.search(self.head)
        return (report_match[1], unescape(report_match[2])) if report_match else ("", "")

    @property
    def is_json(self) -> bool:
        return self.head.lstrip().startswith(("{", "["))


Sign = Callable[[AnsweredUpload], Cause | None]


# A 2xx that breaks the contract.


def marker_false(_upload: AnsweredUpload) -> Cause:
    return Cause.MARKER_FALSE


def html_page(upload: AnsweredUpload) -> Cause | None:
    is_html = "html" in upload.answer.headers.get("Content-Type", "").lower() or upload.text.lstrip().startswith("<")
    return Cause.NOT_JSON if is_html else None


# A redirect.


def redirect(upload: AnsweredUpload) -> Cause | None:
    request_url, location = upload.facts.url, upload.answer.headers.get("Location", "")
    try:
        redirect_url = request_url.join(URL(location, encoded=True))
    except ValueError:
        return None
    if redirect_url.path not in (request_url.path, f"{request_url.path}/"):
        return Cause.LOGIN_REDIRECT if _LOGIN_LOCATION.search(location.lower()) else None
    if request_url.scheme == "http" and redirect_url.scheme == "https":
        return Cause.HTTPS_REDIRECT
    if redirect_url.path != request_url.path:
        return Cause.SLASH_MISSING
    return Cause.HOST_REDIRECT if redirect_url.host != request_url.host else None


# Who uploads.


def csrf(upload: AnsweredUpload) -> Cause | None:
    return Cause.CSRF if re.search(r"\bcsrf\b", upload.text) else None


def token(upload: AnsweredUpload) -> Cause | None:
    """What a refusal says of the token; of a 403 only where it speaks of one."""
    challenge = upload.answer.headers.get("WWW-Authenticate", "").lower()
    lacks_token = _TOKEN_MISSING.search(upload.text) is not None
    is_expired = _TOKEN_EXPIRED.search(upload.text) or "expired" in challenge
    facts = upload.facts
    if facts.scheme is None and not facts.has_secret_headers:
        return Cause.TOKEN_MISSING if lacks_token or is_expired or upload.answer.status == 401 else None
    if is_expired or facts.is_token_expired:
        return Cause.TOKEN_EXPIRED
    if facts.scheme is None:
        is_refused = upload.answer.status == 401 or _TOKEN_INVALID.search(upload.text)
        return Cause.TOKEN_MISSING if lacks_token else Cause.TOKEN_REFUSED if is_refused else None
    wants_other_scheme = bool(challenge) and re.search(rf"\b{re.escape(facts.scheme.lower())}\b", challenge) is None
    if lacks_token or wants_other_scheme:
        return Cause.TOKEN_SCHEME
    return Cause.TOKEN_REFUSED if upload.answer.status == 401 or _TOKEN_INVALID.search(upload.text) else None


def cors_text(upload: AnsweredUpload) -> Cause | None:
    return Cause.CORS if _CORS_TEXT.search(upload.text) else None


def cors_headers(upload: AnsweredUpload) -> Cause | None:
    """A refusal that only its headers make people think of CORS with; JSON would say why it refuses."""
    allows = any(name.lower().startswith("access-control-") for name in upload.answer.headers)
    return Cause.CORS if allows and not upload.is_json else None


# What was sent.


def missing_tls(upload: AnsweredUpload) -> Cause | None:
    """What nginx and Go answer with 400 where others break the handshake off."""
    if _CERTIFICATE_MISSING.search(upload.text):
        return Cause.TLS_CLIENT_CERTIFICATE
    return Cause.TLS_EXPECTED if _TLS_MISSING.search(upload.text) else None


def http2_wanted(upload: AnsweredUpload) -> Cause | None:
    """What some servers of HTTP/2 say in HTTP/1.1 to whoever speaks no other."""
    status, upgrade = upload.answer.status, upload.answer.headers.get("Upgrade", "").lower()
    wanted = status == 505 or (status == 426 and "h2" in upgrade) or _HTTP2_WANTED.search(upload.text) is not None
    return Cause.HTTP2_ONLY if wanted else None


def django_report(upload: AnsweredUpload) -> Cause | None:
    """What the exception in Django's own report tells."""
    name, message = upload.django_exception
    if name in _CAUSE_BY_EXCEPTION:
        return _CAUSE_BY_EXCEPTION[name]
    if name == "RuntimeError" and "APPEND_SLASH" in message:
        return Cause.SLASH_MISSING
    if name in _FILE_EXCEPTIONS and (".upload" in message or "No space left" in message):
        return Cause.UPLOAD_FOLDER
    return None


_CAUSE_BY_EXCEPTION: Final = {
    "DisallowedHost": Cause.HOST_NOT_ALLOWED,
    "RequestDataTooBig": Cause.DJANGO_BODY_LIMIT,
    "TooManyFieldsSent": Cause.TOO_MANY_FIELDS,
    "TooManyFilesSent": Cause.TOO_MANY_FIELDS,
    "MultiValueDictKeyError": Cause.WRONG_FILE_FIELD,
    "MemoryError": Cause.OUT_OF_MEMORY,
}
_FILE_EXCEPTIONS: Final = frozenset({"PermissionError", "FileNotFoundError", "OSError", "NotADirectoryError"})


def missing_file(upload: AnsweredUpload) -> Cause | None:
    return Cause.WRONG_FILE_FIELD if _FILE_MISSING.search(upload.text) else None


def bare_bad_request(upload: AnsweredUpload) -> Cause | None:
    """Django's own 400 gives no reason: a host that was let in before is allowed, and then it is the size."""
    if "<h1>bad request (400)</h1>" not in upload.text:
        return None
    facts = upload.facts
    if not facts.most_accepted_bytes:
        return Cause.HOST_NOT_ALLOWED
    return Cause.DJANGO_BODY_LIMIT if facts.body_bytes > facts.most_accepted_bytes else None


def refused_file(_upload: AnsweredUpload) -> Cause:
    return Cause.FILE_REFUSED


# A proxy in the way.


def proxy_refusal(upload: AnsweredUpload) -> Cause | None:
    return Cause.PROXY_REFUSED if upload.is_proxy_page else None


def proxy_body_limit(upload: AnsweredUpload) -> Cause | None:
    comes_from_proxy = upload.is_proxy_page or (upload.is_behind_proxy and not upload.is_json)
    return Cause.PROXY_BODY_LIMIT if comes_from_proxy else None


def unavailable(upload: AnsweredUpload) -> Cause:
    comes_from_proxy = upload.is_proxy_page or (upload.is_behind_proxy and not upload.text.strip())
    return Cause.PROXY_UNAVAILABLE if comes_from_proxy else Cause.SERVICE_UNAVAILABLE


# A target that fails.


def out_of_memory(upload: AnsweredUpload) -> Cause | None:
    return Cause.OUT_OF_MEMORY if re.search(r"\bmemoryerror\b|out of memory", upload.text) else None


def gunicorn_abort(upload: AnsweredUpload) -> Cause | None:
    """gunicorn's own page in place of Django's: the worker was told to abort while the view was at work.

    It is told so at a time-out of whole seconds.
    """
    own_page = "<h1><p>internal server error</p></h1>" in upload.text
    return Cause.WORKER_TIMEOUT if own_page and upload.facts.age_seconds >= 1.0 else None


def spilled_body(upload: AnsweredUpload) -> Cause | None:
    return Cause.UPLOAD_FOLDER if upload.facts.is_first_to_spill else None


def always(cause: Cause) -> Sign:
    return lambda _upload: cause
