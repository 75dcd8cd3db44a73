"""What the readings of a read-back show."""

from random import Random

import pytest
from msgspec import structs

from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.proof import (
    PROVING_MOMENTS,
    ReadBackReport,
    ReadBackResult,
    Reading,
    ReadingMoment,
    read_back_conclusion,
)
from loadtest_model.measurement.snapshot import PodState, ProofLevel, Refusal, Snapshot, VerificationReport
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.protocol.last_word import LIMIT_BYTES, decode_last_word, encode_last_word

MOMENTS = PROVING_MOMENTS


def report_of_counts(*rows: int) -> ReadBackReport:
    """A count at each of the first moments."""
    readings = tuple(Reading(moment=moment, rows=count) for moment, count in zip(MOMENTS, rows, strict=False))
    return ReadBackReport(settle_seconds=5, readings=readings)


def report_of_look_ups(*readings: Reading) -> ReadBackReport:
    return ReadBackReport(settle_seconds=5, readings=readings)


def reading_without_rows(moment: ReadingMoment) -> Reading:
    return Reading(moment=moment, asked=0 if moment is ReadingMoment.BEFORE else 3)


def test_a_count_that_stays_the_same_to_the_end_shows_that_nothing_was_stored() -> None:
    conclusion = read_back_conclusion(report_of_counts(7, 7, 7, 7))

    assert conclusion.result is ReadBackResult.NOTHING_STORED
    assert conclusion.message == (
        "a read-back found no stored row: 7 rows before the first upload, 7 rows after the verification, 7 rows after"
        " the last answer, 7 rows 5 s later"
    )


@pytest.mark.parametrize(
    ("rows", "clause"),
    [
        ((7, 8), "rose by 1: 7 before the first upload, 8 after the verification"),
        ((7, 7, 1_007), "rose by 1,000: 7 after the verification, 1,007 after the last answer"),
        ((7, 7, 7, 57), "rose by 50: 7 after the last answer, 57 5 s later"),
        ((7, 3, 5, 5), "rose by 2: 3 after the verification, 5 after the last answer"),
    ],
)
def test_a_count_that_rises_is_taken_for_stored_rows(rows: tuple[int, ...], clause: str) -> None:
    conclusion = read_back_conclusion(report_of_counts(*rows))

    assert conclusion.result is ReadBackResult.STORED
    assert clause in conclusion.message
    assert "may be stored" in conclusion.message


def test_stored_rows_are_named_by_what_finds_all_rows_of_the_run() -> None:
    counted = structs.replace(report_of_counts(7, 1_013), id_column="sku_code", id_prefix="3R1ECCG795")
    looked_up = structs.replace(
        report_of_look_ups(Reading(moment=ReadingMoment.SETTLED, asked=3, found=("3R1ECCG79500VAA6M90Q",))),
        id_column="sku_code",
        id_prefix="3R1ECCG795",
    )

    clause = "remove them from the target: sku_code begins with 3R1ECCG795 in every row of this run"
    assert f"rows of this test may be stored; {clause}. Where others write" in read_back_conclusion(counted).message
    assert f"sku_code 3R1ECCG79500VAA6M90Q found 5 s later; {clause}" in read_back_conclusion(looked_up).message
    assert "begins with" not in read_back_conclusion(report_of_counts(7, 1_013)).message


def test_a_count_that_falls_shows_nothing() -> None:
    conclusion = read_back_conclusion(report_of_counts(7, 7, 6, 6))

    assert conclusion.result is ReadBackResult.UNSTEADY
    assert "fell from 7 after the verification to 6 after the last answer" in conclusion.message


@pytest.mark.parametrize("reading_count", range(len(MOMENTS)))
def test_a_read_back_without_one_of_its_readings_is_not_finished(reading_count: int) -> None:
    conclusion = read_back_conclusion(report_of_counts(*[7] * reading_count))

    assert conclusion.result is ReadBackResult.UNFINISHED
    assert "not yet read" in conclusion.message


def test_before_the_load_the_read_back_says_that_it_agrees_so_far_and_when_the_target_is_proven() -> None:
    conclusion = read_back_conclusion(report_of_counts(7, 7))

    assert conclusion.result is ReadBackResult.UNFINISHED
    assert conclusion.message == (
        "the read-back agrees so far: 7 rows before the first upload, 7 rows after the verification; the level Proven"
        " comes with the readings after the load, which are not yet read"
    )


def test_rows_that_were_never_found_show_that_nothing_was_stored() -> None:
    conclusion = read_back_conclusion(report_of_look_ups(*(reading_without_rows(moment) for moment in MOMENTS)))

    assert conclusion.result is ReadBackResult.NOTHING_STORED
    assert "the control found before the first upload, 0 of 3 rows looked up after the verification" in (
        conclusion.message
    )


def test_a_row_that_was_found_is_named() -> None:
    reading_with_rows = Reading(moment=ReadingMoment.SETTLED, asked=3, found=("C1", "C2"))

    conclusion = read_back_conclusion(
        report_of_look_ups(*(reading_without_rows(moment) for moment in MOMENTS[:3]), reading_with_rows)
    )

    assert conclusion.result is ReadBackResult.STORED
    assert "client_id C1, C2 found 5 s later; remove them" in conclusion.message


