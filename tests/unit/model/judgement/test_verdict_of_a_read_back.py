"""Rows found stored fail a run; a proof that is required and cannot be had leaves it open."""

import pytest

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts, Gap, Judgement, Verdict
from loadtest_model.measurement.proof import PROVING_MOMENTS, ReadBackReport, Reading, ReadingMoment
from loadtest_model.measurement.snapshot import ProofLevel, Refusal, VerificationReport
from loadtest_model.reasons import Reason
from support.builders import a_plan, a_run, a_step

READ_BACK = {"url": "http://clients.shop.svc:8000/clients/count/", "countPath": "count"}
PLAN = a_plan(verification={"require": "Proven", "readBack": READ_BACK})
UNDEMANDING = a_plan(verification={"require": "Acknowledged", "readBack": READ_BACK})


def report_of_counts(*rows: int) -> ReadBackReport:
    readings = tuple(Reading(moment=moment, rows=count) for moment, count in zip(PROVING_MOMENTS, rows, strict=False))
    return ReadBackReport(settle_seconds=5, readings=readings)


FAILED = ReadBackReport(settle_seconds=5, readings=(Reading(moment=ReadingMoment.ENDED, problem="answered 500"),))


def verdict_of(report: ReadBackReport | None, *gaps: Gap, plan: object = PLAN, accepted: int = 100) -> Judgement:
    aggregate = a_run(a_step(accepted=accepted))
    return judge(Facts(plan=plan, aggregate=aggregate, read_back=report, gaps=gaps))  # type: ignore[arg-type]


def test_a_run_that_was_read_back_to_its_end_passes() -> None:
    assert verdict_of(report_of_counts(3, 3, 3, 3)).verdict is Verdict.PASSED


def test_rows_found_stored_fail_the_run_before_anything_else() -> None:
    judgement = verdict_of(report_of_counts(3, 3, 3, 9), Gap(Reason.PodLost, "pod 1 was lost"))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "RecordsStored")


def test_rows_found_stored_fail_also_where_less_was_required() -> None:
    judgement = verdict_of(report_of_counts(3, 9), plan=UNDEMANDING)

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "RecordsStored")


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (None, "ReadBackUnfinished"),
        (report_of_counts(3, 3), "ReadBackUnfinished"),
        (report_of_counts(3, 3, 2, 2), "ReadBackUnsteady"),
        (FAILED, "ReadBackFailed"),
    ],
)
def test_without_the_proof_that_is_required_a_run_is_inconclusive(report: ReadBackReport | None, reason: str) -> None:
    judgement = verdict_of(report)

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, reason)


@pytest.mark.parametrize("report", [None, report_of_counts(3, 3), report_of_counts(3, 3, 2, 2), FAILED])
def test_where_less_is_required_a_read_back_that_shows_nothing_changes_no_verdict(
    report: ReadBackReport | None,
) -> None:
    assert verdict_of(report, plan=UNDEMANDING).verdict is Verdict.PASSED


def test_a_breach_outweighs_a_read_back_that_shows_nothing() -> None:
    aggregate = a_run(a_step(seconds_each=25))

    judgement = judge(Facts(plan=PLAN, aggregate=aggregate, read_back=FAILED))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "ThresholdBreached")


def test_a_target_that_was_refused_for_its_read_back_is_told_once() -> None:
    message = "the read-back after the last answer shows nothing: answered 500"
    refusal = VerificationReport(level=ProofLevel.NONE, refusal=Refusal.READ_BACK, message=message)

    judgement = judge(Facts(plan=PLAN, aggregate=a_run(), refusal=refusal, read_back=FAILED))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "ReadBackFailed")
    assert judgement.reasons == (message,)
