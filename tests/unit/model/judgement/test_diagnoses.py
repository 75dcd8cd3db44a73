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


def seen(count: int = 1, shortest: float = 0.1, longest: float | None = None) -> CauseCount:
    longest = shortest if longest is None else longest
    return CauseCount(count=count, shortest_seconds=shortest, longest_seconds=longest)


def diagnosed(causes: dict[Cause, CauseCount], *, accepted: int = 1000) -> tuple[Diagnosis, ...]:
    failed = sum(each.count for each in causes.values())
    step = structs.replace(a_step(accepted=accepted, rejected=failed), causes=causes)
    return diagnose_run(a_run(step), None)


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_of_error_has_a_cause_but_what_we_cut_ourselves(kind: ErrorKind) -> None:
    assert (cause_of(kind) is None) == (kind is ErrorKind.CANCELLED)


def test_nothing_is_diagnosed_where_nothing_failed() -> None:
    assert diagnose_run(a_run(), VerificationReport(level=ProofLevel.ECHOED)) == ()


def test_causes_come_by_their_number_and_broken_promises_before_them() -> None:
    found = diagnosed({Cause.THROTTLED: seen(2), Cause.SERVER_ERROR: seen(5), Cause.MARKER_MISSING: seen(1)})

    assert [each.cause for each in found] == [Cause.MARKER_MISSING, Cause.SERVER_ERROR, Cause.THROTTLED]
    assert [each.count for each in found] == [1, 5, 2]


def test_the_evidence_tells_how_many_how_old_where_and_what_was_seen() -> None:
    example = Example(address="10.0.0.7:8000", status=504, text="answered 504: <html>")
    held = CauseCount(count=3, shortest_seconds=60.01, longest_seconds=60.4, example=example)

    (found,) = diagnosed({Cause.PROXY_TIMEOUT: held})

    assert found.evidence == "3 of 1,003 uploads, after 60.0 to 60.4 s; 10.0.0.7:8000 answered 504: <html>"
    assert diagnosis_text(found).startswith("The proxy's time-out. Raise the proxy's time-out")


def test_evidence_is_cut_where_it_is_long() -> None:
    example = Example(address="10.0.0.7:8000", status=500, text="x" * 1000)
    held = CauseCount(count=3, shortest_seconds=1, longest_seconds=1, example=example)

    assert len(diagnosed({Cause.SERVER_ERROR: held})[0].evidence) == 480


def test_a_refused_verification_comes_first() -> None:
    report = VerificationReport(
        level=ProofLevel.NONE, refusal=Refusal.REJECTED, cause=Cause.HOST_NOT_ALLOWED, message="answered 400"
    )

    (found,) = diagnose_run(a_run(), report)

    assert (found.cause, found.evidence, found.count) == (Cause.HOST_NOT_ALLOWED, "answered 400", 1)


def test_a_high_error_rate_comes_last_with_its_share() -> None:
    found = diagnosed({Cause.SERVER_ERROR: seen(30)}, accepted=970)

    assert [each.cause for each in found] == [Cause.SERVER_ERROR, Cause.HIGH_ERROR_RATE]
    assert found[-1].evidence == "30 of 1,000 uploads due were not accepted: 3.0%"


def test_one_upload_in_a_hundred_is_no_high_error_rate() -> None:
    assert [each.cause for each in diagnosed({Cause.THROTTLED: seen(10)}, accepted=990)] == [Cause.THROTTLED]


@pytest.mark.parametrize("cut", [Cause.CONNECTION_RESET, Cause.PROXY_BAD_GATEWAY])
@pytest.mark.parametrize(
    ("held", "is_timeout"),
    [
        (seen(2, 2.0, 3.2), True),
        (seen(40, 90.2, 95.0), True),
        (seen(1, 30.4), True),
        (seen(5, 30.4, 61.0), True),
        (seen(1, 2.0), False),
        (seen(3, 2.0, 9.0), False),
        (seen(3, 0.2, 0.4), False),
    ],
)
def test_uploads_that_are_cut_at_one_age_tell_of_a_worker_time_out(
    cut: Cause, held: CauseCount, is_timeout: bool
) -> None:
    found = diagnosed({cut: held})[0]

    assert found.cause is (Cause.WORKER_TIMEOUT if is_timeout else cut)
    assert found.count == held.count


def test_resets_and_refused_connections_after_acceptances_tell_of_a_crash() -> None:
    causes = {Cause.CONNECTION_RESET: seen(2, 0.3), Cause.CONNECTION_REFUSED: seen(5, 0.01)}

    (crash,) = diagnosed(causes)
    apart = diagnosed(causes, accepted=0)

    assert (crash.cause, crash.count) == (Cause.TARGET_CRASHED, 7)
    assert "OOMKilled" in crash.next_step
    assert [each.cause for each in apart][:2] == [Cause.CONNECTION_REFUSED, Cause.CONNECTION_RESET]


