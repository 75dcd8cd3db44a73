"""The cause of a failed upload, told from the answer, or the error in its place, and from what was sent."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from typing import Final

from yarl import URL

from loadgen.answers.judging import Answer, Judgement, Marker
from loadgen.answers.proxies import is_page_of_proxy, passed_a_proxy
from loadtest_model.measurement.causes import Cause, cause_of
from loadtest_model.measurement.outcomes import ErrorKind

DJANGO_IN_MEMORY_BYTES: Final = 2_621_440
"""Default of FILE_UPLOAD_MAX_MEMORY_SIZE and of DATA_UPLOAD_MAX_MEMORY_SIZE."""

_READ_BYTES: Final = 16_384
_EARLY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What was sent, as far as a failure may come from it.

    `url` names the target as the Host header does. `scheme` is the word before the token, None where none was sent.
    `token_expired` is whether the token's own `exp` has passed. `most_accepted_bytes` is the largest body that this
    target accepted before, 0 for none. `age_seconds` is how long the upload took, from connecting to its end.
    `body_read` is whether the target took the whole body and closed the connection then.
    """

    url: URL
    scheme: str | None
    token_expired: bool
    body_bytes: int
    most_accepted_bytes: int
    age_seconds: float = 0.0
    body_read: bool = False


@dataclass(frozen=True)
class _Seen:
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
        return is_page_of_proxy(self.answer)

    @cached_property
    def raised(self) -> tuple[str, str]:
        """Class and message of the exception that Django's report shows (DEBUG is on); empty without one."""
        found = _PLAIN_REPORT.match(self.head) or _HTML_REPORT.search(self.head)
        return (found[1], unescape(found[2])) if found else ("", "")

    @property
    def is_json(self) -> bool:
        return self.head.lstrip().startswith(("{", "["))


_Rule = Callable[[_Seen], Cause | None]

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
_CERTIFICATE_WANTED: Final = re.compile(r"no required ssl certificate was sent|the ssl certificate error")
_LOG_IN: Final = re.compile(r"/(accounts?|auth|admin|sso|oauth2?|users?)/|log-?_?in|sign-?_?in|[?&]next=")


def diagnose(judgement: Judgement, answer: Answer | None, facts: RequestFacts) -> Cause | None:
    """Why an upload failed; None of one that was accepted, and of one that we cut ourselves.

    `answer` is None where no complete one came. Where nothing finer is known the kind of error alone tells.
    """
    if judgement.error is None:
        return None
    if answer is None:
        return _without_answer(judgement.error, judgement.detail, facts)
    seen = _Seen(answer, facts)
    for rule in _rules_for(judgement, answer.status):
        cause = rule(seen)
        if cause is not None:
            return cause
    return cause_of(judgement.error)


def _rules_for(judgement: Judgement, status: int) -> tuple[_Rule, ...]:
    if judgement.error is ErrorKind.MARKER_MISSING:
        return (_marker_false,) if judgement.marker is Marker.NOT_TRUE else (_page_for_people,)
    if 200 <= status < 300:
        return (_file_wanted,) if judgement.error is ErrorKind.UNSUCCESSFUL else ()
    if 300 <= status < 400:
        return (_redirected,)
    return _RULES.get(status, _OTHER_SERVER_ERRORS if status >= 500 else _OTHER_CLIENT_ERRORS)


def _without_answer(kind: ErrorKind, detail: str, facts: RequestFacts) -> Cause | None:
    said = detail.lower()
    cause = None
    if kind is ErrorKind.NO_ADDRESS:
        cause = Cause.ADDRESS_NOT_ALLOWED
    elif kind is ErrorKind.BAD_ANSWER and "\\x15\\x03" in said:
        # What came is the alert that TLS answers plain HTTP with.
        cause = Cause.TLS_EXPECTED
    elif kind is ErrorKind.TLS:
        cause = next((cause for words, cause in _TLS_WORDS.items() if words in said), None)
    elif kind is ErrorKind.RESET and facts.age_seconds < _EARLY_SECONDS:
        cause = _cut_early(facts)
    return cause or cause_of(kind)


def _cut_early(facts: RequestFacts) -> Cause | None:
    """What ends an upload of a new size without an answer, sooner than any time-out."""
    if facts.body_read:
        # It was taken in whole, so it had its place; what kills a process without a word is the kernel.
        return Cause.WORKER_KILLED if _first_of_its_size(facts) else None
    # A server that fails before it has read the body cuts the connection, and its answer may be lost with it.
    return Cause.UPLOAD_FOLDER if _first_to_spill(facts) else None


_TLS_WORDS: Final = {
    "client's certificate": Cause.TLS_CLIENT_CERTIFICATE,
    "target's certificate": Cause.TLS_CERTIFICATE,
    "speaks no tls, most likely": Cause.TLS_NOT_SPOKEN,
}
"""How a failure of TLS is worded, see `tls.tls_failure`."""


# A 2xx that breaks the contract.


def _marker_false(_seen: _Seen) -> Cause:
    return Cause.MARKER_FALSE


def _page_for_people(seen: _Seen) -> Cause | None:
    is_html = "html" in seen.answer.headers.get("Content-Type", "").lower() or seen.text.lstrip().startswith("<")
    return Cause.NOT_JSON if is_html else None


