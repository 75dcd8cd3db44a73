"""The interval in which the true value of a metric lies, given what the generator itself did to the measured one.

A generator that is short of CPU changes a number in two ways. It lengthens times: a measured time t contains up to d of
the generator's own, so the true time lies in [t - d, t]. And it offers less load than planned. Under the planned load,
response times would have been longer; at most in proportion to the missing load, as long as no queue overflows. A rate
that falls short then proves nothing about the target.
"""

import math
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from loadtest_model.measurement.outcomes import ErrorKind
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


def true_value_interval(metric: str, step: StepAggregate, value: float, window_seconds: float) -> Interval:
    """Where the true value of a metric lies that was measured as `value` in this step."""
    definition = METRICS[metric]
    share = step.own.offered_share
    if definition.own_seconds is not None:
        own_seconds = max(definition.own_seconds(step), step.own.lag_p99_seconds)
        return Interval(max(0.0, value - own_seconds), value if share >= FULL_OFFER else _under_full_load(value, share))
    if definition.rises_with_load:
        return Interval(value, value if share >= FULL_OFFER else math.inf)
    if definition.counts_failures:
        value_without_own_failures = definition.read(without_own_failures(step), window_seconds).value
        ends = (value, value if value_without_own_failures is None else value_without_own_failures)
        return Interval(min(ends), max(ends))
    return Interval(value, value)


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


def _under_full_load(seconds: float, share: float) -> float:
    """The longest time that may have been measured if all of the planned load had been offered."""
    return seconds / share if share else math.inf
