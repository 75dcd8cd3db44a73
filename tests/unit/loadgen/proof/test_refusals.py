"""From an upload of the verification to a refusal and its hint."""

import pytest

from loadgen.answers.judging import AnswerJudgement, Marker
from loadgen.http.endpoints import Endpoint
from loadgen.proof.refusals import (
    CAUSE_BY_REFUSAL,
    attribute_to_throttling,
    cause_of_refusal,
    expiry_refusal,
    may_be_stored,
    read_back_refusal,
    refusal_of,
)
from loadgen.upload.uploading import Upload
from loadtest_model.explanations import explanation_of
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.proof import ReadBackReport, Reading, ReadingMoment
from loadtest_model.measurement.snapshot import CheckName, ProofLevel, Refusal, VerificationReport


def upload(error: ErrorKind | None, marker: Marker | None = None) -> Upload:
    return Upload(
        rows=1,
        first_client_id="C1",
        endpoint=Endpoint("127.0.0.1", 80),
        status=None,
        judgement=AnswerJudgement(error, marker=marker),
    )


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_no_error_passes_for_a_row(kind: ErrorKind) -> None:
    assert refusal_of(CheckName.CANARY, upload(kind)) is not None


@pytest.mark.parametrize("check", [CheckName.HEADER_ONLY, CheckName.CANARY, CheckName.FEW_ROWS, CheckName.FULL_BATCH])
def test_an_acceptance_passes(check: CheckName) -> None:
    assert refusal_of(check, upload(None, Marker.TRUE)) is None


@pytest.mark.parametrize("kind", [ErrorKind.CLIENT_ERROR, ErrorKind.UNSUCCESSFUL])
def test_an_empty_file_may_be_rejected(kind: ErrorKind) -> None:
    assert refusal_of(CheckName.HEADER_ONLY, upload(kind)) is None


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        (ErrorKind.UNAUTHORIZED, Refusal.UNAUTHORIZED),
        (ErrorKind.FORBIDDEN, Refusal.FORBIDDEN),
        (ErrorKind.NOT_FOUND, Refusal.NOT_FOUND),
        (ErrorKind.TOO_LARGE, Refusal.TOO_LARGE),
        (ErrorKind.REDIRECT, Refusal.REDIRECT),
        (ErrorKind.SERVER_ERROR, Refusal.SERVER_ERROR),
        (ErrorKind.REFUSED, Refusal.REFUSED),
        (ErrorKind.CONNECT_TIMEOUT, Refusal.TIMEOUT),
        (ErrorKind.TIMEOUT, Refusal.TIMEOUT),
        (ErrorKind.RESET, Refusal.RESET),
        (ErrorKind.TLS, Refusal.TLS),
        (ErrorKind.NO_ADDRESS, Refusal.ADDRESS_DENIED),
        (ErrorKind.NO_SOCKET, Refusal.REFUSED),
        (ErrorKind.BAD_ANSWER, Refusal.BAD_ANSWER),
        (ErrorKind.MISCOUNTED, Refusal.MISCOUNTED),
        (ErrorKind.NONCE_MISSING, Refusal.NOT_ECHOED),
    ],
)
def test_an_empty_file_refuses_the_target_by_every_other_doubt(kind: ErrorKind, refusal: Refusal) -> None:
    assert refusal_of(CheckName.HEADER_ONLY, upload(kind)) is refusal


def test_a_missing_marker_is_told_from_one_that_is_not_true() -> None:
    missing = upload(ErrorKind.MARKER_MISSING, Marker.ABSENT)
    false = upload(ErrorKind.MARKER_MISSING, Marker.NOT_TRUE)

    assert refusal_of(CheckName.HEADER_ONLY, missing) is Refusal.MARKER_MISSING
    assert refusal_of(CheckName.HEADER_ONLY, false) is Refusal.MARKER_FALSE


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_has_a_cause_and_so_something_to_do(refusal: Refusal) -> None:
    assert len(explanation_of(cause_of_refusal(refusal)).next_step) > 20


@pytest.mark.parametrize(
    ("refusal", "word"),
    [
        (Refusal.REJECTED, "ALLOWED_HOSTS"),
        (Refusal.REDIRECT, "SECURE_SSL_REDIRECT"),
        (Refusal.REDIRECT, "APPEND_SLASH"),
        (Refusal.FORBIDDEN, "permission"),
        (Refusal.MARKER_MISSING, "X-Load-Test"),
        (Refusal.TOO_LARGE, "client_max_body_size"),
    ],
)
def test_what_to_do_names_what_usually_helps(refusal: Refusal, word: str) -> None:
    assert word in explanation_of(CAUSE_BY_REFUSAL[refusal]).next_step


