"""The verdict is that of the first check that finds something, in the order of docs/semantics.md."""

import pytest
from msgspec import structs

from loadtest_model.judgement.diagnoses import diagnose_run
from loadtest_model.judgement.health import HealthLevel
from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.own_limits import own_limits
from loadtest_model.judgement.safety_checks import violation_text
from loadtest_model.judgement.verdict import Facts, Gap, Judgement, Verdict, exit_status
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.snapshot import ProofLevel, Refusal, RefusedAddress, VerificationReport, Violation
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.reasons import Reason
from loadtest_model.report.summary import summarize
from loadtest_model.spec.verification import Requirement
from loadtest_model.thresholds.bounds import evaluate, parse_threshold
from loadtest_model.values import NANOSECONDS
from support.builders import a_plan, a_run, a_step, with_cut_uploads

PLAN = a_plan()
LOST = Gap(Reason.PodLost, "pod 1 was lost")
LAGGING = GeneratorHealth(loop_lag_p99_seconds=0.5, max_loop_lag_seconds=0.5)
BROKEN_PROMISE = Violation(
    kind=ErrorKind.MARKER_MISSING,
    address="127.0.0.2:8000",
    status=200,
    rows=1_000,
    first_client_id="c1",
    message="answered 200 without a true load_test_mode",
)


def with_own_time(step: StepAggregate, seconds_each: float) -> StepAggregate:
    """The step, each of whose times holds so much of our own."""
    own = sketch_of([int(seconds_each * NANOSECONDS)] * step.response.count)
    return structs.replace(step, own=OwnTime(response=own, service=own))


def verdict_of(
    aggregate: Aggregate,
    *gaps: Gap,
    refusal: VerificationReport | None = None,
    refused_addresses: tuple[RefusedAddress, ...] = (),
) -> Judgement:
    return judge(Facts(plan=PLAN, aggregate=aggregate, gaps=gaps, refusal=refusal, refused_addresses=refused_addresses))


def test_a_run_within_every_bound_passes() -> None:
    judgement = verdict_of(a_run())

    assert (judgement.verdict, judgement.reason) == (Verdict.PASSED, "Passed")
    assert all(result.passed for result in judgement.thresholds)


def test_a_violation_fails_before_anything_else() -> None:
    judgement = verdict_of(a_run(a_step(seconds_each=25), violations=(BROKEN_PROMISE,)), LOST)

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "Violation")
    assert judgement.reasons[0] == (
        "127.0.0.2:8000 answered 200 without a true load_test_mode; the 1,000 rows of that upload may be stored, the"
        " first with client_id c1; remove them: client_id begins with c1 in every row of this run"
    )


def test_a_violation_says_what_finds_all_rows_of_the_run_only_where_ids_are_in_the_file() -> None:
    by_id = structs.replace(
        BROKEN_PROMISE, first_client_id="3R1ECCG79500VAA6M90Q", first_row="sku_code 3R1ECCG79500VAA6M90Q"
    )
    by_email = structs.replace(BROKEN_PROMISE, rows=1, first_client_id="", first_row="email a@example.net")

    assert violation_text(by_id).endswith(
        "the 1,000 rows of that upload may be stored, the first with sku_code 3R1ECCG79500VAA6M90Q; remove them:"
        " sku_code begins with 3R1ECCG795 in every row of this run"
    )
    assert violation_text(by_email).endswith(
        "the row of that upload, with email a@example.net, may be stored; remove it"
    )


def test_a_violation_that_a_verification_has_met_names_address_and_row_once() -> None:
    message = "127.0.0.2:8000 (canary, 1 row): answered 200. The canary with client_id c1 may be stored; remove it."
    met = structs.replace(BROKEN_PROMISE, rows=1, message=message)

    assert verdict_of(a_run(violations=(met,))).reasons[0] == message


def test_a_violation_that_was_only_counted_fails_although_nobody_can_tell_more_of_it() -> None:
    judgement = verdict_of(a_run(a_step(violation=1)), LOST)

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "Violation")
    assert "1 upload was answered with a 2xx without a true marker" in judgement.reasons[0]


def test_a_refused_verification_fails_with_its_own_reason() -> None:
    report = VerificationReport(level=ProofLevel.NONE, refusal=Refusal.REDIRECT, message="it redirects")

    judgement = verdict_of(Aggregate(), refusal=report)

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "TargetRedirects")


