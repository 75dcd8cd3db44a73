"""The interval in which the true value of a metric lies, given what the generator itself did to the measured one.

A generator that is short of CPU changes a number in two ways. It lengthens times: a measured time t contains up to d of
the generator's own, so the true time lies in [t - d, t], and a percentile or an average lies between those of these
ends. And it offers less load than planned. Under the planned load,
response times would have been longer; at most in proportion to the missing load, as long as no queue overflows. A rate
that falls short then proves nothing about the target.

Besides, the end of a load may cut uploads. Such an upload counts at its age, which is the least that its time can be.
It counts as no failure, but it might have become one.
"""

import math
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from loadtest_model.measurement.outcomes import ErrorKind, Outcome
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.thresholds.metrics import METRICS

FULL_OFFER: Final = 0.90
"""From this share of the planned load on, a run counts as one under the planned load."""


@dataclass(frozen=True)
class Interval:
    """The least and the greatest value that a measured one may stand for, both included."""

    low: float
    high: float

    @property
    def is_exact(self) -> bool:
        return self.low == self.high


def true_value_interval(
    metric: str, step: StepAggregate, value: float, window_seconds: float, *, with_cut_uploads: bool = True
) -> Interval:
    """Where the true value of a metric lies that was measured as `value` in this step.

    Without `with_cut_uploads`, what might have become of the uploads that the test cut is left out.
    """
    definition = METRICS[metric]
    share = step.own.offered_share
    if definition.own_seconds is not None:
        own_seconds = max(definition.own_seconds(step), step.own.lag_p99_seconds)
        greatest = value
        if definition.greatest_seconds is not None and with_cut_uploads and step.censored.response.count:
            greatest = max(value, definition.greatest_seconds(step))
        high = greatest if share >= FULL_OFFER else _under_full_load(greatest, share)
        return Interval(max(0.0, value - own_seconds), high)
    if definition.rises_with_load:
        return Interval(value, value * _gain_without_own_failures(step) if share >= FULL_OFFER else math.inf)
    if definition.counts_failures:
        variants = [without_own_failures(step)]
        if with_cut_uploads and step.judged.cancelled:
            variants += [_with_cut_uploads_as(outcome, base) for base in (step, *variants) for outcome in _AFTER_A_CUT]
        values = [definition.read(variant, window_seconds).value for variant in variants]
        ends = [value, *(each for each in values if each is not None)]
        return Interval(min(ends), max(ends))
    return Interval(value, value)


_AFTER_A_CUT: Final = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN)
"""What an upload that was cut may have come to otherwise."""


def _with_cut_uploads_as(outcome: Outcome, step: StepAggregate) -> StepAggregate:
    """The step as it would be if every upload that was cut had come to this outcome; unknown by its time-out."""
    judged, cut = step.judged, step.judged.cancelled
    counts = structs.replace(judged, cancelled=0, unknown=judged.unknown - cut)
    counts = structs.replace(counts, **{outcome.value: getattr(counts, outcome.value) + cut})
    if outcome is not Outcome.UNKNOWN:
        return structs.replace(step, judged=counts)
    timeouts = step.errors.get(ErrorKind.TIMEOUT, 0) + step.errors.get(ErrorKind.CANCELLED, 0)
    return structs.replace(step, judged=counts, errors={**step.errors, ErrorKind.TIMEOUT: timeouts})


def without_own_failures(step: StepAggregate) -> StepAggregate:
    """The step as it would be if all had been accepted that our own side failed to send, or to see answered in time."""
    own, judged = step.own, step.judged
    if not own.unsent and not own.timeouts and not own.dropped:
        return step
    unsent_uploads, late_answers, dropped_arrivals = (
        min(judged.rejected, own.unsent),
        min(judged.unknown, own.timeouts),
        min(judged.dropped, own.dropped),
    )
    counts = structs.replace(
        judged,
        sent=judged.sent + dropped_arrivals,
        dropped=judged.dropped - dropped_arrivals,
        rejected=judged.rejected - unsent_uploads,
        unknown=judged.unknown - late_answers,
        accepted=judged.accepted + unsent_uploads + late_answers + dropped_arrivals,
    )
    errors = {
        kind: max(0, count - late_answers) if kind is ErrorKind.TIMEOUT else count
        for kind, count in step.errors.items()
    }
    return structs.replace(step, judged=counts, errors=errors)


def _gain_without_own_failures(step: StepAggregate) -> float:
    """By what factor more uploads would have been accepted if our own side had kept none from that."""
    accepted, without_own = step.judged.accepted, without_own_failures(step).judged.accepted
    if without_own == accepted:
        return 1.0
    return without_own / accepted if accepted else math.inf


def _under_full_load(seconds: float, share: float) -> float:
    """The longest time that may have been measured if all of the planned load had been offered."""
    return seconds / share if share else math.inf
