"""What our own side did to the numbers of one step, as one pod counts it."""

from typing import Final

from loadgen.measure.accepted_uploads import AcceptedUploads
from loadgen.measure.samples import Sample
from loadgen.measure.tallies import PartTally
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.sketch import SketchBuilder

ON_TIME_NS: Final = 10_000_000
"""An arrival that begins no later than this after it was due was offered as planned."""
_NOTABLE_SHARE: Final = 0.05
"""A time-out or a dropped arrival counts as perhaps our own from this share of our own time in it on."""


def is_notable(own_ns: int, of_ns: int) -> bool:
    """Whether a time with so much of our own in it may have come out as it did because of that."""
    return own_ns > _NOTABLE_SHARE * of_ns


def is_withheld(wait_ns: int, own_ns: int) -> bool:
    """Whether our own side alone kept an arrival waiting: the target would have had it on time."""
    return wait_ns - own_ns <= ON_TIME_NS and is_notable(own_ns, wait_ns)


class OwnTally:
    """Own times, and the load that was offered of what was planned."""

    def __init__(self) -> None:
        self._response = SketchBuilder()
        self._service = SketchBuilder()
        self._response_without = SketchBuilder()
        self._service_without = SketchBuilder()
        self._making = PartTally()
        self.lag = SketchBuilder()
        self.offered = self.planned = 0
        self._unsent = self._timeouts = self._dropped = 0
        self.held_up = 0

    def count_own_failure(self, sample: Sample, response_ns: int) -> None:
        """Count a judged upload that failed if that may be our own doing."""
        if sample.error is ErrorKind.NO_SOCKET:
            self._unsent += 1
        elif sample.error is ErrorKind.TIMEOUT and is_notable(sample.own_response_ns, response_ns):
            self._timeouts += 1

    def add(self, sample: Sample, response_ns: int, service_ns: int) -> None:
        """Add the own parts of an upload whose times count."""
        own_response_ns, own_service_ns = sample.own_response_ns, sample.own_service_ns
        self._response.add(min(response_ns, own_response_ns))
        self._service.add(min(service_ns, own_service_ns))
        self._response_without.add(max(0, response_ns - own_response_ns))
        self._service_without.add(max(0, service_ns - own_service_ns))
        self._making.add_all((sample.making_ns,))

    def add_accepted(self, uploads: AcceptedUploads) -> None:
        """Add the own parts of uploads as `add` does."""
        self._response.add_all(uploads.own_responses_ns)
        self._service.add_all(uploads.own_services_ns)
        self._response_without.add_all(uploads.rest_responses_ns)
        self._service_without.add_all(uploads.rest_services_ns)
        self._making.add_all([sample.making_ns for sample in uploads.samples])

    def drop(self, wait_ns: int, own_ns: int) -> None:
        """Add an arrival that waited in vain, for so long because of our own side.

        Its wait is one of the response times unless it was withheld.
        """
        if not is_withheld(wait_ns, own_ns):
            self._response.add(min(wait_ns, own_ns))
            self._response_without.add(max(0, wait_ns - own_ns))
        self._dropped += is_notable(own_ns, wait_ns)

    def own_time(self) -> OwnTime:
        return OwnTime(
            response=self._response.snapshot(),
            service=self._service.snapshot(),
            response_without=self._response_without.snapshot(),
            service_without=self._service_without.snapshot(),
            making=self._making.part(),
            lag_p99_seconds=self.lag.snapshot().quantile_seconds(0.99) or 0.0,
            offered=self.offered,
            planned=self.planned,
            unsent=self._unsent,
            timeouts=self._timeouts,
            dropped=self._dropped,
            held_up=self.held_up,
            longest_stall_seconds=self.lag.snapshot().max_seconds or 0.0,
        )
