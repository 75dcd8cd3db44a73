"""Why a target is refused, told from what the proof showed, and what to do about it."""

from typing import Final

from msgspec import structs

from loadgen.answers.judging import AnswerJudgement, Marker
from loadgen.auth.login import LoginFailedError
from loadgen.auth.secret_texts import TokenUnreadableError
from loadgen.upload.uploading import Upload
from loadtest_model.explanations import explanation_of
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.generator import GeneratorHealth, is_crippled, throttling_text
from loadtest_model.measurement.outcomes import NOT_STORED, ErrorKind
from loadtest_model.measurement.proof import ReadBackReport, ReadBackResult, read_back_conclusion
from loadtest_model.measurement.snapshot import CheckName, ProofLevel, Refusal, VerificationReport

_REFUSAL_BY_ERROR: Final = {
    ErrorKind.REFUSED: Refusal.REFUSED,
    ErrorKind.DNS: Refusal.DNS,
    ErrorKind.TLS: Refusal.TLS,
    ErrorKind.CONNECT_TIMEOUT: Refusal.TIMEOUT,
    ErrorKind.NO_ADDRESS: Refusal.ADDRESS_DENIED,
    ErrorKind.NO_SOCKET: Refusal.REFUSED,
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
    ErrorKind.UNREADABLE: Refusal.UNREADABLE,
    ErrorKind.NONCE_MISSING: Refusal.NOT_ECHOED,
}

CAUSE_BY_REFUSAL: Final = {
    Refusal.DNS: Cause.NAME_NOT_RESOLVED,
    Refusal.ADDRESS_DENIED: Cause.ADDRESS_NOT_ALLOWED,
    Refusal.REFUSED: Cause.CONNECTION_REFUSED,
    Refusal.TLS: Cause.TLS_FAILED,
    Refusal.TIMEOUT: Cause.TIMED_OUT,
    Refusal.RESET: Cause.CONNECTION_RESET,
    Refusal.REDIRECT: Cause.REDIRECTED,
    Refusal.UNAUTHORIZED: Cause.TOKEN_REFUSED,
    Refusal.EXPIRING: Cause.TOKEN_EXPIRES_EARLY,
    Refusal.FORBIDDEN: Cause.PERMISSION_DENIED,
    Refusal.NOT_FOUND: Cause.WRONG_URL,
    Refusal.TOO_LARGE: Cause.BODY_LIMIT,
    Refusal.MARKER_MISSING: Cause.MARKER_MISSING,
    Refusal.MARKER_FALSE: Cause.MARKER_FALSE,
    Refusal.MISCOUNTED: Cause.ROWS_MISCOUNTED,
    Refusal.NOT_ECHOED: Cause.NONCE_NOT_ECHOED,
    Refusal.REJECTED: Cause.FILE_REFUSED,
    Refusal.SERVER_ERROR: Cause.SERVER_ERROR,
    Refusal.BAD_ANSWER: Cause.NOT_HTTP,
    Refusal.UNREADABLE: Cause.ANSWER_UNREADABLE,
    Refusal.READ_BACK: Cause.READ_BACK_FAILED,
    Refusal.READ_BACK_CONTROL: Cause.READ_BACK_CONTROL,
    Refusal.STORED: Cause.ROWS_STORED,
    Refusal.THROTTLED: Cause.GENERATOR_THROTTLED,
}
"""The cause of a refusal if nothing finer was diagnosed."""


def cause_of_refusal(refusal: Refusal, judgement: AnswerJudgement | None = None, *, had_rows: bool = True) -> Cause:
    """What a refusal comes from; `judgement` is that of the upload that it was told from, and `had_rows` whether that
    upload had any.
    """
    # The judgement of an upload that was accepted knows no cause, and then the refusal alone speaks.
    cause = (judgement.cause if judgement is not None else None) or CAUSE_BY_REFUSAL[refusal]
    return Cause.EMPTY_FILE_FAILED if cause is Cause.SERVER_ERROR and not had_rows else cause


def cause_of_no_token(error: TokenUnreadableError) -> Cause:
    """What the lack of a token comes from."""
    return Cause.LOGIN_FAILED if isinstance(error, LoginFailedError) else Cause.TOKEN_MISSING


def refusal_report(refusal: Refusal, message: str, diagnosed_cause: Cause | None = None) -> VerificationReport:
    """The report of a verification that ended before its first upload.

    `diagnosed_cause` overrides the refusal's own cause.
    """
    cause = diagnosed_cause or cause_of_refusal(refusal)
    return VerificationReport(
        level=ProofLevel.NONE, refusal=refusal, cause=cause, message=message, hint=explanation_of(cause).next_step
    )