# A redirect.


def _redirected(seen: _Seen) -> Cause | None:
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


def _csrf(seen: _Seen) -> Cause | None:
    return Cause.CSRF if re.search(r"\bcsrf\b", seen.text) else None


def _token(seen: _Seen) -> Cause | None:
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


def _about_origins(seen: _Seen) -> Cause | None:
    return Cause.CORS if _ABOUT_ORIGINS.search(seen.text) else None


def _cors_headers(seen: _Seen) -> Cause | None:
    """A refusal that only its headers make people think of CORS with; JSON would say why it refuses."""
    allows = any(name.lower().startswith("access-control-") for name in seen.answer.headers)
    return Cause.CORS if allows and not seen.is_json else None


# What was sent.


def _tls_wanted(seen: _Seen) -> Cause | None:
    """What nginx and Go answer with 400 where others break the handshake off."""
    if _CERTIFICATE_WANTED.search(seen.text):
        return Cause.TLS_CLIENT_CERTIFICATE
    return Cause.TLS_EXPECTED if _TLS_WANTED.search(seen.text) else None


def _reported_by_django(seen: _Seen) -> Cause | None:
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


def _file_wanted(seen: _Seen) -> Cause | None:
    return Cause.WRONG_FILE_FIELD if _FILE_WANTED.search(seen.text) else None


def _bare_bad_request(seen: _Seen) -> Cause | None:
    """Django's own 400 gives no reason: a host that was let in before is allowed, and then it is the size."""
    if "<h1>bad request (400)</h1>" not in seen.text:
        return None
    facts = seen.facts
    if not facts.most_accepted_bytes:
        return Cause.HOST_NOT_ALLOWED
    return Cause.DJANGO_BODY_LIMIT if facts.body_bytes > facts.most_accepted_bytes else None


def _file_refused(_seen: _Seen) -> Cause:
    return Cause.FILE_REFUSED


# A proxy in the way.


def _proxy_refused(seen: _Seen) -> Cause | None:
    return Cause.PROXY_REFUSED if seen.is_of_proxy else None


def _proxy_body_limit(seen: _Seen) -> Cause | None:
    by_proxy = seen.is_of_proxy or (passed_a_proxy(seen.answer) and not seen.is_json)
    return Cause.PROXY_BODY_LIMIT if by_proxy else None


def _unavailable(seen: _Seen) -> Cause:
    by_proxy = seen.is_of_proxy or (passed_a_proxy(seen.answer) and not seen.text.strip())
    return Cause.PROXY_UNAVAILABLE if by_proxy else Cause.SERVICE_UNAVAILABLE


# A target that fails.


def _out_of_memory(seen: _Seen) -> Cause | None:
    return Cause.OUT_OF_MEMORY if re.search(r"\bmemoryerror\b|out of memory", seen.text) else None


def _aborted_by_gunicorn(seen: _Seen) -> Cause | None:
    """gunicorn's own page in place of Django's: the worker was told to abort while the view was at work.

    It is told so at a time-out of whole seconds.
    """
    own_page = "<h1><p>internal server error</p></h1>" in seen.text
    return Cause.WORKER_TIMEOUT if own_page and seen.facts.age_seconds >= 1.0 else None


def _spilled(seen: _Seen) -> Cause | None:
    return Cause.UPLOAD_FOLDER if _first_to_spill(seen.facts) else None


def _first_to_spill(facts: RequestFacts) -> bool:
    """Whether this is a body that Django does not keep in memory, and only those that it keeps were accepted."""
    return 0 < facts.most_accepted_bytes <= DJANGO_IN_MEMORY_BYTES < facts.body_bytes


def _first_of_its_size(facts: RequestFacts) -> bool:
    """Whether only much smaller bodies were accepted before."""
    return 0 < facts.most_accepted_bytes <= facts.body_bytes // 2


def _always(cause: Cause) -> _Rule:
    return lambda _seen: cause


_OTHER_CLIENT_ERRORS: Final[tuple[_Rule, ...]] = (_tls_wanted, _proxy_refused, _about_origins)
_OTHER_SERVER_ERRORS: Final[tuple[_Rule, ...]] = (_reported_by_django, _out_of_memory)
_RULES: Final[dict[int, tuple[_Rule, ...]]] = {
    400: (
        _tls_wanted,
        _reported_by_django,
        _bare_bad_request,
        _proxy_refused,
        _file_wanted,
        _about_origins,
        _file_refused,
    ),
    401: (_token,),
    403: (_csrf, _token, _proxy_refused, _about_origins, _cors_headers),
    404: (_proxy_refused,),
    405: (_proxy_refused, _always(Cause.METHOD_NOT_ALLOWED)),
    408: (_always(Cause.BODY_TOO_SLOW),),
    409: (_file_refused,),
    413: (_proxy_body_limit,),
    415: (_always(Cause.WRONG_CONTENT_TYPE),),
    422: (_file_wanted, _file_refused),
    500: (_reported_by_django, _out_of_memory, _aborted_by_gunicorn, _spilled),
    502: (_always(Cause.PROXY_BAD_GATEWAY),),
    503: (_unavailable,),
    504: (_always(Cause.PROXY_TIMEOUT),),
}
