"""The ages of the uploads of one step that were cut, as one pod counts them."""

from loadtest_model.measurement.censored import CensoredTimes
from loadtest_model.measurement.sketch import SketchBuilder


class CensoredTally:
    """Ages by response and service time, and the time until the time-outs."""

    def __init__(self) -> None:
        self._response = SketchBuilder()
        self._service = SketchBuilder()
        self._remaining_ns = 0

    def add(self, response_ns: int, service_ns: int | None, remaining_ns: int) -> None:
        """Add an upload that was cut; an arrival of which nothing was sent has no service time."""
        self._response.add(response_ns)
        if service_ns is not None:
            self._service.add(service_ns)
        self._remaining_ns += remaining_ns

    def times(self) -> CensoredTimes:
        return CensoredTimes(
            response=self._response.snapshot(),
            service=self._service.snapshot(),
            remaining_nanoseconds=self._remaining_ns,
        )
