"""What our own side did to the numbers of one step, as one pod counts it."""

from typing import Final

from loadgen.measure.accepted_uploads import AcceptedUploads
from loadgen.measure.samples import Sample
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.sketch import SketchBuilder

ON_TIME_NS: Final = 10_000_000
"""An arrival that begins no later than this after it was due was offered as planned."""
_NOTABLE_SHARE: Final = 0.05
"""A time-out or a dropped arrival counts as perhaps our own from this share of our own time in it on."""


class OwnTally:
    """Own times, and the load that was offered of what was planned."""

    def __init__(self) -> None:
        self._response = SketchBuilder()
        self._service = SketchBuilder()
        self.lag = SketchBuilder()
        self.offered = self.planned = 0
        self._unsent = self._timeouts = self._dropped = 0

    def count_own_failure(self, sample: Sample, response_ns: int) -> None:
        """Count a judged upload that failed if that may be our own doing."""
        if sample.error is ErrorKind.NO_SOCKET:
            self._unsent += 1
        elif sample.error is ErrorKind.TIMEOUT and sample.own_response_ns > _NOTABLE_SHARE * response_ns:
            self._timeouts += 1

    def add(self, sample: Sample, response_ns: int, service_ns: int) -> None:
        """Add the own parts of an upload whose times count."""
        self._response.add(min(response_ns, sample.own_response_ns))
        self._service.add(min(service_ns, sample.own_service_ns))

    def add_accepted(self, uploads: AcceptedUploads) -> None:
        """Add the own parts of uploads as `add` does."""
        self._response.add_all(uploads.own_responses_ns)
        self._service.add_all(uploads.own_services_ns)

    def drop(self, wait_ns: int, own_share: float, *, has_time: bool = True) -> None:
        """Add an arrival that waited in vain, of whose wait our own side caused a share.

        With `has_time` its wait is one of the response times.
        """
        if has_time:
            self._response.add(int(wait_ns * own_share))
        self._dropped += own_share > _NOTABLE_SHARE

    def own_time(self) -> OwnTime:
        return OwnTime(
            response=self._response.snapshot(),
            service=self._service.snapshot(),
            lag_p99_seconds=self.lag.snapshot().quantile_seconds(0.99) or 0.0,
            offered=self.offered,
            planned=self.planned,
            unsent=self._unsent,
            timeouts=self._timeouts,
            dropped=self._dropped,
            longest_stall_seconds=self.lag.snapshot().max_seconds or 0.0,
        )
