"""From what the pods saw to what people should do."""

import pytest
from msgspec import structs

from loadtest_model.explanations import explanation_of
from loadtest_model.judgement.diagnoses import MOST_DIAGNOSES, Diagnosis, diagnose_run, diagnosis_text, main_diagnosis
from loadtest_model.measurement.aggregate import merge_snapshots
from loadtest_model.measurement.cause_counts import CauseCount, Example
from loadtest_model.measurement.causes import Cause, cause_of
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import (
    SNAPSHOT_SCHEMA,
    PodState,
    ProofLevel,
    Refusal,
    Snapshot,
    TargetMemory,
    VerificationReport,
)
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.measurement.step import StepAggregate
from support.builders import a_run, a_step


def a_cause_count(count: int = 1, shortest: float = 0.1, longest: float | None = None) -> CauseCount:
    longest = shortest if longest is None else longest
    return CauseCount(count=count, shortest_seconds=shortest, longest_seconds=longest)


def diagnoses_of(causes: dict[Cause, CauseCount], *, accepted: int = 1000) -> tuple[Diagnosis, ...]:
    failures = sum(cause_count.count for cause_count in causes.values())
    step = structs.replace(a_step(accepted=accepted, rejected=failures), causes=causes)
    return diagnose_run(a_run(step), None)


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_of_error_has_a_cause_but_what_we_cut_ourselves(kind: ErrorKind) -> None:
    assert (cause_of(kind) is None) == (kind is ErrorKind.CANCELLED)


def test_nothing_is_diagnosed_where_nothing_failed() -> None:
    assert diagnose_run(a_run(), VerificationReport(level=ProofLevel.ECHOED)) == ()


def test_causes_come_by_their_number_and_broken_promises_before_them() -> None:
    diagnoses = diagnoses_of(
        {
            Cause.THROTTLED: a_cause_count(2),
            Cause.SERVER_ERROR: a_cause_count(5),
            Cause.MARKER_MISSING: a_cause_count(1),
        }
    )

    assert [diagnosis.cause for diagnosis in diagnoses] == [Cause.MARKER_MISSING, Cause.SERVER_ERROR, Cause.THROTTLED]
    assert [diagnosis.count for diagnosis in diagnoses] == [1, 5, 2]


def test_the_evidence_tells_how_many_how_old_where_and_what_was_seen() -> None:
    example = Example(address="10.0.0.7:8000", status=504, text="answered 504: <html>")
    cause_count = CauseCount(count=3, shortest_seconds=60.01, longest_seconds=60.4, example=example)

    (diagnosis,) = diagnoses_of({Cause.PROXY_TIMEOUT: cause_count})

    assert (
        diagnosis.evidence
        == "3 of 1,003 uploads, 60.0 to 60.4 s after they were sent; 10.0.0.7:8000 answered 504: <html>"
    )
    assert diagnosis_text(diagnosis).startswith("The proxy's time-out. Raise the proxy's time-out")


def test_advice_on_uploads_that_all_fail_is_given_only_where_all_failed() -> None:
    causes = {Cause.SERVER_ERROR: a_cause_count(9)}

    (some_failed, _), (all_failed, _) = (diagnoses_of(causes, accepted=accepted) for accepted in (44, 0))

    assert "fails on every upload" in all_failed.next_step
    assert "fails on every upload" not in some_failed.next_step
    assert "fails on some uploads alone" in some_failed.next_step
    assert "fails on some uploads alone" not in all_failed.next_step


@pytest.mark.parametrize("cause", list(Cause))
def test_a_run_of_one_virtual_user_is_not_told_to_lower_their_number(cause: Cause) -> None:
    step = structs.replace(a_step(accepted=44, rejected=9), causes={cause: a_cause_count(9)})

    alone, together = (diagnose_run(a_run(step), None, has_several_users=several) for several in (False, True))

    assert all("virtualUsers" not in diagnosis.next_step for diagnosis in alone)
    assert any("virtualUsers" in diagnosis.next_step for diagnosis in together)


def test_the_evidence_of_a_single_upload_says_since_when_its_age_counts() -> None:
    (diagnosis,) = diagnoses_of({Cause.PROXY_TIMEOUT: CauseCount(count=1, shortest_seconds=0.6, longest_seconds=0.6)})

    assert diagnosis.evidence.endswith("uploads, 0.6 s after it was sent")


def test_evidence_is_cut_where_it_is_long() -> None:
    example = Example(address="10.0.0.7:8000", status=500, text="x" * 1000)
    cause_count = CauseCount(count=3, shortest_seconds=1, longest_seconds=1, example=example)

    assert len(diagnoses_of({Cause.SERVER_ERROR: cause_count})[0].evidence) == 480


def test_a_refused_verification_comes_first() -> None:
    report = VerificationReport(
        level=ProofLevel.NONE, refusal=Refusal.REJECTED, cause=Cause.HOST_NOT_ALLOWED, message="answered 400"
    )

    (diagnosis,) = diagnose_run(a_run(), report)

    assert (diagnosis.cause, diagnosis.evidence, diagnosis.count) == (Cause.HOST_NOT_ALLOWED, "answered 400", 1)


