"""What reading back shows of the target's storage, and whether that proves that nothing was stored."""

from enum import StrEnum
from itertools import pairwise
from typing import Final

from loadtest_model.reasons import Reason
from loadtest_model.values import WireValue


class ReadingMoment(StrEnum):
    """When a reading was made, in this order."""

    BEFORE = "before"
    VERIFIED = "verified"
    ENDED = "ended"
    SETTLED = "settled"


class Reading(WireValue, frozen=True, kw_only=True):
    """One look at what the target holds.

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
    """All readings of a run so far, in their order."""

    settle_seconds: float
    readings: tuple[Reading, ...] = ()


class ReadBackResult(StrEnum):
    """What the readings come to; all but the first two and UNFINISHED are reasons why they show nothing."""

    NOTHING_STORED = "NothingStored"
    STORED = Reason.RecordsStored
    FAILED = Reason.ReadBackFailed
    CONTROL_FAILED = Reason.ReadBackControlFailed
    UNSTEADY = Reason.ReadBackUnsteady
    UNFINISHED = Reason.ReadBackUnfinished


class ReadBackConclusion(WireValue, frozen=True, kw_only=True):
    """What was shown, and a sentence with what it was concluded from."""

    shown: ReadBackResult
    message: str


_WHEN: Final = {
    ReadingMoment.BEFORE: "before the first upload",
    ReadingMoment.VERIFIED: "after the verification",
    ReadingMoment.ENDED: "after the last answer",
}
_FOUND_NAMED: Final = 5


def read_back_conclusion(report: ReadBackReport) -> ReadBackConclusion:
    """What a read-back shows. Rows that were found outweigh a reading that failed, and one that failed all else.

    A count that rises may do so by others' writes; since that cannot be told apart, it is taken for rows stored.
    """
    for found in (_looked_up, _risen, _problem, _nothing_asked, _fallen, _missing):
        conclusion = found(report)
        if conclusion is not None:
            return conclusion
    return ReadBackConclusion(
        shown=ReadBackResult.NOTHING_STORED, message=f"a read-back found no stored row: {evidence(report)}"
    )


def evidence(report: ReadBackReport) -> str:
    """What the readings saw, as a list in one line."""
    return ", ".join(f"{_seen(reading)} {_when(reading.moment, report)}" for reading in report.readings)


def _seen(reading: Reading) -> str:
    if reading.problem:
        return "nothing to go by"
    if reading.rows is not None:
        return f"{reading.rows:,} row{'' if reading.rows == 1 else 's'}"
    return f"{len(reading.found)} of {reading.asked} rows looked up" if reading.asked else "the control found"


def _looked_up(report: ReadBackReport) -> ReadBackConclusion | None:
    for reading in report.readings:
        if reading.found:
            named = ", ".join(reading.found[:_FOUND_NAMED])
            return ReadBackConclusion(
                shown=ReadBackResult.STORED,
                message=f"rows of this test are stored: client_id {named} found {_when(reading.moment, report)};"
                " remove them from the target",
            )
    return None


def _risen(report: ReadBackReport) -> ReadBackConclusion | None:
    counted = _counted(report)
    for earlier, later in pairwise(counted):
        risen = later[1] - earlier[1]
        if risen > 0:
            return ReadBackConclusion(
                shown=ReadBackResult.STORED,
                message=f"the target's count of rows rose by {risen:,}: {earlier[1]:,} {_when(earlier[0], report)},"
                f" {later[1]:,} {_when(later[0], report)}; rows of this test may be stored. Where others write at the"
                " same time, let spec.verification.readBack count this test's rows only, or look them up",
            )
    return None


def _problem(report: ReadBackReport) -> ReadBackConclusion | None:
    for reading in report.readings:
        if reading.problem:
            shown = ReadBackResult.CONTROL_FAILED if reading.control_failed else ReadBackResult.FAILED
            when = _when(reading.moment, report)
            return ReadBackConclusion(shown=shown, message=f"the read-back {when} shows nothing: {reading.problem}")
    return None


def _nothing_asked(report: ReadBackReport) -> ReadBackConclusion | None:
    """A look-up after the verification that had no row to look for."""
    for reading in report.readings:
        if reading.rows is None and not reading.asked and reading.moment is not ReadingMoment.BEFORE:
            return ReadBackConclusion(
                shown=ReadBackResult.FAILED,
                message=f"the read-back {_when(reading.moment, report)} shows nothing: it had no row to look up",
            )
    return None


def _fallen(report: ReadBackReport) -> ReadBackConclusion | None:
    counted = _counted(report)
    for earlier, later in pairwise(counted):
        if later[1] < earlier[1]:
            return ReadBackConclusion(
                shown=ReadBackResult.UNSTEADY,
                message=f"the target's count of rows fell from {earlier[1]:,} {_when(earlier[0], report)} to"
                f" {later[1]:,} {_when(later[0], report)}: while rows are removed, a count shows nothing",
            )
    return None


def _missing(report: ReadBackReport) -> ReadBackConclusion | None:
    made = {reading.moment for reading in report.readings}
    left = [moment for moment in ReadingMoment if moment not in made]
    if not left:
        return None
    so_far = f"is not finished: {evidence(report)}" if report.readings else "has not begun"
    return ReadBackConclusion(
        shown=ReadBackResult.UNFINISHED, message=f"the read-back {so_far}; not yet read {_when(left[0], report)}"
    )


def _counted(report: ReadBackReport) -> list[tuple[ReadingMoment, int]]:
    return [(reading.moment, reading.rows) for reading in report.readings if reading.rows is not None]


def _when(moment: ReadingMoment, report: ReadBackReport) -> str:
    return _WHEN.get(moment, f"{report.settle_seconds:g} s later")
