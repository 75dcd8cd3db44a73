"""The figures that people read of a step or of a whole run, each from what was measured."""

from msgspec import Struct

from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.upload_parts import UploadParts


class Requests(Struct, frozen=True, kw_only=True):
    """Uploads by what they came to. `rerouted` are those of the sent whose first address had left the target before
    they had a connection there, so that they went to another.
    """

    due: int
    sent: int
    accepted: int
    rejected: int
    unknown: int
    violation: int
    dropped: int
    rerouted: int = 0


class RecordCounts(Struct, frozen=True, kw_only=True):
    sent: int
    confirmed: int


class Times(Struct, frozen=True, kw_only=True):
    """A distribution in seconds; None if nothing was measured. Quantiles lie within `relative_error`.

    `censored` counts the uploads that were cut: they count at their age, which is the least that their time can be.
    """

    samples: int
    relative_error: float
    avg: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    max: float | None
    censored: int = 0


class PartTimes(Struct, frozen=True, kw_only=True):
    """One part of an upload's time over the uploads that came to it, in seconds, exact; None if none did."""

    uploads: int
    avg: float | None
    max: float | None


class PartsTimes(Struct, frozen=True, kw_only=True):
    """The service time's parts: opening the connection, sending the body, waiting for the answer, and within that wait
    the target's database, where the answers tell of it.
    """

    connect: PartTimes
    upload: PartTimes
    wait: PartTimes
    database: PartTimes = PartTimes(uploads=0, avg=None, max=None)


class Throughput(Struct, frozen=True, kw_only=True):
    """Per second of judged load. Requests and records are those that the target confirmed; bytes were sent."""

    requests_per_second: float
    records_per_second: float
    bytes_per_second: float


def requests_of(counts: Counts) -> Requests:
    return Requests(**{name: getattr(counts, name) for name in Requests.__struct_fields__})


def records_of(counts: Counts) -> RecordCounts:
    return RecordCounts(sent=counts.records_sent, confirmed=counts.records_confirmed)


def times_of(sketch: Sketch, censored: Sketch) -> Times:
    return Times(
        samples=sketch.count,
        relative_error=sketch.relative_error,
        avg=sketch.mean_seconds,
        p50=sketch.quantile_seconds(0.5),
        p90=sketch.quantile_seconds(0.9),
        p95=sketch.quantile_seconds(0.95),
        p99=sketch.quantile_seconds(0.99),
        max=sketch.max_seconds,
        censored=censored.count,
    )


def parts_of(upload_parts: UploadParts) -> PartsTimes:
    figures = {name: getattr(upload_parts, name) for name in PartsTimes.__struct_fields__}
    return PartsTimes(
        **{
            name: PartTimes(uploads=part.count, avg=part.mean_seconds, max=part.max_seconds)
            for name, part in figures.items()
        }
    )


def throughput_of(counts: Counts, window_seconds: float) -> Throughput:
    def per_second(count: int) -> float:
        return count / window_seconds if window_seconds > 0 else 0.0

    return Throughput(
        requests_per_second=per_second(counts.accepted),
        records_per_second=per_second(counts.records_confirmed),
        bytes_per_second=per_second(counts.bytes_sent),
    )