def test_a_high_error_rate_comes_last_with_its_share() -> None:
    diagnoses = diagnoses_of({Cause.SERVER_ERROR: a_cause_count(30)}, accepted=970)

    assert [diagnosis.cause for diagnosis in diagnoses] == [Cause.SERVER_ERROR, Cause.HIGH_ERROR_RATE]
    assert diagnoses[-1].evidence == "30 of 1,000 uploads due were not accepted: 3.0%"


def test_one_upload_in_a_hundred_is_no_high_error_rate() -> None:
    assert [diagnosis.cause for diagnosis in diagnoses_of({Cause.THROTTLED: a_cause_count(10)}, accepted=990)] == [
        Cause.THROTTLED
    ]


@pytest.mark.parametrize("cut", [Cause.CONNECTION_RESET, Cause.PROXY_BAD_GATEWAY])
@pytest.mark.parametrize(
    ("cause_count", "is_timeout"),
    [
        (a_cause_count(2, 2.0, 3.2), True),
        (a_cause_count(40, 90.2, 95.0), True),
        (a_cause_count(1, 30.4), True),
        (a_cause_count(5, 30.4, 61.0), True),
        (a_cause_count(1, 2.0), False),
        (a_cause_count(3, 2.0, 9.0), False),
        (a_cause_count(3, 0.2, 0.4), False),
    ],
)
def test_uploads_that_are_cut_at_one_age_tell_of_a_worker_time_out(
    cut: Cause, cause_count: CauseCount, is_timeout: bool
) -> None:
    diagnosis = diagnoses_of({cut: cause_count})[0]

    assert diagnosis.cause is (Cause.WORKER_TIMEOUT if is_timeout else cut)
    assert diagnosis.count == cause_count.count


def test_resets_and_refused_connections_after_acceptances_tell_of_a_crash() -> None:
    causes = {Cause.CONNECTION_RESET: a_cause_count(2, 0.3), Cause.CONNECTION_REFUSED: a_cause_count(5, 0.01)}

    (crash,) = diagnoses_of(causes)
    diagnoses_without_acceptances = diagnoses_of(causes, accepted=0)

    assert (crash.cause, crash.count) == (Cause.TARGET_CRASHED, 7)
    assert "OOMKilled" in crash.next_step
    assert [diagnosis.cause for diagnosis in diagnoses_without_acceptances][:2] == [
        Cause.CONNECTION_REFUSED,
        Cause.CONNECTION_RESET,
    ]


def test_memory_that_grows_after_the_warm_up_is_told_whether_or_not_an_upload_failed() -> None:
    growing = a_run(target_memory=TargetMemory(points=tuple((2.0 * n, 100_000_000 + 2_000_000 * n) for n in range(60))))
    warming = a_run(
        target_memory=TargetMemory(points=tuple((2.0 * n, 100_000_000 * (1 + min(n, 50))) for n in range(100)))
    )

    (diagnosis,) = diagnose_run(growing, None)

    assert (diagnosis.cause, diagnosis.count) == (Cause.MEMORY_GROWING, 0)
    assert "target memory grows" in diagnosis.evidence
    assert [diagnosis.cause for diagnosis in diagnose_run(warming, None)] == [Cause.MEMORY_GROWING]
    assert diagnose_run(warming, None, warm_up_seconds=100.0) == ()


def test_where_only_the_kinds_of_error_are_known_they_tell() -> None:
    step = a_step(accepted=1000, errors={ErrorKind.TIMEOUT: 3, ErrorKind.CANCELLED: 2}, unknown=5)

    (diagnosis,) = diagnose_run(a_run(step), None)

    assert (diagnosis.cause, diagnosis.count, diagnosis.evidence) == (Cause.TIMED_OUT, 3, "3 of 1,005 uploads")


def test_what_explains_a_failed_run_is_said_first_and_a_few_failures_explain_nothing() -> None:
    many = diagnoses_of({Cause.SERVER_ERROR: a_cause_count(30)}, accepted=970)
    few = diagnoses_of({Cause.SERVER_ERROR: a_cause_count(3)}, accepted=970)
    broken = diagnoses_of({Cause.MARKER_MISSING: a_cause_count(1), Cause.SERVER_ERROR: a_cause_count(3)}, accepted=970)

    assert main_diagnosis(many) == many[0]
    assert main_diagnosis(broken) == broken[0]
    assert main_diagnosis(few) is main_diagnosis(()) is None


def test_a_run_has_no_more_diagnoses_than_people_read() -> None:
    assert len(diagnoses_of({cause: a_cause_count(1, 0.1) for cause in Cause})) == MOST_DIAGNOSES