def test_a_refusal_has_the_finer_cause_of_the_upload_that_it_was_told_from() -> None:
    judgement = AnswerJudgement(ErrorKind.CLIENT_ERROR, cause=Cause.HOST_NOT_ALLOWED)

    assert cause_of_refusal(Refusal.REJECTED, judgement) is Cause.HOST_NOT_ALLOWED
    assert cause_of_refusal(Refusal.NOT_ECHOED, AnswerJudgement(None)) is Cause.NONCE_NOT_ECHOED


@pytest.mark.parametrize(
    ("judgement", "stored"),
    [
        (AnswerJudgement(None, marker=Marker.TRUE), False),
        (AnswerJudgement(ErrorKind.MISCOUNTED, marker=Marker.TRUE), False),
        (AnswerJudgement(ErrorKind.NONCE_MISSING, marker=Marker.TRUE), True),
        (AnswerJudgement(ErrorKind.MARKER_MISSING, marker=Marker.ABSENT), True),
        (AnswerJudgement(ErrorKind.MARKER_MISSING, marker=Marker.NOT_TRUE), True),
        (AnswerJudgement(ErrorKind.REDIRECT), True),
        (AnswerJudgement(ErrorKind.SERVER_ERROR), True),
        (AnswerJudgement(ErrorKind.TIMEOUT), True),
        (AnswerJudgement(ErrorKind.RESET), True),
        (AnswerJudgement(ErrorKind.CLIENT_ERROR), False),
        (AnswerJudgement(ErrorKind.UNAUTHORIZED), False),
        (AnswerJudgement(ErrorKind.REFUSED), False),
    ],
)
def test_rows_may_be_stored_unless_the_answer_excludes_it(judgement: AnswerJudgement, stored: bool) -> None:
    assert may_be_stored(judgement) is stored


THROTTLED = GeneratorHealth(throttled_share=0.93, cpu_limit_cores=0.02)


def a_refusal(refusal: Refusal | None, cause: Cause | None = None) -> VerificationReport:
    made = cause or (CAUSE_BY_REFUSAL[refusal] if refusal else None)
    return VerificationReport(level=ProofLevel.NONE, refusal=refusal, cause=made, message="seen", canary_ids=("C1",))


def test_a_time_out_of_a_throttled_generator_is_its_limits_doing() -> None:
    report = attribute_to_throttling(a_refusal(Refusal.TIMEOUT), THROTTLED)

    assert (report.refusal, report.cause) == (Refusal.THROTTLED, Cause.GENERATOR_THROTTLED)
    assert report.message == (
        "the generator was throttled for 93% of the time by its CPU limit of 20m, and met a time-out: seen"
    )
    assert report.hint.startswith("Raise spec.pod.resources.limits.cpu to 1")
    assert report.canary_ids == ("C1",)


def test_a_body_that_came_too_slowly_from_a_throttled_generator_is_its_limits_doing() -> None:
    report = attribute_to_throttling(a_refusal(Refusal.REJECTED, Cause.BODY_TOO_SLOW), THROTTLED)

    assert report.refusal is Refusal.THROTTLED


@pytest.mark.parametrize(
    ("refusal", "generator"),
    [
        (Refusal.TIMEOUT, GeneratorHealth(throttled_share=0.2, cpu_limit_cores=0.5)),
        (Refusal.TIMEOUT, GeneratorHealth(throttled_share=None)),
        (Refusal.MARKER_MISSING, THROTTLED),
        (Refusal.REFUSED, THROTTLED),
        (None, THROTTLED),
    ],
)
def test_what_a_limit_does_not_explain_is_the_targets(refusal: Refusal | None, generator: GeneratorHealth) -> None:
    assert attribute_to_throttling(a_refusal(refusal), generator) == a_refusal(refusal)


@pytest.mark.parametrize(
    ("left_seconds", "said"),
    [(-5.0, "the token expired 5 s ago"), (10.0, "expires in 10 s, but the load lasts 60 s"), (60.0, None)],
)
def test_a_token_is_refused_that_expires_before_the_load_is_over(left_seconds: float, said: str | None) -> None:
    report = expiry_refusal(left_seconds, planned_seconds=60.0)

    assert report is None if said is None else report is not None and said in report.message


@pytest.mark.parametrize("must_prove", [False, True])
def test_rows_that_are_stored_refuse_a_target_and_a_failed_reading_does_if_it_must_prove_that_there_are_none(
    must_prove: bool,
) -> None:
    stored = ReadBackReport(
        settle_seconds=0.0, readings=(Reading(moment=ReadingMoment.VERIFIED, asked=1, found=("C1",)),)
    )
    failed = ReadBackReport(
        settle_seconds=0.0, readings=(Reading(moment=ReadingMoment.BEFORE, problem="answered 500"),)
    )

    by_stored, by_failed = (read_back_refusal(each, must_prove=must_prove) for each in (stored, failed))

    assert by_stored is not None
    assert by_stored.refusal is Refusal.STORED
    assert (by_failed is not None) is must_prove
