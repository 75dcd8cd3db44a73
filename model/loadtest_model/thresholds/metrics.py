"""The quantities that a threshold may bound, and how each is read from a step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.measurement.upload_parts import Part

Unit = Literal["seconds", "ratio", "count"]


@dataclass(frozen=True)
class Measured:
    """A value with what is to be known of it: the samples behind it and its bound on the relative error."""

    value: float | None
    samples: int
    relative_error: float = 0.0
    stands_in: bool = False


Read = Callable[[StepAggregate, float], Measured]


@dataclass(frozen=True)
class Metric:
    """A quantity that a threshold may bound. `read` takes a step and the length of its load in seconds.

    `only_grows` says that more data can never lower it, `of_responses` that uploads still in flight bear on it, and
    `fewest_samples` how many it takes to call a running test breached. `own` is how many seconds of a time may be the
    generator's own; `of_throughput` says that the value would be higher if more load were offered, `of_failures` that
    failures of our own side count in it.
    """

    unit: Unit
    description: str
    read: Read
    only_grows: bool = False
    of_responses: bool = False
    fewest_samples: int = 1
    own: Callable[[StepAggregate], float] | None = None
    of_throughput: bool = False
    of_failures: bool = False


def _quantile(of: Callable[[StepAggregate], Sketch], quantile: float, fewest_samples: int) -> Read:
    def read(step: StepAggregate, _window_seconds: float) -> Measured:
        sketch = of(step)
        few = sketch.count < fewest_samples
        return Measured(
            sketch.max_seconds if few else sketch.quantile_seconds(quantile),
            sketch.count,
            0.0 if few else sketch.relative_error,
            stands_in=few and sketch.count > 0,
        )

    return read


def _average(of: Callable[[StepAggregate], Sketch | Part]) -> Read:
    return lambda step, _: Measured(of(step).mean_seconds, of(step).count)


def _longest(of: Callable[[StepAggregate], Sketch | Part]) -> Read:
    return lambda step, _: Measured(of(step).max_seconds, of(step).count)


def _per_second(count: Callable[[StepAggregate], int]) -> Read:
    def read(step: StepAggregate, window_seconds: float) -> Measured:
        return Measured(count(step) / window_seconds if window_seconds > 0 else None, step.judged.due)

    return read


def _counted(count: Callable[[StepAggregate], int]) -> Read:
    return lambda step, _: Measured(float(count(step)), max(step.judged.due, 1))


def _ratio(of: Callable[[StepAggregate], float | None]) -> Read:
    return lambda step, _: Measured(of(step), step.judged.due - step.judged.cancelled)


def _own(
    of: Callable[[StepAggregate], Sketch], read: Callable[[Sketch], float | None]
) -> Callable[[StepAggregate], float]:
    return lambda step: read(of(step)) or 0.0


def _times(
    prefix: str,
    what: str,
    of: Callable[[StepAggregate], Sketch],
    own: Callable[[StepAggregate], Sketch],
    *,
    responses: bool,
) -> dict[str, Metric]:
    """The figures of a distribution of times, each beside the same figure of our own part in them."""

    def quantile(name: str, description: str, value: float, fewest: int) -> dict[str, Metric]:
        return {
            prefix + name: Metric(
                "seconds",
                f"{description} of the {what}",
                _quantile(of, value, fewest),
                of_responses=responses,
                fewest_samples=fewest,
                own=lambda step: _quantile(own, value, fewest)(step, 0.0).value or 0.0,
            )
        }

    return {
        f"{prefix}avg": Metric(
            "seconds",
            f"average {what}",
            _average(of),
            of_responses=responses,
            own=_own(own, lambda sketch: sketch.mean_seconds),
        ),
        **quantile("p50", "median", 0.5, 2),
        **quantile("p90", "90th percentile", 0.9, 10),
        **quantile("p95", "95th percentile", 0.95, 20),
        **quantile("p99", "99th percentile", 0.99, 100),
        f"{prefix}max": Metric(
            "seconds",
            f"longest {what}",
            _longest(of),
            only_grows=True,
            of_responses=responses,
            own=_own(own, lambda sketch: sketch.max_seconds),
        ),
    }


def _part(name: str, what: str, of: Callable[[StepAggregate], Part]) -> dict[str, Metric]:
    return {
        f"{name}_avg": Metric(
            "seconds", f"average time for {what}", _average(of), own=_own(_own_service, lambda own: own.mean_seconds)
        ),
        f"{name}_max": Metric(
            "seconds",
            f"longest time for {what}",
            _longest(of),
            only_grows=True,
            own=_own(_own_service, lambda own: own.max_seconds),
        ),
    }


def _count(
    description: str,
    count: Callable[[StepAggregate], int],
    *,
    of_throughput: bool = False,
    of_failures: bool = False,
) -> Metric:
    return Metric(
        "count", description, _counted(count), only_grows=True, of_throughput=of_throughput, of_failures=of_failures
    )


def _rate(description: str, count: Callable[[StepAggregate], int]) -> Metric:
    return Metric("count", description, _per_second(count), of_throughput=True)


def _own_response(step: StepAggregate) -> Sketch:
    return step.own.response


def _own_service(step: StepAggregate) -> Sketch:
    return step.own.service


METRICS: Final[dict[str, Metric]] = {
    "error_rate": Metric(
        "ratio",
        "rejected, unknown, violating and dropped uploads over those due",
        _ratio(lambda step: step.judged.error_rate),
        of_failures=True,
    ),
    "success_rate": Metric("ratio", "1 - error_rate", _ratio(lambda step: step.judged.success_rate), of_failures=True),
    **_times("", "response time", lambda step: step.response, _own_response, responses=True),
    **_times("service_", "service time", lambda step: step.service, _own_service, responses=False),
    **_part("connect", "opening a connection", lambda step: step.parts.connect),
    **_part("upload", "sending the body", lambda step: step.parts.upload),
    **_part("wait", "the answer after the body was sent", lambda step: step.parts.wait),
    "accepted": _count("accepted uploads", lambda step: step.judged.accepted, of_throughput=True),
    "rejected": _count("rejected uploads", lambda step: step.judged.rejected, of_failures=True),
    "unknown": _count(
        "uploads without a complete answer, but for those cut by the test",
        lambda step: step.judged.unknown - step.judged.cancelled,
        of_failures=True,
    ),
    "dropped": _count(
        "arrivals that no virtual user could serve in time", lambda step: step.judged.dropped, of_failures=True
    ),
    "timeouts": _count(
        "uploads that timed out, the warm-up included",
        lambda step: step.errors.get(ErrorKind.TIMEOUT, 0),
        of_failures=True,
    ),
    "sent_records": _count("records sent", lambda step: step.judged.records_sent, of_throughput=True),
    "accepted_records": _count(
        "records that the target confirmed", lambda step: step.judged.records_confirmed, of_throughput=True
    ),
    "requests_per_second": _rate("accepted uploads a second of load", lambda step: step.judged.accepted),
    "records_per_second": _rate("confirmed records a second of load", lambda step: step.judged.records_confirmed),
    "bytes_per_second": _rate("bytes of request bodies sent a second of load", lambda step: step.judged.bytes_sent),
}
