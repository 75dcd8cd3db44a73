"""What reading back shows of the target's storage, and whether that proves that nothing was stored."""

from enum import StrEnum
from itertools import pairwise
from typing import Final

from loadtest_model.measurement.run_rows import run_rows_text
from loadtest_model.reasons import Reason
from loadtest_model.values import WireValue


class ReadingMoment(StrEnum):
    """When a reading was made, in this order.

    FIRST_ROWS is after each address's canary and before the whole batch. REFUSED and HALTED are in place of the later
    moments: the target was refused, or the load was halted.
    """

    BEFORE = "before"
    FIRST_ROWS = "first-rows"
    VERIFIED = "verified"
    REFUSED = "refused"
    HALTED = "halted"
    ENDED = "ended"
    SETTLED = "settled"


PROVING_MOMENTS: Final = (
    ReadingMoment.BEFORE,
    ReadingMoment.VERIFIED,
    ReadingMoment.ENDED,
    ReadingMoment.SETTLED,
)
"""The readings that the level Proven rests on, in their order."""


class Reading(WireValue, frozen=True, kw_only=True):
    """One look at what the target has stored.

    `rows` is the target's own count of all its rows; None in a look-up, where `asked` is the number of this run's rows
    that were looked for and `found` names those that exist. `problem` says why the look shows nothing, and
    `control_failed` that it is because what is known to exist was not found.
    """

    moment: ReadingMoment
    rows: int | None = None
    asked: int = 0
    found: tuple[str, ...] = ()
    problem: str = ""
    control_failed: bool = False


class ReadBackReport(WireValue, frozen=True, kw_only=True):
    """All readings of a run so far, in their order.

    `id_column` is the file's column with the ids that a look-up looks for. `id_prefix` is what all of them begin with;
    it is empty if the files have no such column.
    """

    settle_seconds: float
    readings: tuple[Reading, ...] = ()
    id_column: str = "client_id"
    id_prefix: str = ""


class ReadBackResult(StrEnum):
    """What a read-back shows; all but the first two and UNFINISHED are reasons why they show nothing."""

    NOTHING_STORED = "NothingStored"
    STORED = Reason.RecordsStored
    FAILED = Reason.ReadBackFailed
    CONTROL_FAILED = Reason.ReadBackControlFailed
    UNSTEADY = Reason.ReadBackUnsteady
    UNFINISHED = Reason.ReadBackUnfinished


class ReadBackConclusion(WireValue, frozen=True, kw_only=True):
    """The result of a read-back, and a sentence with its evidence."""

    result: ReadBackResult
    message: str


_MOMENT_TEXTS: Final = {
    ReadingMoment.BEFORE: "before the first upload",
    ReadingMoment.FIRST_ROWS: "before the whole batch",
    ReadingMoment.VERIFIED: "after the verification",
    ReadingMoment.REFUSED: "after the refusal",
    ReadingMoment.HALTED: "after the halt",
    ReadingMoment.ENDED: "after the last answer",
}
_CUT_SHORT: Final = frozenset({ReadingMoment.REFUSED, ReadingMoment.HALTED})
_MOST_IDS_SHOWN: Final = 5


def read_back_conclusion(report: ReadBackReport) -> ReadBackConclusion:
    """What a read-back shows. Rows that were found outweigh a reading that failed, and one that failed all else.

    A count that rises may do so by others' writes; since that cannot be told apart, it is taken for rows stored.
    """
    for conclude in (_stored_rows, _rising_count, _failed_reading, _empty_look_up, _falling_count, _missing_reading):
        conclusion = conclude(report)
        if conclusion is not None:
            return conclusion
    return ReadBackConclusion(
        result=ReadBackResult.NOTHING_STORED, message=f"a read-back found no stored row: {evidence(report)}"
    )


def evidence(report: ReadBackReport) -> str:
    """The readings as a list in one line."""
    return ", ".join(f"{_reading_text(reading)} {_moment_text(reading.moment, report)}" for reading in report.readings)


def _reading_text(reading: Reading) -> str:
    if reading.problem:
        return "nothing to go by"
    if reading.rows is not None:
        return f"{reading.rows:,} row{'' if reading.rows == 1 else 's'}"
    return f"{len(reading.found)} of {reading.asked} rows looked up" if reading.asked else "the control found"