@pytest.mark.parametrize(
    ("refusal", "reason_class"),
    [
        (Refusal.REDIRECT, ReasonClass.REFUSED),
        (Refusal.NOT_FOUND, ReasonClass.MISCONFIGURED),
        (Refusal.FORBIDDEN, ReasonClass.NOT_PERMITTED),
        (Refusal.THROTTLED, ReasonClass.PREVENTED),
    ],
)
def test_after_a_refusal_nothing_is_said_of_samples_steps_or_the_generator(
    refusal: Refusal, reason_class: ReasonClass
) -> None:
    report = VerificationReport(level=ProofLevel.NONE, refusal=refusal, message="it refuses")
    plan = structs.replace(a_plan(scenario="all"), require=Requirement.PROVEN)
    lagging = Aggregate(generator=LAGGING)

    judgement = judge(Facts(plan=plan, aggregate=lagging, refusal=report, load_began=False))

    assert judgement.reasons == ("it refuses",)
    assert [step.reasons for step in judgement.steps] == [("it refuses",)] * 4
    assert (judgement.thresholds, judgement.reason_class) == ((), reason_class)
    summary = summarize(plan, lagging, judgement, report, None)
    assert (summary.generator.notes, summary.reason_class) == ((), reason_class)
    assert (summary.health, {step.health for step in summary.steps}) == (None, {None})
    assert exit_status(judgement.verdict, judgement.reason_class) == 3


def test_a_stop_before_the_load_is_the_only_reason_and_one_under_load_is_not() -> None:
    stop = Gap(Reason.Stopped, "the test was stopped by spec.stop")

    before_load = judge(Facts(plan=PLAN, aggregate=Aggregate(), gaps=(stop,), load_began=False))
    under_load = judge(Facts(plan=PLAN, aggregate=Aggregate(), gaps=(stop,)))

    assert (before_load.verdict, before_load.reasons) == (Verdict.INCONCLUSIVE, (stop.message,))
    assert (before_load.reason_class, under_load.reason_class) == (ReasonClass.PREVENTED, ReasonClass.LOAD)
    assert len(under_load.reasons) > 1


def test_a_run_without_a_load_never_passes() -> None:
    judgement = judge(Facts(plan=PLAN, aggregate=a_run(), load_began=False))

    assert (judgement.verdict, judgement.reasons) == (Verdict.INCONCLUSIVE, ("the load has not started",))


@pytest.mark.parametrize("verdict", Verdict)
def test_the_exit_status_is_the_verdicts_under_load_and_three_without(verdict: Verdict) -> None:
    under_load = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.INCONCLUSIVE: 2}

    statuses = {reason_class: exit_status(verdict, reason_class) for reason_class in ReasonClass}

    proof_alone = 0 if verdict is Verdict.PASSED else 3
    expected = {ReasonClass.LOAD: under_load[verdict], ReasonClass.VERIFICATION: proof_alone}
    assert statuses == {**dict.fromkeys(ReasonClass, 3), **expected}


def test_a_target_whose_every_address_vanished_is_inconclusive_whatever_its_errors() -> None:
    judgement = verdict_of(a_run(a_step(accepted=50, rejected=50, errors={ErrorKind.NO_ADDRESS: 50})))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "TargetVanished")


NO_ADDRESS_LEFT = a_run(a_step(accepted=50, rejected=50, errors={ErrorKind.NO_ADDRESS: 50}))
IGNORING = RefusedAddress(
    address="10.0.0.9:8000",
    refusal=Refusal.MARKER_MISSING,
    cause=Cause.MARKER_MISSING,
    message="10.0.0.9:8000 (canary, 1 row): answered 200 without load_test_mode",
)
FORBIDDING = RefusedAddress(
    address="10.0.0.8:8000",
    refusal=Refusal.FORBIDDEN,
    cause=Cause.PERMISSION_DENIED,
    message="10.0.0.8:8000 (header-only): answered 403",
)


def test_a_new_version_that_ignores_the_header_is_named_with_its_address_and_has_not_vanished() -> None:
    judgement = verdict_of(NO_ADDRESS_LEFT, refused_addresses=(FORBIDDING, IGNORING))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "LoadTestHeaderIgnored")
    assert judgement.reasons[0].startswith("10.0.0.9:8000 (canary, 1 row): answered 200 without load_test_mode")
    assert "also 10.0.0.8:8000" in judgement.reasons[0]
    assert [step.reasons[0] for step in judgement.steps] == [judgement.reasons[0]]


