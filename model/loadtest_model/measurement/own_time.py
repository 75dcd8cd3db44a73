"""What the generator itself may have done to the numbers of a step: time that it added, and load that it held back."""

from collections.abc import Sequence

from loadtest_model.measurement.sketch import Sketch, merged_sketch
from loadtest_model.measurement.upload_parts import UploadPart, merged_part
from loadtest_model.values import WireValue


class OwnTime(WireValue, frozen=True, kw_only=True):
    """The generator's own part in one step, by one pod or by many.

    `response` and `service` hold, for the same uploads as the step's sketches of these names, how much of that time our
    side may have added: waiting for the encoder, for the turn to send, for a token, for the event loop.
    `response_without` and `service_without` hold the rest of each of those times.
    `lag_p99_seconds` is how late the event loop woke a sleeper, of several pods the worst.
    `offered` is what was offered of the `planned` load: in the closed model nanoseconds of virtual users, in the open
    model arrivals. `unsent` are judged uploads that our own system could not send, `timeouts` those that timed out only
    with our own time, and `dropped` the arrivals that may have been dropped only because our own side took time.
    `held_up` are the arrivals, the warm-up included, that found no virtual user free, but would have without us.
    `making` is the making of the judged uploads' files, each with its wait for other files.
    `longest_stall_seconds` is the longest time for which a process did not get to its work.
    """

    response: Sketch = Sketch()
    service: Sketch = Sketch()
    response_without: Sketch = Sketch()
    service_without: Sketch = Sketch()
    lag_p99_seconds: float = 0.0
    offered: int = 0
    planned: int = 0
    unsent: int = 0
    timeouts: int = 0
    dropped: int = 0
    held_up: int = 0
    making: UploadPart = UploadPart()
    longest_stall_seconds: float = 0.0

    @property
    def offered_share(self) -> float:
        """The share of the planned load that was offered, at most 1; 1 where nothing was planned yet."""
        return min(1.0, self.offered / self.planned) if self.planned else 1.0


def merged_own_time(parts: Sequence[OwnTime]) -> OwnTime:
    """The own parts of all as one."""
    return OwnTime(
        response=merged_sketch([part.response for part in parts]),
        service=merged_sketch([part.service for part in parts]),
        response_without=merged_sketch([part.response_without for part in parts]),
        service_without=merged_sketch([part.service_without for part in parts]),
        lag_p99_seconds=max((part.lag_p99_seconds for part in parts), default=0.0),
        offered=sum(part.offered for part in parts),
        planned=sum(part.planned for part in parts),
        unsent=sum(part.unsent for part in parts),
        timeouts=sum(part.timeouts for part in parts),
        dropped=sum(part.dropped for part in parts),
        held_up=sum(part.held_up for part in parts),
        making=merged_part([part.making for part in parts]),
        longest_stall_seconds=max((part.longest_stall_seconds for part in parts), default=0.0),
    )
