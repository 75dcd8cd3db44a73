"""The cause of a failed upload, told from the answer, or the error in its place, and from what was sent."""

from typing import Final

from loadgen.answers import signs
from loadgen.answers.judging import Answer, Judgement, Marker
from loadgen.answers.request_facts import RequestFacts
from loadgen.answers.signs import AnsweredUpload, Rule
from loadtest_model.measurement.causes import Cause, cause_of
from loadtest_model.measurement.outcomes import ErrorKind

_EARLY_SECONDS: Final = 10.0


def diagnose(judgement: Judgement, answer: Answer | None, facts: RequestFacts) -> Cause | None:
    """Why an upload failed; None of one that was accepted, and of one that we cut ourselves.

    `answer` is None where no complete one came. Where nothing finer is known the kind of error alone tells.
    """
    if judgement.error is None:
        return None
    if answer is None:
        return _without_answer(judgement.error, judgement.detail, facts)
    seen = AnsweredUpload(answer, facts)
    for rule in _rules_for(judgement, answer.status):
        cause = rule(seen)
        if cause is not None:
            return cause
    return cause_of(judgement.error)


def _rules_for(judgement: Judgement, status: int) -> tuple[Rule, ...]:
    if judgement.error is ErrorKind.MARKER_MISSING:
        return (signs.marker_false,) if judgement.marker is Marker.NOT_TRUE else (signs.page_for_people,)
    if judgement.error is ErrorKind.UNREADABLE:
        return (signs.page_for_people,)
    if 200 <= status < 300:
        return (signs.file_wanted,) if judgement.error is ErrorKind.UNSUCCESSFUL else ()
    if 300 <= status < 400:
        return (signs.redirected,)
    return _RULES.get(status, _OTHER_SERVER_ERRORS if status >= 500 else _OTHER_CLIENT_ERRORS)


def _without_answer(kind: ErrorKind, detail: str, facts: RequestFacts) -> Cause | None:
    said = detail.lower()
    cause = None
    if _HTTP2_WORDS in said:
        cause = Cause.HTTP2_ONLY
    elif kind is ErrorKind.NO_ADDRESS:
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
        return Cause.WORKER_KILLED if facts.is_first_of_its_size else None
    # A server that fails before it has read the body cuts the connection, and its answer may be lost with it.
    if facts.is_first_to_spill:
        return Cause.UPLOAD_FOLDER
    return Cause.SIZE_CUT if facts.is_first_of_its_size else None


_HTTP2_WORDS: Final = "the port speaks http/2 only"
"""How `http2.HTTP2_ONLY` words it, with TLS and without."""

_TLS_WORDS: Final = {
    "client's certificate": Cause.TLS_CLIENT_CERTIFICATE,
    "target's certificate": Cause.TLS_CERTIFICATE,
    "speaks no tls, most likely": Cause.TLS_NOT_SPOKEN,
}
"""How a failure of TLS is worded, see `tls.tls_failure`."""


_OTHER_CLIENT_ERRORS: Final[tuple[Rule, ...]] = (
    signs.http2_wanted,
    signs.tls_wanted,
    signs.proxy_refused,
    signs.about_origins,
)
_OTHER_SERVER_ERRORS: Final[tuple[Rule, ...]] = (signs.http2_wanted, signs.reported_by_django, signs.out_of_memory)
_RULES: Final[dict[int, tuple[Rule, ...]]] = {
    400: (
        signs.tls_wanted,
        signs.reported_by_django,
        signs.bare_bad_request,
        signs.proxy_refused,
        signs.file_wanted,
        signs.about_origins,
        signs.file_refused,
    ),
    401: (signs.token,),
    403: (signs.http2_wanted, signs.csrf, signs.token, signs.proxy_refused, signs.about_origins, signs.cors_headers),
    404: (signs.proxy_refused,),
    405: (signs.proxy_refused, signs.always(Cause.METHOD_NOT_ALLOWED)),
    408: (signs.always(Cause.BODY_TOO_SLOW),),
    409: (signs.file_refused,),
    413: (signs.proxy_body_limit,),
    415: (signs.always(Cause.WRONG_CONTENT_TYPE),),
    422: (signs.file_wanted, signs.file_refused),
    500: (signs.reported_by_django, signs.out_of_memory, signs.aborted_by_gunicorn, signs.spilled),
    502: (signs.always(Cause.PROXY_BAD_GATEWAY),),
    503: (signs.unavailable,),
    504: (signs.always(Cause.PROXY_TIMEOUT),),
}