def diagnoses_of_fleet(causes: dict[Cause, CauseCount], *throttled_shares: float | None) -> tuple[Diagnosis, ...]:
    """What is diagnosed of a fleet of which each pod saw these causes, and was throttled for so much of the time."""
    snapshots = [
        Snapshot(
            schema=SNAPSHOT_SCHEMA,
            pod_index=index,
            pod_uid=f"uid-{index}",
            sequence=1,
            state=PodState.DONE,
            plan_hash="",
            steps=(StepAggregate(step=0, causes=causes),),
            generator=GeneratorHealth(throttled_share=share),
        )
        for index, share in enumerate(throttled_shares)
    ]
    return diagnose_run(merge_snapshots(snapshots), None)


@pytest.mark.parametrize("other", [0.0, 0.4, None])
def test_one_throttled_pod_excuses_no_time_out_of_the_others(other: float | None) -> None:
    diagnoses = diagnoses_of_fleet({Cause.TIMED_OUT: a_cause_count(4)}, 0.9, other)

    assert [(diagnosis.cause, diagnosis.count) for diagnosis in diagnoses] == [(Cause.TIMED_OUT, 8)]


def test_what_a_throttled_generator_missed_is_its_limits_doing() -> None:
    causes = {
        Cause.TIMED_OUT: a_cause_count(4),
        Cause.CONNECT_TIMEOUT: a_cause_count(2),
        Cause.SERVER_ERROR: a_cause_count(1),
    }

    diagnoses_with_limit = diagnoses_of_fleet(causes, 0.9, 0.6)
    diagnoses_without_limit = diagnoses_of_fleet(causes, 0.2, 0.0)

    assert [(diagnosis.cause, diagnosis.count) for diagnosis in diagnoses_with_limit[:2]] == [
        (Cause.GENERATOR_THROTTLED, 12),
        (Cause.SERVER_ERROR, 2),
    ]
    assert diagnoses_without_limit[0].cause is Cause.TIMED_OUT


def diagnoses_with_departures(
    causes: dict[Cause, CauseCount], departed_counts: AddressCounts
) -> list[tuple[Cause, int]]:
    """The diagnoses of failures, some of which were at addresses that left."""
    failures = sum(cause_count.count for cause_count in causes.values())
    step = structs.replace(a_step(accepted=1000, rejected=failures), causes=causes, gone=departed_counts)
    return [(diagnosis.cause, diagnosis.count) for diagnosis in diagnose_run(a_run(step), None)]


def test_what_failed_at_addresses_that_left_is_no_crash() -> None:
    causes = {
        Cause.CONNECTION_RESET: a_cause_count(2),
        Cause.CONNECTION_REFUSED: a_cause_count(3),
        Cause.CONNECT_TIMEOUT: a_cause_count(1),
        Cause.SERVER_ERROR: a_cause_count(1),
    }

    diagnoses = diagnoses_with_departures(causes, AddressCounts(failed=6, refused=3, cut=2, unanswered=1))

    assert diagnoses == [(Cause.PODS_LEFT, 6), (Cause.SERVER_ERROR, 1)]
    assert "preStop" in explanation_of(Cause.PODS_LEFT).next_step


def test_an_upload_that_was_cut_with_its_pod_is_no_worker_out_of_memory() -> None:
    causes = {Cause.CONNECTION_RESET: a_cause_count(1), Cause.WORKER_KILLED: a_cause_count(2)}

    assert diagnoses_with_departures(causes, AddressCounts(failed=3, cut=3)) == [(Cause.PODS_LEFT, 3)]
    assert diagnoses_with_departures(causes, AddressCounts(failed=2, cut=2)) == [
        (Cause.PODS_LEFT, 2),
        (Cause.WORKER_KILLED, 1),
    ]


def test_kept_connections_that_were_lost_at_addresses_that_left_take_nothing_from_the_resets() -> None:
    causes = {Cause.CONNECTION_RESET: a_cause_count(2), Cause.STALE_CONNECTION: a_cause_count(3)}

    assert diagnoses_with_departures(causes, AddressCounts(stale=3)) == [
        (Cause.PODS_LEFT, 3),
        (Cause.CONNECTION_RESET, 2),
    ]
    assert diagnoses_with_departures(causes, AddressCounts(stale=1, cut=1)) == [
        (Cause.PODS_LEFT, 2),
        (Cause.STALE_CONNECTION, 2),
        (Cause.CONNECTION_RESET, 1),
    ]


def test_what_failed_at_addresses_that_stayed_is_what_it_was() -> None:
    causes = {Cause.CONNECTION_RESET: a_cause_count(2), Cause.CONNECTION_REFUSED: a_cause_count(5)}

    assert diagnoses_with_departures(causes, AddressCounts(refused=1)) == [
        (Cause.TARGET_CRASHED, 6),
        (Cause.PODS_LEFT, 1),
    ]
    assert diagnoses_with_departures(causes, AddressCounts(refused=5)) == [
        (Cause.PODS_LEFT, 5),
        (Cause.CONNECTION_RESET, 2),
    ]
