"""How response times are distributed: over the quantiles of all uploads, and over the plateaus of a step."""

from typing import Final

from loadtest_model.judgement.plateaus import Plateau, plateaus_of
from loadtest_model.measurement.counts import Counts, Second
from loadtest_model.measurement.sketch import Sketch, nearest_rank
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step
from loadtest_model.report.details import DistributionPoint, PlateauSummary
from loadtest_model.report.figures import requests_of, times_of
from loadtest_model.values import NANOSECONDS

QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99999, 0.999999)


def distribution_of(sketch: Sketch) -> tuple[DistributionPoint, ...]:
    """The least, the quantiles that there are samples enough for, and the greatest; nothing of an empty sketch."""
    if sketch.min_nanoseconds is None or sketch.max_nanoseconds is None:
        return ()
    points = [(0.0, sketch.min_nanoseconds / NANOSECONDS)]
    for quantile in QUANTILES:
        seconds = sketch.quantile_seconds(quantile)
        # With fewer samples the greatest would stand in for the quantile.
        if seconds is not None and nearest_rank(quantile, sketch.count) < sketch.count:
            points.append((quantile, seconds))
    points.append((1.0, sketch.max_nanoseconds / NANOSECONDS))
    return tuple(DistributionPoint(quantile=quantile, seconds=seconds) for quantile, seconds in points)


def plateau_summaries(step: Step, aggregate: StepAggregate) -> tuple[PlateauSummary, ...]:
    """What was measured on each plateau of a step; nothing if some pod did not tell of its segments."""
    if sum(counts.due for counts in aggregate.segment_counts) < aggregate.judged.due:
        return ()
    return tuple(
        _plateau_summary(plateau, aggregate)
        for plateau in plateaus_of(step, aggregate)
        if plateau.segment < min(len(aggregate.segment_counts), len(aggregate.segment_response))
    )


def _plateau_summary(plateau: Plateau, aggregate: StepAggregate) -> PlateauSummary:
    counts = aggregate.segment_counts[plateau.segment]
    accepted, records = _confirmed(plateau, counts, aggregate.seconds)
    length = plateau.end - plateau.first
    return PlateauSummary(
        first=plateau.first,
        end=plateau.end,
        level=plateau.level,
        unit=plateau.unit,
        requests=requests_of(counts),
        error_rate=counts.error_rate,
        requests_per_second=accepted / length,
        records_per_second=records / length,
        response_time_seconds=times_of(aggregate.segment_response[plateau.segment], Sketch()),
    )


def _confirmed(plateau: Plateau, counts: Counts, seconds: tuple[Second, ...]) -> tuple[int, int]:
    """The uploads and the records that were confirmed in the seconds of a plateau.

    If the seconds are not known, those are taken whose uploads were to begin on it.
    """
    if not seconds:
        return counts.accepted, counts.records_confirmed
    inner = [second for second in seconds if plateau.first <= second.second < plateau.end]
    return sum(second.accepted for second in inner), sum(second.records_answered for second in inner)
