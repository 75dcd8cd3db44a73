"""Everything that is measured in one step, by one pod or by many: a pod's step is an aggregate of one pod.

Many are merged in one pass over all of them; merging two is merging a list of two, so that the order and the grouping
of merges never matter.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import zip_longest
from typing import Final

from msgspec import field

from loadtest_model.measurement.cause_counts import CauseCount, merged_causes
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.censored import CensoredTimes, merged_censored_times
from loadtest_model.measurement.counts import Counts, Second, merged_counts, merged_errors, merged_seconds
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.own_time import OwnTime, merged_own_time
from loadtest_model.measurement.silence import Silence, merged_silence
from loadtest_model.measurement.sketch import Sketch, merged_sketch
from loadtest_model.measurement.slow_samples import SlowSample, slowest_samples
from loadtest_model.measurement.spread import AddressCounts, merged_address_counts, merged_spread
from loadtest_model.measurement.upload_parts import UploadParts, merged_parts
from loadtest_model.values import WireValue

# Older uploads matter most, and a snapshot must not grow with the virtual users.
MOST_IN_FLIGHT_AGES: Final = 100


class StepAggregate(WireValue, frozen=True, kw_only=True):
    """One step. The empty one has the number -1; merged steps of several numbers have the last of them.

    `judged` counts what thresholds look at (the uploads after the warm-up); `total` counts everything.
    `response` and `service` hold accepted and unknown uploads after the warm-up, `rejected_response` the rejected;
    `response` also holds dropped arrivals, each with the patience that it was given. `parts` divide `service`.
    An upload that was cut is in all of these at its age; `censored` holds these ages by themselves.
    `lateness` tells how long after its intended start an arrival was begun that found a virtual user free, and
    `vu_limit_reached` counts those that found none. `load_seconds` is the length of the load so far, of several pods
    the longest.
    `causes` divide the errors anew, but for those that we cut ourselves: each upload has one kind and one cause.
    `finished_pods` counts the pods whose load ran to its natural end; a pod that tells of itself says yes or no, which
    is 1 or 0. `in_flight` counts what is due and has not ended, be it sent or still waiting for a virtual user;
    `in_flight_ages_seconds` are the ages, oldest first, at most 100 of them.
    `own` is what the generator itself may have done to all this.
    `gone` counts the uploads to addresses that are no longer the target's, which only an operator can tell.
    `silence` tells, once the step is over, when the target did not answer.
    `start_seconds` is when the step began, counted from the start of the first one; None of a pod that does not tell.
    `plateaus` are the segments of a climb, each a step of its own without seconds, addresses and causes: its
    `finished_pods` are those whose time on it is over, with none of its uploads left in flight.
    `slowest` are the uploads after the warm-up that took longest, whatever they came to.
    """

    step: int = -1
    total: Counts = Counts()
    judged: Counts = Counts()
    errors: dict[ErrorKind, int] = {}
    causes: dict[Cause, CauseCount] = {}
    response: Sketch = Sketch()
    service: Sketch = Sketch()
    rejected_response: Sketch = Sketch()
    seconds: tuple[Second, ...] = ()
    segment_response: tuple[Sketch, ...] = ()
    segment_counts: tuple[Counts, ...] = ()
    parts: UploadParts = UploadParts()
    addresses: dict[str, AddressCounts] = {}
    lateness: Sketch = Sketch()
    vu_limit_reached: int = 0
    load_seconds: float = 0.0
    in_flight: int = 0
    in_flight_ages_seconds: tuple[float, ...] = ()
    # Version 0.1.0 knows `finished`, and only as a pod's yes or no.
    finished_pods: bool | int = field(default=False, name="finished")
    own: OwnTime = OwnTime()
    gone: AddressCounts = AddressCounts()
    censored: CensoredTimes = CensoredTimes()
    silence: Silence = Silence()
    start_seconds: float | None = None
    slowest: tuple[SlowSample, ...] = ()
    plateaus: tuple["StepAggregate", ...] = ()

    def merge(self, other: "StepAggregate") -> "StepAggregate":
        return merged_step([self, other])


def merged_step(steps: Sequence[StepAggregate]) -> StepAggregate:
    """All that was measured as one."""
    ages = sorted((age for step in steps for age in step.in_flight_ages_seconds), reverse=True)
    return StepAggregate(
        step=max((step.step for step in steps), default=-1),
        total=merged_counts([step.total for step in steps]),
        judged=merged_counts([step.judged for step in steps]),
        errors=merged_errors(step.errors for step in steps),
        causes=reduce(merged_causes, (step.causes for step in steps if step.causes), {}),
        response=merged_sketch([step.response for step in steps]),
        service=merged_sketch([step.service for step in steps]),
        rejected_response=merged_sketch([step.rejected_response for step in steps]),
        seconds=merged_seconds([step.seconds for step in steps]),
        segment_response=tuple(
            merged_sketch(column)
            for column in zip_longest(*(step.segment_response for step in steps), fillvalue=Sketch())
        ),
        segment_counts=tuple(
            merged_counts(column)
            for column in zip_longest(*(step.segment_counts for step in steps), fillvalue=Counts())
        ),
        parts=merged_parts([step.parts for step in steps]),
        addresses=merged_spread(step.addresses for step in steps),
        lateness=merged_sketch([step.lateness for step in steps]),
        vu_limit_reached=sum(step.vu_limit_reached for step in steps),
        load_seconds=max((step.load_seconds for step in steps), default=0.0),
        in_flight=sum(step.in_flight for step in steps),
        in_flight_ages_seconds=tuple(ages[:MOST_IN_FLIGHT_AGES]),
        finished_pods=sum(step.finished_pods for step in steps),
        own=merged_own_time([step.own for step in steps]),
        gone=merged_address_counts(step.gone for step in steps),
        censored=merged_censored_times([step.censored for step in steps]),
        silence=merged_silence([step.silence for step in steps]),
        start_seconds=min((step.start_seconds for step in steps if step.start_seconds is not None), default=None),
        slowest=slowest_samples(step.slowest for step in steps),
        plateaus=tuple(
            merged_step(column) for column in zip_longest(*(step.plateaus for step in steps), fillvalue=StepAggregate())
        ),
    )