def test_memory_that_grows_after_the_warm_up_is_told_whether_or_not_an_upload_failed() -> None:
    growing = a_run(target_memory=TargetMemory(points=tuple((2.0 * n, 100_000_000 + 2_000_000 * n) for n in range(60))))
    warming = a_run(
        target_memory=TargetMemory(points=tuple((2.0 * n, 100_000_000 * (1 + min(n, 50))) for n in range(100)))
    )

    (found,) = diagnose_run(growing, None)

    assert (found.cause, found.count) == (Cause.MEMORY_GROWING, 0)
    assert "target memory grows" in found.evidence
    assert [each.cause for each in diagnose_run(warming, None)] == [Cause.MEMORY_GROWING]
    assert diagnose_run(warming, None, warm_up_seconds=100.0) == ()


def test_where_only_the_kinds_of_error_are_known_they_tell() -> None:
    step = a_step(accepted=1000, errors={ErrorKind.TIMEOUT: 3, ErrorKind.CANCELLED: 2}, unknown=5)

    (found,) = diagnose_run(a_run(step), None)

    assert (found.cause, found.count, found.evidence) == (Cause.TIMED_OUT, 3, "3 of 1,005 uploads")


def test_what_explains_a_failed_run_is_said_first_and_a_few_failures_explain_nothing() -> None:
    many = diagnosed({Cause.SERVER_ERROR: seen(30)}, accepted=970)
    few = diagnosed({Cause.SERVER_ERROR: seen(3)}, accepted=970)
    broken = diagnosed({Cause.MARKER_MISSING: seen(1), Cause.SERVER_ERROR: seen(3)}, accepted=970)

    assert main_diagnosis(many) == many[0]
    assert main_diagnosis(broken) == broken[0]
    assert main_diagnosis(few) is main_diagnosis(()) is None


def test_a_run_has_no_more_diagnoses_than_people_read() -> None:
    assert len(diagnosed({cause: seen(1, 0.1) for cause in Cause})) == MOST_DIAGNOSES


def fleet_diagnosed(causes: dict[Cause, CauseCount], *throttled_shares: float | None) -> tuple[Diagnosis, ...]:
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
    found = fleet_diagnosed({Cause.TIMED_OUT: seen(4)}, 0.9, other)

    assert [(each.cause, each.count) for each in found] == [(Cause.TIMED_OUT, 8)]


def test_what_a_throttled_generator_missed_is_its_limits_doing() -> None:
    causes = {Cause.TIMED_OUT: seen(4), Cause.CONNECT_TIMEOUT: seen(2), Cause.SERVER_ERROR: seen(1)}

    limited = fleet_diagnosed(causes, 0.9, 0.6)
    unlimited = fleet_diagnosed(causes, 0.2, 0.0)

    assert [(each.cause, each.count) for each in limited[:2]] == [
        (Cause.GENERATOR_THROTTLED, 12),
        (Cause.SERVER_ERROR, 2),
    ]
    assert unlimited[0].cause is Cause.TIMED_OUT


def departed(causes: dict[Cause, CauseCount], gone: AddressCounts) -> list[tuple[Cause, int]]:
    """What is diagnosed of failures of which some were at addresses that left."""
    failed = sum(each.count for each in causes.values())
    step = structs.replace(a_step(accepted=1000, rejected=failed), causes=causes, gone=gone)
    return [(each.cause, each.count) for each in diagnose_run(a_run(step), None)]


def test_what_failed_at_addresses_that_left_is_no_crash() -> None:
    causes = {
        Cause.CONNECTION_RESET: seen(2),
        Cause.CONNECTION_REFUSED: seen(3),
        Cause.CONNECT_TIMEOUT: seen(1),
        Cause.SERVER_ERROR: seen(1),
    }

    found = departed(causes, AddressCounts(failed=6, refused=3, cut=2, unanswered=1))

    assert found == [(Cause.PODS_LEFT, 6), (Cause.SERVER_ERROR, 1)]
    assert "preStop" in explanation_of(Cause.PODS_LEFT).next_step


def test_kept_connections_that_were_lost_at_addresses_that_left_take_nothing_from_the_resets() -> None:
    causes = {Cause.CONNECTION_RESET: seen(2), Cause.STALE_CONNECTION: seen(3)}

    assert departed(causes, AddressCounts(stale=3)) == [(Cause.PODS_LEFT, 3), (Cause.CONNECTION_RESET, 2)]
    assert departed(causes, AddressCounts(stale=1, cut=1)) == [
        (Cause.PODS_LEFT, 2),
        (Cause.STALE_CONNECTION, 2),
        (Cause.CONNECTION_RESET, 1),
    ]


def test_what_failed_at_addresses_that_stayed_is_what_it_was() -> None:
    causes = {Cause.CONNECTION_RESET: seen(2), Cause.CONNECTION_REFUSED: seen(5)}

    assert departed(causes, AddressCounts(refused=1)) == [(Cause.TARGET_CRASHED, 6), (Cause.PODS_LEFT, 1)]
    assert departed(causes, AddressCounts(refused=5)) == [(Cause.PODS_LEFT, 5), (Cause.CONNECTION_RESET, 2)]
