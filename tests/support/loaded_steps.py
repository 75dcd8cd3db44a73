"""Steps as a fleet would have measured them, with every second, segment and slow upload."""

import math
from itertools import accumulate, pairwise
from random import Random
from typing import Final

from loadtest_model.measurement.coarse_times import bucket_of, coarse_times
from loadtest_model.measurement.counts import Counts, Second, merged_counts
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import Sketch, sketch_of
from loadtest_model.measurement.slow_samples import SlowSample, slowest_samples
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step
from loadtest_model.values import NANOSECONDS

ADDRESSES: Final = ("10.0.0.5:8000", "10.0.0.6:8000")


def a_loaded_step(step: Step, *, level: float = 0.3, failing: float = 0.0, start_seconds: float = 0.0) -> StepAggregate:
    """A step as it was planned, whose response times are about `level` seconds at its most users.

    Each second has about a dozen uploads, of which a share fails.
    """
    chance = Random(7)
    borders = list(accumulate((segment.duration_seconds for segment in step.segments), initial=0.0))
    seconds: list[Second] = []
    segments: list[tuple[list[Counts], list[int]]] = []
    slowest: list[SlowSample] = []
    for segment, (begin, end) in zip(step.segments, pairwise(borders), strict=True):
        counts: list[Counts] = []
        times: list[int] = []
        for number in range(int(begin), int(end)):
            progress = (number + 0.5 - begin) / (end - begin)
            users = segment.first_users + (segment.last_users - segment.first_users) * progress
            mean = level * (0.3 + 0.7 * users / max(1, step.virtual_users))
            second, own_times = _a_second(number, max(1, round(users)), mean, failing, chance, step.batch_size)
            seconds.append(second)
            counts.append(second.counts)
            times += own_times
            slowest.append(_a_sample(number, max(own_times, default=0)))
        segments.append((counts, times))
    total = merged_counts([second.counts for second in seconds])
    response = sketch_of(time for _, times in segments for time in times)
    half = total.sent // 2
    return StepAggregate(
        total=total,
        judged=total,
        errors={ErrorKind.SERVER_ERROR: total.rejected} if total.rejected else {},
        response=response,
        service=response,
        seconds=tuple(seconds),
        segment_counts=tuple(merged_counts(counts) for counts, _ in segments),
        segment_response=tuple(sketch_of(times) if times else Sketch() for _, times in segments),
        slowest=slowest_samples([tuple(slowest)]),
        finished_pods=1,
        load_seconds=step.duration_seconds,
        start_seconds=start_seconds,
        addresses={
            ADDRESSES[0]: AddressCounts(sent=half, accepted=half),
            ADDRESSES[1]: AddressCounts(
                sent=total.sent - half, accepted=total.accepted - half, failed=total.sent - total.accepted
            ),
        },
    )


def _a_second(
    number: int, users: int, mean: float, failing: float, chance: Random, batch_size: int
) -> tuple[Second, list[int]]:
    uploads = 10 + chance.randrange(4)
    failed = sum(chance.random() < failing for _ in range(uploads))
    accepted = uploads - failed
    times = [int(NANOSECONDS * mean * math.exp(chance.gauss(0, 0.25))) for _ in range(accepted)]
    buckets: dict[int, int] = {}
    for time in times:
        buckets[bucket_of(time)] = buckets.get(bucket_of(time), 0) + 1
    counts = Counts(
        due=uploads,
        sent=uploads,
        accepted=accepted,
        rejected=failed,
        records_sent=batch_size * uploads,
        records_confirmed=batch_size * accepted,
        bytes_sent=200 * batch_size * uploads,
    )
    second = Second(
        second=number,
        counts=counts,
        virtual_users=users,
        ended=uploads,
        answers=accepted,
        records_answered=batch_size * accepted,
        response_nanoseconds_sum=sum(times),
        failed=failed,
        errors={ErrorKind.SERVER_ERROR: failed} if failed else {},
        answer_times=coarse_times(buckets),
    )
    return second, times


def _a_sample(number: int, nanoseconds: int) -> SlowSample:
    has_timed_out = number % 97 == 0
    return SlowSample(
        pod_index=number % 2,
        at_nanoseconds=number * NANOSECONDS,
        response_nanoseconds=nanoseconds,
        service_nanoseconds=nanoseconds,
        address=ADDRESSES[number % 2],
        error=ErrorKind.TIMEOUT if has_timed_out else None,
        status=None if has_timed_out else 200,
        trace_id=f"{0x4BF92F3577B34DA6A3CE929D0E0E4736 + number:032x}",
    )