def _stored_rows(report: ReadBackReport) -> ReadBackConclusion | None:
    for reading in report.readings:
        if reading.found:
            moment_text = _moment_text(reading.moment, report)
            client_ids = ", ".join(reading.found[:_MOST_IDS_SHOWN])
            return ReadBackConclusion(
                result=ReadBackResult.STORED,
                message=f"rows of this test are stored: {report.id_column} {client_ids} found {moment_text};"
                f" remove them from the target{_run_rows(report)}",
            )
    return None


def _rising_count(report: ReadBackReport) -> ReadBackConclusion | None:
    row_counts = _row_counts(report)
    for earlier, later in pairwise(row_counts):
        increase = later[1] - earlier[1]
        if increase > 0:
            removal = f"; remove them from the target{_run_rows(report)}" if report.id_prefix else ""
            counts_text = (
                f"{earlier[1]:,} {_moment_text(earlier[0], report)}, {later[1]:,} {_moment_text(later[0], report)}"
            )
            return ReadBackConclusion(
                result=ReadBackResult.STORED,
                message=f"the target's count of rows rose by {increase:,}: {counts_text}; rows of this test may be"
                f" stored{removal}. Where others write at the same time, let spec.verification.readBack count this"
                " test's rows only, or look them up",
            )
    return None


def _failed_reading(report: ReadBackReport) -> ReadBackConclusion | None:
    for reading in report.readings:
        if reading.problem:
            result = ReadBackResult.CONTROL_FAILED if reading.control_failed else ReadBackResult.FAILED
            moment_text = _moment_text(reading.moment, report)
            return ReadBackConclusion(
                result=result, message=f"the read-back {moment_text} shows nothing: {reading.problem}"
            )
    return None


def _empty_look_up(report: ReadBackReport) -> ReadBackConclusion | None:
    """A look-up after the verification that had no row to look for."""
    for reading in report.readings:
        if reading.rows is None and not reading.asked and reading.moment is not ReadingMoment.BEFORE:
            return ReadBackConclusion(
                result=ReadBackResult.FAILED,
                message=f"the read-back {_moment_text(reading.moment, report)} shows nothing: it had no row to look up",
            )
    return None


def _falling_count(report: ReadBackReport) -> ReadBackConclusion | None:
    row_counts = _row_counts(report)
    for earlier, later in pairwise(row_counts):
        if later[1] < earlier[1]:
            return ReadBackConclusion(
                result=ReadBackResult.UNSTEADY,
                message=f"the target's count of rows fell from {earlier[1]:,} {_moment_text(earlier[0], report)} to"
                f" {later[1]:,} {_moment_text(later[0], report)}: while rows are removed, a count shows nothing",
            )
    return None


def _missing_reading(report: ReadBackReport) -> ReadBackConclusion | None:
    known_moments = {reading.moment for reading in report.readings}
    missing_moments = [moment for moment in PROVING_MOMENTS if moment not in known_moments]
    if not missing_moments:
        return None
    if known_moments & _CUT_SHORT:
        return ReadBackConclusion(
            result=ReadBackResult.UNFINISHED,
            message=f"the read-back was cut short, and found no stored row: {evidence(report)}",
        )
    if missing_moments == [ReadingMoment.ENDED, ReadingMoment.SETTLED]:
        return ReadBackConclusion(
            result=ReadBackResult.UNFINISHED,
            message=f"the read-back agrees so far: {evidence(report)}; the level Proven comes with the readings after"
            " the load, which are not yet read",
        )
    progress_text = f"is not finished: {evidence(report)}" if report.readings else "has not begun"
    return ReadBackConclusion(
        result=ReadBackResult.UNFINISHED,
        message=f"the read-back {progress_text}; not yet read {_moment_text(missing_moments[0], report)}",
    )


def _run_rows(report: ReadBackReport) -> str:
    return f": {run_rows_text(report.id_column, report.id_prefix)}" if report.id_prefix else ""


def _row_counts(report: ReadBackReport) -> list[tuple[ReadingMoment, int]]:
    return [(reading.moment, reading.rows) for reading in report.readings if reading.rows is not None]


def _moment_text(moment: ReadingMoment, report: ReadBackReport) -> str:
    return _MOMENT_TEXTS.get(moment, f"{report.settle_seconds:g} s later")