def test_rows_found_outweigh_a_reading_that_failed() -> None:
    failed_reading = Reading(moment=ReadingMoment.ENDED, problem="no answer")
    reading_with_rows = Reading(moment=ReadingMoment.SETTLED, asked=3, found=("C1",))

    assert read_back_conclusion(report_of_look_ups(failed_reading, reading_with_rows)).result is ReadBackResult.STORED


@pytest.mark.parametrize(
    ("control_failed", "result"), [(False, ReadBackResult.FAILED), (True, ReadBackResult.CONTROL_FAILED)]
)
def test_one_reading_that_failed_leaves_the_whole_read_back_without_a_proof(
    control_failed: bool, result: ReadBackResult
) -> None:
    failed_reading = Reading(moment=ReadingMoment.ENDED, problem="answered 500", control_failed=control_failed)
    other_readings = [reading_without_rows(moment) for moment in MOMENTS if moment is not ReadingMoment.ENDED]

    conclusion = read_back_conclusion(report_of_look_ups(*other_readings, failed_reading))

    assert conclusion.result is result
    assert conclusion.message == "the read-back after the last answer shows nothing: answered 500"


@pytest.mark.parametrize(
    ("level", "refusal", "report", "reached_level"),
    [
        (ProofLevel.ACKNOWLEDGED, None, None, ProofLevel.ACKNOWLEDGED),
        (ProofLevel.ACKNOWLEDGED, None, report_of_counts(7, 7, 7, 7), ProofLevel.PROVEN),
        (ProofLevel.ECHOED, None, report_of_counts(7, 7, 7), ProofLevel.ECHOED),
        (ProofLevel.ECHOED, None, report_of_counts(7, 7, 7, 6), ProofLevel.ECHOED),
        (ProofLevel.NONE, Refusal.STORED, report_of_counts(7, 7, 7, 7), ProofLevel.NONE),
        (ProofLevel.NONE, None, report_of_counts(7, 7, 7, 7), ProofLevel.NONE),
    ],
)
def test_proven_is_reached_only_by_a_finished_read_back_of_a_proven_target(
    level: ProofLevel, refusal: Refusal | None, report: ReadBackReport | None, reached_level: ProofLevel
) -> None:
    assert VerificationReport(level=level, refusal=refusal, read_back=report).reached_level is reached_level


def test_one_accepted_answer_without_its_nonce_takes_the_level_echoed_away() -> None:
    report = VerificationReport(level=ProofLevel.ECHOED)

    assert structs.replace(report, unechoed=1).reached_level is ProofLevel.ACKNOWLEDGED
    assert (
        structs.replace(report, unechoed=1, read_back=report_of_counts(7, 7, 7, 7)).reached_level is ProofLevel.PROVEN
    )


def test_a_look_up_that_had_no_row_to_look_for_shows_nothing() -> None:
    conclusion = read_back_conclusion(report_of_look_ups(*(Reading(moment=moment) for moment in MOMENTS)))

    assert conclusion.result is ReadBackResult.FAILED
    assert conclusion.message == "the read-back after the verification shows nothing: it had no row to look up"


def test_the_last_word_of_a_pod_carries_what_its_read_back_shows() -> None:
    client_ids = tuple(f"{number:020d}" for number in range(32))
    readings = (
        Reading(moment=ReadingMoment.BEFORE, problem="x" * 5_000),
        *(Reading(moment=moment, asked=32, found=client_ids) for moment in MOMENTS[1:]),
    )
    report = VerificationReport(
        level=ProofLevel.ECHOED,
        addresses=("10.0.0.5:8000",) * 500,
        unverified=("10.0.0.6:8000",) * 500,
        vanished=("10.0.0.7:8000",) * 500,
        read_back=report_of_look_ups(*readings),
    )
    snapshot = Snapshot(
        schema=1, pod_index=0, pod_uid="u", sequence=1, state=PodState.DONE, plan_hash="h", verification=report
    )

    word = encode_last_word(snapshot)
    decoded_snapshot = decode_last_word(word)

    assert len(word) < LIMIT_BYTES / 2
    assert decoded_snapshot is not None
    assert decoded_snapshot.verification is not None
    assert decoded_snapshot.verification.read_back is not None
    assert read_back_conclusion(decoded_snapshot.verification.read_back).result is ReadBackResult.STORED


def test_whatever_characters_a_target_answers_with_the_last_word_keeps_counts_and_that_a_reading_failed() -> None:
    draw = Random(1)

    def wide(length: int) -> str:
        return "".join(chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(length))

    failed_reading = report_of_look_ups(*(Reading(moment=moment, problem=wide(200)) for moment in MOMENTS))
    report = VerificationReport(level=ProofLevel.ECHOED, message=wide(200), hint=wide(200), read_back=failed_reading)
    snapshot = Snapshot(
        schema=1,
        pod_index=0,
        pod_uid="u",
        sequence=1,
        state=PodState.DONE,
        plan_hash="h",
        message=wide(200),
        verification=report,
        steps=(StepAggregate(step=0, total=Counts(due=9, sent=9, accepted=9)),),
    )

    decoded_snapshot = decode_last_word(encode_last_word(snapshot))
    shortest_snapshot = decode_last_word(encode_last_word(snapshot, 900))

    assert decoded_snapshot is not None
    assert shortest_snapshot is not None
    for word in (decoded_snapshot, shortest_snapshot):
        assert word.steps[0].total.accepted == 9
        assert word.verification is not None
        assert word.verification.read_back is not None
        assert read_back_conclusion(word.verification.read_back).result is ReadBackResult.FAILED