def test_new_addresses_that_are_refused_otherwise_are_named_and_leave_the_run_inconclusive() -> None:
    judgement = verdict_of(NO_ADDRESS_LEFT, refused_addresses=(FORBIDDING,))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "Forbidden")
    assert judgement.reasons[0].startswith("10.0.0.8:8000 (header-only): answered 403")


def test_a_new_address_that_is_refused_while_others_serve_changes_no_verdict() -> None:
    judgement = verdict_of(a_run(a_step()), refused_addresses=(IGNORING,))

    assert judgement.verdict is Verdict.PASSED


def test_the_diagnosis_of_uploads_without_an_address_is_why_the_new_addresses_were_refused() -> None:
    report = VerificationReport(level=ProofLevel.ECHOED, refused_addresses=(FORBIDDING, IGNORING))

    (named, *_), (vanished, *_) = diagnose_run(NO_ADDRESS_LEFT, report), diagnose_run(NO_ADDRESS_LEFT, None)

    assert named.cause is Cause.MARKER_MISSING
    assert vanished.cause is Cause.ADDRESSES_VANISHED


def test_a_breached_threshold_fails_and_says_what_was_measured() -> None:
    judgement = verdict_of(a_run(a_step(seconds_each=25)))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "ThresholdBreached")
    assert any("avg < 10s" in reason and "measured 25.000 s" in reason for reason in judgement.reasons)


def test_a_breach_that_missing_data_could_undo_is_inconclusive() -> None:
    cut = verdict_of(a_run(a_step(accepted=96, rejected=4, finished_pods=0)), LOST)
    whole = verdict_of(a_run(a_step(accepted=96, rejected=4)), LOST)

    assert (cut.verdict, cut.reason) == (Verdict.INCONCLUSIVE, "PodLost")
    assert (whole.verdict, whole.reason) == (Verdict.FAILED, "ThresholdBreached")


def test_a_breached_maximum_fails_whatever_is_missing() -> None:
    plan = a_plan(thresholds=["max < 5s"])

    judgement = judge(Facts(plan=plan, aggregate=a_run(a_step(seconds_each=6)), gaps=(LOST,)))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "ThresholdBreached")


def test_a_breach_of_time_that_our_own_time_may_have_caused_is_in_doubt_and_says_by_how_much() -> None:
    judgement = verdict_of(a_run(with_own_time(a_step(seconds_each=25), seconds_each=16)))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "ThresholdInDoubt")
    assert judgement.reasons[0] == (
        "threshold avg < 10s is in doubt: measured 25.000 s, and with what the generator itself may have added or held"
        " back the truth lies between 9.000 s and 25.000 s; give the generator more CPU or a machine of its own, or"
        " share the load among more pods (spec.parallelism)"
    )


def test_a_percentile_that_falls_among_uploads_that_were_cut_is_in_doubt_and_says_what_to_do() -> None:
    judgement = verdict_of(a_run(with_cut_uploads(a_step(accepted=100, seconds_each=0.5), 6, seconds_each=1.0)))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "ThresholdInDoubt")
    assert judgement.reasons == (
        "threshold error_rate < 1% is in doubt: measured 0.00%, but 6 uploads were cut before they ended, so the truth"
        " lies between 0.00% and 5.66%; let uploads that are in flight at the end finish (spec.load.gracefulStop)",
        "threshold p95 < 20s is in doubt: measured 990 ms, but 6 uploads were cut before they ended, so the truth lies"
        " between 990 ms and any value; let uploads that are in flight at the end finish (spec.load.gracefulStop)",
        "threshold p99 < 30s is in doubt: measured 990 ms, but 6 uploads were cut before they ended, so the truth lies"
        " between 990 ms and any value; let uploads that are in flight at the end finish (spec.load.gracefulStop)",
    )
    results = {result.expression: result for result in judgement.thresholds}
    assert results["avg < 10s"].passed
    assert results["p99 < 30s"].note == "at least this: 6 uploads of 106 were cut before they ended"


