"""The parts of a summary that a reader looks into after the verdict: distribution, plateaus, pods, slowest uploads."""

from msgspec import Struct

from loadtest_model.report.figures import Requests, Times


class DistributionPoint(Struct, frozen=True, kw_only=True):
    """The response time that a share of the uploads did not exceed: `quantile` from 0 to 1, `seconds`."""

    quantile: float
    seconds: float


class PlateauSummary(Struct, frozen=True, kw_only=True):
    """A piece of a step at one level of load, from second `first` up to second `end` of the step, without the warm-up.

    `level` is in `unit`: virtual users, or uploads due a second. `requests` and times are of the uploads that were to
    begin on it, rates of what the target confirmed in these seconds.
    """

    first: int
    end: int
    level: float
    unit: str
    requests: Requests
    error_rate: float | None
    requests_per_second: float
    records_per_second: float
    response_time_seconds: Times


class PodSummary(Struct, frozen=True, kw_only=True):
    """One pod of the fleet by its index, or several as one where `pods` is more than 1: then `index` is the first.

    `sent`, `accepted` and `errors` count all of its load, rates and response times what follows the warm-up. Of several
    pods everything is the sum, except the times and the lag: `max_loop_lag_seconds` is that of the worst.
    """

    index: int
    pods: int = 1
    sent: int
    accepted: int
    errors: int
    records_per_second: float
    avg: float | None
    p95: float | None
    max: float | None
    memory_bytes: int
    cpu_seconds: float
    max_loop_lag_seconds: float


class SlowUpload(Struct, frozen=True, kw_only=True):
    """One of the uploads that took longest. `at_seconds` is its intended start, counted from the start of its step.

    `error` is empty for an accepted upload, `status` is None if no answer came, and `trace_id` is empty if the
    upload carried no `traceparent`.
    """

    step: str
    pod: int
    at_seconds: float
    response_seconds: float
    service_seconds: float
    address: str
    outcome: str
    error: str = ""
    status: int | None = None
    trace_id: str = ""
