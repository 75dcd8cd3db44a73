"""The quantities that a threshold may bound, and how each is read from a step."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.measurement.upload_parts import UploadPart
from loadtest_model.quantities import seconds_text
from loadtest_model.thresholds.censoring import greatest_mean_seconds, greatest_quantile_seconds
from loadtest_model.thresholds.measured_values import (
    ReadMetric,
    average_by_chance,
    quantile_by_chance,
    quantile_or_maximum,
    read_average,
    read_longest,
    read_per_second,
    read_quantile,
    read_ratio,
    read_total,
)

Unit = Literal["seconds", "ratio", "count"]
BoundKind = Literal["upper", "lower"]
BlockAverage = Literal["median", "mean"]
"""What the figures of blocks of seconds are summed up by, where two runs are compared."""


@dataclass(frozen=True)
class Metric:
    """A quantity that a threshold may bound. `read` takes a step and the length of its load in seconds.

    `only_grows` says that more data can never lower it, and `counts_in_flight` that uploads still in flight count in
    it. `fewest_samples` is the number of samples that a breach in a running test needs. `own_seconds` gives how many
    seconds of a time may be the generator's own, and `greatest_seconds` the time if each upload that was cut had lasted
    until its time-out. `rises_with_load` says that the value would be higher if more load
    were offered, and `counts_failures` that failures of our own side count in it, and that what was cut may have.
    `only_bound` is the only kind of bound that can be meant, because nobody wants more failures. It is None if either
    can be meant: a test of a limiter wants rejections. Every time has upper bounds only. `block_average` says how
    runs are compared by the metric; None if they cannot be. `seconds_by_chance` gives the time one standard error
    higher, if so many uploads tell as much as one that does not depend on the others.
    """

    unit: Unit
    description: str
    read: ReadMetric
    only_grows: bool = False
    counts_in_flight: bool = False
    fewest_samples: int = 1
    own_seconds: Callable[[StepAggregate], float] | None = None
    greatest_seconds: Callable[[StepAggregate], float] | None = None
    rises_with_load: bool = False
    counts_failures: bool = False
    only_bound: BoundKind | None = None
    block_average: BlockAverage | None = None
    seconds_by_chance: Callable[[StepAggregate, float], float] | None = None


def _own_figure(
    of: Callable[[StepAggregate], Sketch], read: Callable[[Sketch], float | None]
) -> Callable[[StepAggregate], float]:
    return lambda step: read(of(step)) or 0.0


@dataclass(frozen=True)
class _OwnPart:
    """Where the own parts of times are read from, and the rest of each of these times."""

    times: Callable[[StepAggregate], Sketch]
    own: Callable[[StepAggregate], Sketch]
    without: Callable[[StepAggregate], Sketch]

    def seconds(self, figure: Callable[[Sketch], float | None]) -> Callable[[StepAggregate], float]:
        """By how much a figure of the times is lower without our own part in each of them.

        If the rest is not known of all times, as from a pod of an earlier version, the figure of the own parts stands
        for it.
        """

        def read(step: StepAggregate) -> float:
            times, without = self.times(step), self.without(step)
            if without.count != times.count:
                return figure(self.own(step)) or 0.0
            return max(0.0, (figure(times) or 0.0) - (figure(without) or 0.0))

        return read


def _time_metrics(
    prefix: str,
    quantity: str,
    of: Callable[[StepAggregate], Sketch],
    own_part: _OwnPart,
    censored_part: Callable[[StepAggregate], Sketch],
    *,
    counts_in_flight: bool,
) -> dict[str, Metric]:
    """The figures of a distribution of times, each beside the same figure of our own part in them.

    `censored_part` gives the times of the uploads that were cut.
    """
    # Only response times, which have no prefix, are on record for each second.
    block_average: BlockAverage | None = None if prefix else "median"

    def quantile(name: str, description: str, value: float, fewest_samples: int) -> dict[str, Metric]:
        return {
            prefix + name: Metric(
                "seconds",
                f"{description} of the {quantity}",
                read_quantile(of, value, fewest_samples),
                counts_in_flight=counts_in_flight,
                fewest_samples=fewest_samples,
                own_seconds=own_part.seconds(lambda times: quantile_or_maximum(times, value, fewest_samples)),
                greatest_seconds=lambda step: greatest_quantile_seconds(of(step), censored_part(step), value),
                block_average=block_average,
                seconds_by_chance=lambda step, per_one: quantile_by_chance(of(step), value, per_one),
            )
        }

    return {
        f"{prefix}avg": Metric(
            "seconds",
            f"average {quantity}",
            read_average(of),
            counts_in_flight=counts_in_flight,
            own_seconds=own_part.seconds(lambda times: times.mean_seconds),
            greatest_seconds=lambda step: greatest_mean_seconds(of(step), step.censored),
            block_average=block_average,
            seconds_by_chance=lambda step, per_one: average_by_chance(of(step), per_one),
        ),
        **quantile("p50", "median", 0.5, 2),
        **quantile("p90", "90th percentile", 0.9, 10),
        **quantile("p95", "95th percentile", 0.95, 20),
        **quantile("p99", "99th percentile", 0.99, 100),
        f"{prefix}max": Metric(
            "seconds",
            f"longest {quantity}",
            read_longest(of),
            only_grows=True,
            counts_in_flight=counts_in_flight,
            own_seconds=own_part.seconds(lambda times: times.max_seconds),
            greatest_seconds=lambda step: math.inf if censored_part(step).count else 0.0,
        ),
    }


def _part_metrics(name: str, phase: str, of: Callable[[StepAggregate], UploadPart]) -> dict[str, Metric]:
    return {
        f"{name}_avg": Metric(
            "seconds",
            f"average time for {phase}",
            read_average(of),
            own_seconds=_own_figure(_own_service, lambda own: own.mean_seconds),
            greatest_seconds=lambda step: greatest_mean_seconds(of(step), step.censored),
        ),
        f"{name}_max": Metric(
            "seconds",
            f"longest time for {phase}",
            read_longest(of),
            only_grows=True,
            own_seconds=_own_figure(_own_service, lambda own: own.max_seconds),
            greatest_seconds=lambda step: math.inf if step.censored.response.count else 0.0,
        ),
    }


def _count_metric(
    description: str,
    count: Callable[[StepAggregate], int],
    *,
    rises_with_load: bool = False,
    counts_failures: bool = False,
    only_bound: BoundKind | None = None,
) -> Metric:
    return Metric(
        "count",
        description,
        read_total(count),
        only_grows=True,
        rises_with_load=rises_with_load,
        counts_failures=counts_failures,
        only_bound=only_bound,
    )


def _rate_metric(description: str, count: Callable[[StepAggregate], int]) -> Metric:
    return Metric("count", description, read_per_second(count), rises_with_load=True, block_average="mean")


def _own_service(step: StepAggregate) -> Sketch:
    return step.own.service


def _censored_response(step: StepAggregate) -> Sketch:
    return step.censored.response


def _censored_service(step: StepAggregate) -> Sketch:
    return step.censored.service


METRICS: Final[dict[str, Metric]] = {
    "error_rate": Metric(
        "ratio",
        "rejected, unknown, violating and dropped uploads over those due, without those cut by the test",
        read_ratio(lambda step: step.judged.error_rate),
        counts_failures=True,
        only_bound="upper",
        block_average="mean",
    ),
    "success_rate": Metric(
        "ratio",
        "1 - error_rate",
        read_ratio(lambda step: step.judged.success_rate),
        counts_failures=True,
        only_bound="lower",
    ),
    **_time_metrics(
        "",
        "response time",
        lambda step: step.response,
        _OwnPart(lambda step: step.response, lambda step: step.own.response, lambda step: step.own.response_without),
        _censored_response,
        counts_in_flight=True,
    ),
    **_time_metrics(
        "service_",
        "service time",
        lambda step: step.service,
        _OwnPart(lambda step: step.service, _own_service, lambda step: step.own.service_without),
        _censored_service,
        counts_in_flight=False,
    ),
    **_part_metrics("connect", "opening a connection", lambda step: step.parts.connect),
    **_part_metrics("upload", "sending the body", lambda step: step.parts.upload),
    **_part_metrics("wait", "the answer after the body was sent", lambda step: step.parts.wait),
    "accepted": _count_metric("accepted uploads", lambda step: step.judged.accepted, rises_with_load=True),
    "rejected": _count_metric("rejected uploads", lambda step: step.judged.rejected, counts_failures=True),
    "unknown": _count_metric(
        "uploads without a complete answer, except those cut by the test",
        lambda step: step.judged.unknown - step.judged.cancelled,
        counts_failures=True,
        only_bound="upper",
    ),
    "dropped": _count_metric(
        "arrivals that no virtual user could serve in time",
        lambda step: step.judged.dropped,
        counts_failures=True,
        only_bound="upper",
    ),
    "timeouts": _count_metric(
        "uploads that timed out, the warm-up included",
        lambda step: step.errors.get(ErrorKind.TIMEOUT, 0),
        counts_failures=True,
        only_bound="upper",
    ),
    "sent_records": _count_metric("records sent", lambda step: step.judged.records_sent, rises_with_load=True),
    "accepted_records": _count_metric(
        "records that the target confirmed", lambda step: step.judged.records_confirmed, rises_with_load=True
    ),
    "requests_per_second": _rate_metric("accepted uploads per second of load", lambda step: step.judged.accepted),
    "records_per_second": _rate_metric(
        "confirmed records per second of load", lambda step: step.judged.records_confirmed
    ),
    "bytes_per_second": _rate_metric(
        "bytes of request bodies sent per second of load", lambda step: step.judged.bytes_sent
    ),
}

_WHOLE_FROM: Final = 100


def metric_value_text(metric: str, value: float) -> str:
    """A value of a metric as people read it: a time, a share in per cent, or a number."""
    unit = METRICS[metric].unit
    if unit == "seconds":
        return seconds_text(value)
    if unit == "ratio":
        return f"{value:.2%}"
    # Rates of a few uploads a second differ in what follows the point.
    return f"{value:,.0f}" if value >= _WHOLE_FROM or value == int(value) else f"{value:.3g}"