def test_a_single_upload_that_was_cut_is_told_of_in_the_singular() -> None:
    judgement = verdict_of(a_run(with_cut_uploads(a_step(accepted=10, seconds_each=0.5), 1, seconds_each=1.0)))

    assert "but 1 upload was cut before it ended, so the truth" in judgement.reasons[0]
    assert "at least this: 1 upload of 11 was cut before it ended" in [result.note for result in judgement.thresholds]


def test_a_few_uploads_that_were_cut_leave_a_long_run_passed() -> None:
    judgement = verdict_of(a_run(with_cut_uploads(a_step(accepted=1_000, seconds_each=0.5), 5, seconds_each=1.0)))

    assert (judgement.verdict, judgement.reasons) == (Verdict.PASSED, ())


def test_an_age_above_a_bound_is_a_breach_whatever_would_have_become_of_the_upload() -> None:
    judgement = verdict_of(a_run(with_cut_uploads(a_step(accepted=100, seconds_each=0.5), 10, seconds_each=25.0)))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "ThresholdBreached")
    assert judgement.reasons[0] == "threshold p95 < 20s is breached: measured 24.780 s"


def test_an_error_rate_above_its_bound_fails_although_some_uploads_were_cut() -> None:
    judgement = verdict_of(a_run(with_cut_uploads(a_step(accepted=100, rejected=10), 5, seconds_each=1.0)))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "ThresholdBreached")


def test_a_run_that_was_stopped_is_not_told_to_let_its_uploads_finish() -> None:
    cut = with_cut_uploads(a_step(accepted=10, seconds_each=0.5, finished_pods=0), 5, seconds_each=1.0)

    judgement = verdict_of(a_run(cut), Gap(Reason.Stopped, "the test was stopped at once by Ctrl-C"))

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reasons == ("the test was stopped at once by Ctrl-C",)


def test_where_every_upload_was_cut_the_run_is_inconclusive_and_says_so() -> None:
    judgement = verdict_of(a_run(with_cut_uploads(a_step(accepted=0), 5, seconds_each=1.0)))

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert (
        "none of the 5 uploads of step light ended before its cut; let uploads that are in flight at the end finish"
        " (spec.load.gracefulStop)"
    ) in judgement.reasons


def test_a_breach_of_time_beyond_our_own_time_fails() -> None:
    judgement = verdict_of(a_run(with_own_time(a_step(seconds_each=25), seconds_each=4)))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "ThresholdBreached")


def test_our_own_time_is_no_matter_where_a_bound_is_far_off() -> None:
    judgement = verdict_of(a_run(with_own_time(a_step(seconds_each=0.5), seconds_each=0.4), generator=LAGGING))

    assert (judgement.verdict, judgement.reasons) == (Verdict.PASSED, ())


def test_where_a_tenth_of_the_load_or_more_was_not_offered_times_must_hold_in_proportion_to_it() -> None:
    half_offered = OwnTime(offered=50, planned=100)
    near_the_bound, far_from_the_bound = (
        structs.replace(a_step(seconds_each=seconds_each), own=half_offered) for seconds_each in (9.9, 4.9)
    )

    assert verdict_of(a_run(near_the_bound)).reason == "ThresholdInDoubt"
    assert verdict_of(a_run(far_from_the_bound)).verdict is Verdict.PASSED


def test_a_rate_that_falls_short_proves_nothing_where_less_was_offered_than_planned() -> None:
    plan = a_plan(thresholds=["records_per_second > 100000"])
    step = structs.replace(a_step(), own=OwnTime(offered=50, planned=100))

    judgement = judge(Facts(plan=plan, aggregate=a_run(step)))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "ThresholdInDoubt")
    assert judge(Facts(plan=plan, aggregate=a_run())).verdict is Verdict.FAILED


def test_a_breached_error_rate_fails_however_the_event_loop_lagged() -> None:
    judgement = verdict_of(a_run(a_step(accepted=97, rejected=3), generator=LAGGING))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "ThresholdBreached")


def test_critical_health_fails_although_no_threshold_is_breached() -> None:
    plan = a_plan(thresholds=["p99 < 60s"])

    judgement = judge(Facts(plan=plan, aggregate=a_run(a_step(accepted=90, rejected=10))))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "HealthCritical")


def test_a_lost_pod_can_never_pass() -> None:
    assert verdict_of(a_run(), LOST).verdict is Verdict.INCONCLUSIVE