def read_back_refusal(
    report: ReadBackReport, *, must_prove: bool, token_cause: Cause | None = None
) -> VerificationReport | None:
    """The refusal of a target that stores rows, or if it `must_prove` that it stores none, of one that cannot.

    `token_cause` is why the read-back's URL does not take the token, if it does not.
    """
    conclusion = read_back_conclusion(report)
    if conclusion.result is ReadBackResult.STORED:
        return refusal_report(Refusal.STORED, conclusion.message)
    refusal = _REFUSAL_BY_CONCLUSION.get(conclusion.result)
    if refusal is None or not must_prove:
        return None
    is_failed = conclusion.result is ReadBackResult.FAILED
    return refusal_report(refusal, conclusion.message, token_cause if is_failed else None)


_REFUSAL_BY_CONCLUSION: Final = {
    ReadBackResult.FAILED: Refusal.READ_BACK,
    ReadBackResult.UNSTEADY: Refusal.READ_BACK,
    ReadBackResult.CONTROL_FAILED: Refusal.READ_BACK_CONTROL,
}


def expiry_refusal(
    remaining_seconds: float, planned_seconds: float, wait_seconds: float = 0.0
) -> VerificationReport | None:
    """The refusal of a token that expires before the planned load is over, if that begins after the longest wait; None
    if all is well.
    """
    if remaining_seconds >= planned_seconds + wait_seconds:
        return None
    if remaining_seconds <= 0:
        return refusal_report(
            Refusal.EXPIRING, f"the token expired {-remaining_seconds:.0f} s ago", Cause.TOKEN_EXPIRED
        )
    message = f"the token expires in {remaining_seconds:.0f} s, but the load lasts {planned_seconds:.0f} s"
    if wait_seconds:
        message = f"{message} and may begin up to {wait_seconds:.0f} s from now"
    return refusal_report(Refusal.EXPIRING, message)


def with_refusal(report: VerificationReport, refusal: VerificationReport | None) -> VerificationReport:
    """The report with a later refusal, if there is one."""
    if refusal is None:
        return report
    return structs.replace(
        report,
        level=ProofLevel.NONE,
        refusal=refusal.refusal,
        cause=refusal.cause,
        message=refusal.message,
        hint=refusal.hint,
    )


def with_note(report: VerificationReport, note: str) -> VerificationReport:
    """The report with something else that its reader should know."""
    return structs.replace(report, message=f"{report.message}; {note}") if note else report


def attribute_to_throttling(report: VerificationReport, generator: GeneratorHealth) -> VerificationReport:
    """The report of a verification. If it ran into a time-out for want of CPU, the generator's limit is the cause.

    `generator` is how the generator fared meanwhile. The message names what may be stored at the target in either case.
    """
    is_timeout = report.refusal is Refusal.TIMEOUT or report.cause is Cause.BODY_TOO_SLOW
    if not is_timeout or not is_crippled(generator):
        return report
    cause = CAUSE_BY_REFUSAL[Refusal.THROTTLED]
    return structs.replace(
        report,
        refusal=Refusal.THROTTLED,
        cause=cause,
        message=f"{throttling_text(generator)}, and met a time-out: {report.message}",
        hint=explanation_of(cause).next_step,
    )


def refusal_of(check: CheckName, upload: Upload) -> Refusal | None:
    """Why this upload of the verification refuses the target; None if it passed.

    An empty file has nothing to store, so the target may well reject it; but not for who sends it, or where to.
    """
    judgement = upload.judgement
    if judgement.error is None:
        return None
    if check is CheckName.HEADER_ONLY and judgement.error in (ErrorKind.CLIENT_ERROR, ErrorKind.UNSUCCESSFUL):
        return None
    if judgement.error is ErrorKind.MARKER_MISSING:
        return Refusal.MARKER_FALSE if judgement.marker is Marker.NOT_TRUE else Refusal.MARKER_MISSING
    return _REFUSAL_BY_ERROR.get(judgement.error, Refusal.BAD_ANSWER)


def may_be_stored(judgement: AnswerJudgement) -> bool:
    """Whether the rows of an upload may be in the target's database, for all that its answer says.

    A redirect is what many views answer after storing, and a server error may come after the commit. An answer without
    the nonce that was asked for may be the answer to another upload.
    """
    is_confirmed = judgement.marker is Marker.TRUE and judgement.error is not ErrorKind.NONCE_MISSING
    is_rejected = judgement.marker is None and judgement.error in NOT_STORED
    return not (is_confirmed or is_rejected)
