"""How each plateau of a climb fared, by the same thresholds and the same doubt as a whole run.

The operator and `loadgen run` judge a plateau as soon as its time is over, and all of them once more at the end of the
run. A plateau with uploads in flight is judged early only if it does not hold even with all of them accepted at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import Final, NamedTuple

from msgspec import structs

from loadtest_model.judgement.plateaus import Plateau
from loadtest_model.judgement.steadiness import growing_backlog, rising_times, uploads_per_independent_one
from loadtest_model.judgement.throughput import relative_deviation
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step
from loadtest_model.quantities import seconds_text
from loadtest_model.thresholds.bounds import ThresholdResult, evaluate_all, parse_threshold
from loadtest_model.thresholds.metrics import METRICS
from loadtest_model.values import NANOSECONDS


class PlateauState(StrEnum):
    """What a plateau came to. Only HELD says that the target carries its load.

    UNSTEADY is a plateau that held by what was measured, although its response times still rose, or although chance may
    explain that they were low enough.

    UNSETTLED is a plateau whose time is over while its uploads are not, and UNFINISHED one whose time is not over.
    """

    HELD = "Held"
    NOT_HELD = "NotHeld"
    IN_DOUBT = "InDoubt"
    TOO_FEW_SAMPLES = "TooFewSamples"
    UNSTEADY = "Unsteady"
    UNSETTLED = "Unsettled"
    UNFINISHED = "Unfinished"


@dataclass(frozen=True)
class JudgedPlateau:
    """A plateau with its thresholds. `deciding` are those that its state comes from, and `ends_climb` says that no
    higher load is tried after it. `unsteadiness` is a clause on why it is not known to hold, although it held, and
    `falls_behind` says that it comes from a target that did not keep its level.

    `uploads_per_second` and `records_per_second` are what the target confirmed within the plateau's own time, and
    `answers` counts these uploads.
    """

    level: float
    state: PlateauState
    thresholds: tuple[ThresholdResult, ...]
    deciding: tuple[ThresholdResult, ...]
    ends_climb: bool
    aggregate: StepAggregate
    answers: int
    uploads_per_second: float
    records_per_second: float
    unsteadiness: str = ""
    falls_behind: bool = False


_ENDS_CLIMB: Final = frozenset({PlateauState.NOT_HELD, PlateauState.IN_DOUBT})


def plateau_levels(step: Step) -> tuple[float, ...]:
    """The load of each plateau of a climb, in the unit that it climbs by."""
    if step.arrivals is not None:
        return tuple(rate.last_per_second for rate in step.arrivals.rates)
    return tuple(float(segment.last_users) for segment in step.segments)


def judged_plateaus(step: Step, aggregate: StepAggregate, pods: int) -> tuple[JudgedPlateau, ...]:
    """The plateaus of a climb that have begun, up to the first that ends it, or whose time is not over.

    A target that falls behind on two plateaus in a row is given no higher load.
    """
    plateaus: list[JudgedPlateau] = []
    begin_seconds = 0.0
    unit = "uploads/s due" if step.arrivals is not None else "virtual users"
    for level, segment, measured in zip(plateau_levels(step), step.segments, aggregate.plateaus, strict=False):
        place = _Place(len(plateaus), level, unit, begin_seconds, begin_seconds + segment.duration_seconds)
        plateau = _judged_plateau(step, place, measured, aggregate.seconds, pods)
        if plateau.falls_behind and plateaus and plateaus[-1].falls_behind:
            plateau = replace(plateau, ends_climb=True)
        plateaus.append(plateau)
        if plateaus[-1].ends_climb or plateaus[-1].state is PlateauState.UNFINISHED:
            break
        begin_seconds = place.end_seconds
    return tuple(plateaus)


class _Place(NamedTuple):
    """Where a plateau lies: its number, its load, and its time within the step."""

    number: int
    level: float
    unit: str
    begin_seconds: float
    end_seconds: float

    @property
    def length_seconds(self) -> float:
        return self.end_seconds - self.begin_seconds


def _judged_plateau(
    step: Step, place: _Place, measured: StepAggregate, seconds: Sequence[Second], pods: int
) -> JudgedPlateau:
    is_over = measured.load_seconds >= place.length_seconds - 1e-6
    is_settled = is_over and measured.finished_pods >= pods
    basis = measured if is_settled else _at_best(measured)
    judged_until = place.end_seconds if is_over else place.begin_seconds + measured.load_seconds
    window_begin = max(place.begin_seconds, step.warm_up_seconds)
    window = max(0.0, judged_until - window_begin)
    results = evaluate_all(step.thresholds, basis, window)
    lacking = [result for result in results if _has_few_samples(result, basis, window)]
    breaches = tuple(result for result in results if result.passed is False and result not in lacking)
    doubts = tuple(result for result in results if result.is_in_doubt and result not in lacking)
    state, deciding = PlateauState.HELD, results
    ends_climb = False
    trend = unsteadiness = ""
    if not is_over:
        state, deciding = PlateauState.UNFINISHED, ()
    elif breaches:
        state, deciding = PlateauState.NOT_HELD, breaches
    elif not is_settled:
        state, deciding = PlateauState.UNSETTLED, ()
    elif doubts:
        state, deciding = PlateauState.IN_DOUBT, doubts
    elif lacking or not results:
        state, deciding = PlateauState.TOO_FEW_SAMPLES, tuple(lacking)
        # The maximum stands in: if even that is within the bound, nothing speaks against a higher load.
        ends_climb = any(result.passed is not True and result.value is not None for result in lacking)
    else:
        span = Plateau(place.number, ceil(window_begin), int(place.end_seconds), place.level, place.unit)
        trend = _trend(step, span, measured, seconds)
        # In the closed model each upload waits for as many others as there are users, so the waits vary little.
        unsteadiness = trend or (_chance(span, results, measured, seconds) if step.arrivals is not None else "")
        state = PlateauState.UNSTEADY if unsteadiness else PlateauState.HELD
    uploads, records = _confirmed(seconds, measured, place)
    return JudgedPlateau(
        level=place.level,
        state=state,
        thresholds=results,
        deciding=deciding,
        ends_climb=ends_climb or state in _ENDS_CLIMB,
        aggregate=measured,
        answers=uploads,
        uploads_per_second=uploads / place.length_seconds,
        records_per_second=records / place.length_seconds,
        unsteadiness=unsteadiness,
        falls_behind=bool(trend),
    )


def _trend(step: Step, plateau: Plateau, measured: StepAggregate, seconds: Sequence[Second]) -> str:
    """That a target did not keep its level on a plateau, in a sentence; empty if it did.

    In the open model uploads pile up. In the closed model there are never more of them than virtual users.
    """
    if step.arrivals is not None:
        own_seconds = measured.own.response.max_seconds or 0.0
        return growing_backlog(plateau, seconds, measured.response.mean_seconds or 0.0, own_seconds)
    # Until all of its users wait in line, the times of a higher load rise. So its first third says nothing.
    settled = plateau._replace(first=plateau.first + (plateau.end - plateau.first) // 3)
    return rising_times(settled, seconds, relative_deviation(measured.response), measured.own.response)


def _chance(
    plateau: Plateau, results: Sequence[ThresholdResult], measured: StepAggregate, seconds: Sequence[Second]
) -> str:
    """Which threshold may have held on a plateau by chance, in a sentence; empty if none did."""
    per_one = uploads_per_independent_one(plateau, seconds, measured.response)
    for result in results:
        threshold = parse_threshold(result.expression)
        by_chance = METRICS[threshold.metric].seconds_by_chance
        seconds_by_chance = by_chance(measured, per_one) if by_chance is not None else None
        if seconds_by_chance is not None and not threshold.holds(seconds_by_chance):
            return (
                f"response times vary so much that {threshold.metric} may just as well be"
                f" {seconds_text(seconds_by_chance)}, against {result.expression}"
            )
    return ""


def _at_best(measured: StepAggregate) -> StepAggregate:
    """The plateau as it would be if all that is in flight were accepted at this instant: no better end is possible."""
    ages = measured.in_flight_ages_seconds
    younger = measured.in_flight - len(ages)
    at_once = sketch_of([0] * measured.in_flight)
    in_flight = sketch_of([int(age * NANOSECONDS) for age in ages] + [0] * younger)
    judged = measured.judged
    counts = structs.replace(
        judged,
        due=judged.due + measured.in_flight,
        sent=judged.sent + measured.in_flight,
        accepted=judged.accepted + measured.in_flight,
    )
    return structs.replace(
        measured,
        judged=counts,
        response=measured.response.merge(in_flight),
        service=measured.service.merge(at_once),
        own=structs.replace(
            measured.own,
            response_without=measured.own.response_without.merge(in_flight),
            service_without=measured.own.service_without.merge(at_once),
        ),
        in_flight_ages_seconds=(),
    )


def _has_few_samples(result: ThresholdResult, measured: StepAggregate, window: float) -> bool:
    """Whether a threshold was measured by fewer uploads than it takes to say that it holds, or that it is breached."""
    metric = METRICS[parse_threshold(result.expression).metric]
    return result.value is None or (
        metric.unit == "seconds" and metric.read(measured, window).samples < metric.fewest_samples
    )


def _confirmed(seconds: Sequence[Second], measured: StepAggregate, place: _Place) -> tuple[int, int]:
    """The uploads and records that were confirmed in the time of a plateau.

    If the seconds are not known, or the plateau has no whole ones, those are taken whose uploads were to begin on it.
    """
    inner = [second for second in seconds if place.begin_seconds <= second.second < place.end_seconds]
    has_whole_seconds = place.begin_seconds.is_integer() and place.end_seconds.is_integer()
    if not has_whole_seconds or len(inner) < place.length_seconds:
        return measured.judged.accepted, measured.judged.records_confirmed
    return sum(second.accepted for second in inner), sum(second.records_answered for second in inner)


def shown_plateau(plateaus: Sequence[JudgedPlateau]) -> JudgedPlateau | None:
    """The plateau whose thresholds speak for the climb: the highest that held, else what ended it, else the last."""
    held = next((plateau for plateau in reversed(plateaus) if plateau.state is PlateauState.HELD), None)
    if held is not None:
        return held
    candidates = [plateau for plateau in plateaus if plateau.state is not PlateauState.UNFINISHED] or list(plateaus)
    return candidates[-1] if candidates else None