def test_a_generator_that_lagged_passes_where_every_threshold_holds_all_the_same() -> None:
    judgement = verdict_of(a_run(generator=LAGGING))

    assert judgement.verdict is Verdict.PASSED
    assert "event loop lagged by 500 ms" in own_limits(PLAN, a_run(generator=LAGGING))[0]


@pytest.mark.parametrize(
    ("seconds_each", "bound"), [(0.1, "the bound is 10 ms"), (2.0, "the bound is 5% of the median response time, 1")]
)
def test_a_lag_is_told_with_the_bound_and_where_that_comes_from(seconds_each: float, bound: str) -> None:
    run = a_run(a_step(seconds_each=seconds_each), generator=LAGGING)

    assert bound in own_limits(PLAN, run)[0]


def test_no_sample_can_never_pass() -> None:
    judgement = verdict_of(a_run(a_step(accepted=0)))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "TooFewSamples")


def test_thresholds_without_a_sample_are_told_together() -> None:
    judgement = verdict_of(a_run(a_step(accepted=0)))

    sample_reasons = [reason for reason in judgement.reasons if "no sample" in reason]
    assert sample_reasons == [
        "no sample to judge error_rate < 1%, avg < 10s, p95 < 20s, p99 < 30s by; lengthen the load"
    ]


def test_a_step_without_an_upload_can_never_pass_although_no_threshold_asks_for_one() -> None:
    plan = a_plan(thresholds=[])

    judgement = judge(Facts(plan=plan, aggregate=a_run(a_step(accepted=0))))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "TooFewSamples")


@pytest.mark.parametrize("steps", [(), (a_step(finished_pods=0),)], ids=["not begun", "cut short"])
def test_a_step_that_was_not_finished_can_never_pass_although_nothing_tells_why(
    steps: tuple[StepAggregate, ...],
) -> None:
    judgement = judge(Facts(plan=a_plan(thresholds=[]), aggregate=Aggregate(steps=steps)))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "LoadUnfinished")


def test_a_breach_in_an_unfinished_step_counts_only_if_missing_data_cannot_undo_it() -> None:
    plan = a_plan(thresholds=["p95 < 5s", "max < 5s"])
    slow = a_step(seconds_each=6, finished_pods=0)

    judgement = judge(Facts(plan=plan, aggregate=a_run(slow)))

    assert judgement.reason == "ThresholdBreached"
    assert [text for text in judgement.reasons if "p95" in text] == []


def test_an_unfinished_step_with_a_reason_of_its_own_has_no_second_one() -> None:
    judgement = judge(Facts(plan=PLAN, aggregate=a_run(a_step(finished_pods=0)), gaps=(LOST,)))

    assert judgement.reasons == (LOST.message,)


def test_a_violation_on_record_fails_although_the_pod_that_saw_it_is_gone() -> None:
    violation = Gap(Reason.Violation, "answered 200 without a true load_test_mode")

    judgement = judge(Facts(plan=PLAN, aggregate=a_run(), gaps=(LOST,), recorded_failures=(violation,)))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "Violation")


def test_a_violation_that_is_known_in_full_is_told_once() -> None:
    violation = Gap(Reason.Violation, BROKEN_PROMISE.message)

    judgement = judge(Facts(plan=PLAN, aggregate=a_run(violations=(BROKEN_PROMISE,)), recorded_failures=(violation,)))

    assert len(judgement.reasons) == 1


def test_a_warning_never_changes_the_verdict() -> None:
    judgement = verdict_of(a_run(a_step(accepted=1_000, unknown=1, errors={ErrorKind.TIMEOUT: 1})))

    assert judgement.verdict is Verdict.PASSED
    assert judgement.health.evidence


def test_of_several_steps_the_worst_counts() -> None:
    plan = a_plan(scenario="all", thresholds=["avg < 10s"])
    steps = (a_step(), a_step(), a_step(seconds_each=25), a_step())

    judgement = judge(Facts(plan=plan, aggregate=a_run(*steps)))

    assert judgement.verdict is Verdict.FAILED
    assert [(result.step, result.passed) for result in judgement.thresholds] == [
        ("light", True),
        ("medium", True),
        ("heavy", False),
        ("stress", True),
    ]


def test_values_are_told_as_people_read_them() -> None:
    texts = [measured_text(result) for result in verdict_of(a_run(a_step(accepted=97, rejected=3))).thresholds]

    assert texts == ["3.00%", "1.000 s", "1.000 s", "1.000 s"]


