"""The cause of a failed upload, told from the answer, or the error in its place, and from what was sent."""

from typing import Final

from loadgen.answers import signs
from loadgen.answers.judging import AnswerJudgement, HttpAnswer, Marker
from loadgen.answers.request_facts import RequestFacts
from loadgen.answers.signs import AnsweredUpload, Sign
from loadtest_model.measurement.causes import Cause, cause_of
from loadtest_model.measurement.outcomes import ErrorKind

_EARLY_SECONDS: Final = 10.0


def diagnose(judgement: AnswerJudgement, answer: HttpAnswer | None, facts: RequestFacts) -> Cause | None:
    """Why an upload failed; None of one that was accepted, and of one that we cut ourselves.

    `answer` is None if no complete one came. If nothing finer is known, the kind of error alone tells.
    """
    if judgement.error is None:
        return None
    if answer is None:
        return _without_answer(judgement.error, judgement.detail, facts)
    upload = AnsweredUpload(answer, facts)
    for sign in _signs_for(judgement, answer.status):
        cause = sign(upload)
        if cause is not None:
            return cause
    return cause_of(judgement.error)


def _signs_for(judgement: AnswerJudgement, status: int) -> tuple[Sign, ...]:
    if judgement.error is ErrorKind.MARKER_MISSING:
        return (signs.marker_false,) if judgement.marker is Marker.NOT_TRUE else (signs.html_page,)
    if judgement.error is ErrorKind.UNREADABLE:
        return (signs.html_page,)
    if 200 <= status < 300:
        return (signs.missing_file,) if judgement.error is ErrorKind.UNSUCCESSFUL else ()
    if 300 <= status < 400:
        return (signs.redirect,)
    return _SIGNS_BY_STATUS.get(status, _OTHER_SERVER_SIGNS if status >= 500 else _OTHER_CLIENT_SIGNS)


def _without_answer(error: ErrorKind, detail: str, facts: RequestFacts) -> Cause | None:
    lower_detail = detail.lower()
    cause = None
    if _HTTP2_WORDS in lower_detail:
        cause = Cause.HTTP2_ONLY
    elif error is ErrorKind.NO_ADDRESS:
        cause = Cause.ADDRESS_NOT_ALLOWED
    elif error is ErrorKind.BAD_ANSWER and "\\x15\\x03" in lower_detail:
        # What came is the alert that TLS answers plain HTTP with.
        cause = Cause.TLS_EXPECTED
    elif error is ErrorKind.TLS:
        cause = next((cause for tls_text, cause in _CAUSE_BY_TLS_TEXT.items() if tls_text in lower_detail), None)
    elif error is ErrorKind.RESET and facts.age_seconds < _EARLY_SECONDS:
        cause = _cut_early(facts)
    return cause or cause_of(error)


def _cut_early(facts: RequestFacts) -> Cause | None:
    """What ends an upload of a new size without an answer, sooner than any time-out."""
    if facts.is_body_read:
        # It was taken in whole, so it had its place; what kills a process without a word is the kernel.
        return Cause.WORKER_KILLED if facts.is_first_of_its_size else None
    # A server that fails before it has read the body cuts the connection, and its answer may be lost with it.
    if facts.is_first_to_spill:
        return Cause.UPLOAD_FOLDER
    return Cause.SIZE_CUT if facts.is_first_of_its_size else None


_HTTP2_WORDS: Final = "the port speaks http/2 only"
"""How `http2.HTTP2_ONLY` words it, with TLS and without."""

_CAUSE_BY_TLS_TEXT: Final = {
    "client's certificate": Cause.TLS_CLIENT_CERTIFICATE,
    "target's certificate": Cause.TLS_CERTIFICATE,
    "speaks no tls, most likely": Cause.TLS_NOT_SPOKEN,
}
"""How a failure of TLS is worded, see `tls.tls_failure`."""


_OTHER_CLIENT_SIGNS: Final[tuple[Sign, ...]] = (
    signs.http2_wanted,
    signs.missing_tls,
    signs.proxy_refusal,
    signs.cors_text,
)
_OTHER_SERVER_SIGNS: Final[tuple[Sign, ...]] = (signs.http2_wanted, signs.django_report, signs.out_of_memory)
_SIGNS_BY_STATUS: Final[dict[int, tuple[Sign, ...]]] = {
    400: (
        signs.missing_tls,
        signs.django_report,
        signs.bare_bad_request,
        signs.proxy_refusal,
        signs.missing_file,
        signs.cors_text,
        signs.refused_file,
    ),
    401: (signs.token,),
    403: (signs.http2_wanted, signs.csrf, signs.token, signs.proxy_refusal, signs.cors_text, signs.cors_headers),
    404: (signs.proxy_refusal,),
    405: (signs.proxy_refusal, signs.always(Cause.METHOD_NOT_ALLOWED)),
    408: (signs.always(Cause.BODY_TOO_SLOW),),
    409: (signs.refused_file,),
    413: (signs.proxy_body_limit,),
    415: (signs.always(Cause.WRONG_CONTENT_TYPE),),
    422: (signs.missing_file, signs.refused_file),
    500: (signs.django_report, signs.out_of_memory, signs.gunicorn_abort, signs.spilled_body),
    502: (signs.always(Cause.PROXY_BAD_GATEWAY),),
    503: (signs.unavailable,),
    504: (signs.always(Cause.PROXY_TIMEOUT),),
}
