"""Why a target is refused, told from an upload of the verification, and what to do about it."""

from typing import Final, Literal

from loadgen.judging import Judgement, Marker
from loadgen.uploading import Upload
from loadtest_model.outcomes import ErrorKind
from loadtest_model.snapshot import Refusal

CheckName = Literal["connect", "header-only", "canary", "few-rows", "full-batch"]

_BY_ERROR: Final = {
    ErrorKind.REFUSED: Refusal.REFUSED,
    ErrorKind.DNS: Refusal.DNS,
    ErrorKind.TLS: Refusal.TLS,
    ErrorKind.CONNECT_TIMEOUT: Refusal.TIMEOUT,
    ErrorKind.NO_ADDRESS: Refusal.ADDRESS_DENIED,
    ErrorKind.UNAUTHORIZED: Refusal.UNAUTHORIZED,
    ErrorKind.FORBIDDEN: Refusal.FORBIDDEN,
    ErrorKind.NOT_FOUND: Refusal.NOT_FOUND,
    ErrorKind.TOO_LARGE: Refusal.TOO_LARGE,
    ErrorKind.THROTTLED: Refusal.REJECTED,
    ErrorKind.CLIENT_ERROR: Refusal.REJECTED,
    ErrorKind.UNSUCCESSFUL: Refusal.REJECTED,
    ErrorKind.SERVER_ERROR: Refusal.SERVER_ERROR,
    ErrorKind.MISCOUNTED: Refusal.MISCOUNTED,
    ErrorKind.TIMEOUT: Refusal.TIMEOUT,
    ErrorKind.RESET: Refusal.RESET,
    ErrorKind.STALE_CONNECTION: Refusal.RESET,
    ErrorKind.BAD_ANSWER: Refusal.BAD_ANSWER,
    ErrorKind.REDIRECT: Refusal.REDIRECT,
}

HINTS: Final = {
    Refusal.DNS: "Check the host in spec.target.url; a Service of another namespace is written"
    " <service>.<namespace>.svc.",
    Refusal.ADDRESS_DENIED: "The installation's address policy forbids this address; choose another target, or ask"
    " whoever runs the operator to allow its network.",
    Refusal.REFUSED: "Check the port in spec.target.url, that the target runs and listens on all its addresses, and"
    " that no NetworkPolicy keeps the generator away.",
    Refusal.TLS: "Check that the port speaks TLS, and that the certificate is valid for the host in spec.target.url and"
    " signed by an authority that the generator's image knows.",
    Refusal.TIMEOUT: "Check that the target answers an upload of this size by hand; raise spec.target.timeout if it may"
    " take longer, or lower spec.load.batchSize.",
    Refusal.RESET: "Look into the log of the target and of the proxies before it: a worker that crashed, was killed for"
    " its memory, or has a shorter time-out than spec.target.timeout.",
    Refusal.REDIRECT: "Give the URL that answers without a redirect: with its closing slash (Django's APPEND_SLASH) and"
    " the right scheme; behind SECURE_SSL_REDIRECT use https, or set SECURE_PROXY_SSL_HEADER and have"
    " X-Forwarded-Proto sent by spec.target.headers. A redirect to a log-in page means that spec.target.auth is"
    " missing.",
    Refusal.UNAUTHORIZED: "Check the Secret named in spec.target.auth: that the token is valid and has not expired, and"
    " that auth.scheme is the word the target wants (Bearer, or Token for DRF).",
    Refusal.EXPIRING: "Put a token into the Secret named in spec.target.auth that is valid until the load is over,"
    " or shorten spec.load.duration.",
    Refusal.FORBIDDEN: "Django answers 403 where a CSRF token is wanted: mark the upload view with csrf_exempt or use a"
    " token instead of a session; else give the token's owner the right to upload.",
    Refusal.NOT_FOUND: "Check the path in spec.target.url, its closing slash included.",
    Refusal.TOO_LARGE: "Raise the target's body limit (nginx: client_max_body_size; Django:"
    " DATA_UPLOAD_MAX_MEMORY_SIZE) or lower spec.load.batchSize.",
    Refusal.MARKER_MISSING: "The target must answer uploads that carry X-Load-Test: true with load_test_mode: true, and"
    " store nothing: add that branch to the upload view, check that the deployed version has it and that no proxy"
    " removes the header. If the answer names the marker otherwise, set spec.target.response.marker.",
    Refusal.MARKER_FALSE: "The target knows the marker but did not set it to true for X-Load-Test: true: check the"
    " condition in the upload view, and that no proxy removes or changes the header.",
    Refusal.MISCOUNTED: "The target must say how many rows it processed: check that it counts every row and no header,"
    " and set spec.target.response.count if the answer names the count otherwise.",
    Refusal.NOT_ECHOED: "spec.verification.require is Echoed: the answer must return the request's X-Load-Test-Nonce as"
    " load_test_nonce (or as spec.target.response.nonce says). A cached answer cannot.",
    Refusal.REJECTED: "Read the target's answer above: check spec.target.fileField, formFields and the columns it"
    " expects. Django answers 400 to a host it does not know: add the URL's host to ALLOWED_HOSTS.",
    Refusal.SERVER_ERROR: "The target failed on this upload: look into its log.",
    Refusal.BAD_ANSWER: "What answers there does not speak HTTP as expected: check scheme and port of spec.target.url.",
}


def refusal_of(check: CheckName, upload: Upload, *, must_echo: bool) -> Refusal | None:
    """Why this upload of the verification refuses the target; None if it passed.

    An empty file has nothing to store, so the target may well reject it; but not for who sends it, or where to.
    """
    judgement = upload.judgement
    if judgement.error is None:
        return Refusal.NOT_ECHOED if must_echo and not judgement.echoed else None
    if check == "header-only" and judgement.error in (ErrorKind.CLIENT_ERROR, ErrorKind.UNSUCCESSFUL):
        return None
    if judgement.error is ErrorKind.MARKER_MISSING:
        return Refusal.MARKER_FALSE if judgement.marker is Marker.NOT_TRUE else Refusal.MARKER_MISSING
    return _BY_ERROR.get(judgement.error, Refusal.BAD_ANSWER)


def may_be_stored(judgement: Judgement) -> bool:
    """Whether the rows of an upload may be in the target's database, for all that its answer says.

    A redirect is what many views answer after storing, and a server error may come after the commit.
    """
    honoured = judgement.marker is Marker.TRUE
    answered_no = judgement.marker is None and judgement.error in _NOT_STORED
    return not (honoured or answered_no)


_NOT_STORED: Final = frozenset(
    {
        ErrorKind.REFUSED,
        ErrorKind.DNS,
        ErrorKind.TLS,
        ErrorKind.CONNECT_TIMEOUT,
        ErrorKind.NO_ADDRESS,
        ErrorKind.UNAUTHORIZED,
        ErrorKind.FORBIDDEN,
        ErrorKind.NOT_FOUND,
        ErrorKind.TOO_LARGE,
        ErrorKind.THROTTLED,
        ErrorKind.CLIENT_ERROR,
    }
)