def test_arrivals_that_are_late_with_users_free_are_noted() -> None:
    late = structs.replace(a_step(), lateness=sketch_of([30_000_000] * 100))

    assert verdict_of(a_run(late)).verdict is Verdict.PASSED
    assert "began 30 ms after they were due" in own_limits(PLAN, a_run(late))[0]


def test_a_want_of_sockets_puts_an_error_rate_in_doubt_and_is_no_sign_of_a_target_that_went_down() -> None:
    step = a_step(accepted=97, rejected=3, errors={ErrorKind.NO_SOCKET: 3})

    judgement = verdict_of(a_run(structs.replace(step, own=OwnTime(unsent=3))))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "ThresholdInDoubt")
    assert "the truth lies between 0.00% and 3.00%; use connections again" in judgement.reasons[0]
    assert judgement.health.level is HealthLevel.GOOD


def test_time_outs_that_our_own_stall_may_have_caused_put_an_error_rate_in_doubt() -> None:
    step = a_step(accepted=97, unknown=3, errors={ErrorKind.TIMEOUT: 3})

    judgement = verdict_of(a_run(structs.replace(step, own=OwnTime(timeouts=3))))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "ThresholdInDoubt")


def test_reaching_the_limit_of_users_is_no_doubt() -> None:
    step = structs.replace(a_step(), vu_limit_reached=50, lateness=sketch_of([1_000_000] * 100))

    assert verdict_of(a_run(step)).verdict is Verdict.PASSED


def a_records_run(uploads: int, load_seconds: float) -> Judgement:
    plan = a_plan(
        scenario="custom", load={"batchSize": 1_000, "records": 100_000}, thresholds=["requests_per_second > 4"]
    )
    step = structs.replace(a_step(accepted=uploads), load_seconds=load_seconds)
    return judge(Facts(plan=plan, aggregate=a_run(step)))


def test_the_rates_of_a_load_by_records_divide_by_the_time_that_it_took() -> None:
    judgement = a_records_run(100, 20.0)

    assert judgement.verdict is Verdict.PASSED
    assert judgement.thresholds[0].value == 5.0


def test_a_load_that_ended_before_its_last_record_is_inconclusive() -> None:
    judgement = a_records_run(99, 30.0)

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "RecordsNotSent")
    assert "99 of the 100 uploads that 100000 records take" in judgement.reasons[0]


def test_throttling_is_noted_with_the_limit_and_changes_what_is_advised() -> None:
    throttled_generator = GeneratorHealth(throttled_share=0.4, cpu_limit_cores=0.5)
    doubtful = with_own_time(a_step(seconds_each=25), seconds_each=16)

    judgement = verdict_of(a_run(doubtful, generator=throttled_generator))

    assert "; raise spec.pod.resources.limits.cpu" in judgement.reasons[0]
    assert (
        "throttled for 40% of the time by its CPU limit of 500m"
        in own_limits(PLAN, a_run(generator=throttled_generator))[0]
    )
    assert verdict_of(a_run(generator=throttled_generator)).verdict is Verdict.PASSED


def test_a_verification_that_a_cpu_limit_prevented_says_nothing_of_the_target() -> None:
    report = VerificationReport(level=ProofLevel.NONE, refusal=Refusal.THROTTLED, message="throttled")

    judgement = judge(Facts(plan=PLAN, aggregate=a_run(), refusal=report))

    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, "GeneratorThrottled")


def test_own_times_of_some_uploads_do_not_make_the_slowness_of_others_a_breach() -> None:
    # The target took 10 s for 4 of 100 uploads, and our own side held up 4 others as long.
    times = [10 * NANOSECONDS] * 8 + [NANOSECONDS // 10] * 92
    rest = [10 * NANOSECONDS] * 4 + [0] * 4 + [NANOSECONDS // 10] * 92
    own = OwnTime(
        response=sketch_of([0] * 96 + [10 * NANOSECONDS] * 4), response_without=sketch_of(rest), offered=1, planned=1
    )

    result = evaluate(parse_threshold("p95 < 2s"), structs.replace(a_step(), response=sketch_of(times), own=own), 60.0)

    assert result.value == 10.0
    assert result.is_in_doubt
    assert result.low == pytest.approx(0.1, rel=0.01)
