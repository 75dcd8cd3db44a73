"""Uploads whose true time is not known, because the test cut them: only that it is no less than their age."""

from collections.abc import Sequence

from loadtest_model.measurement.sketch import Sketch, merged_sketch
from loadtest_model.values import WireValue


class CensoredTimes(WireValue, frozen=True, kw_only=True):
    """The ages of the uploads that were cut. The step's sketches of the same names hold them too.

    `remaining_nanoseconds` is how much longer all of them together could have lasted, until their time-outs.
    """

    response: Sketch = Sketch()
    service: Sketch = Sketch()
    remaining_nanoseconds: int = 0


def merged_censored_times(parts: Sequence[CensoredTimes]) -> CensoredTimes:
    """The censored times of all as one."""
    return CensoredTimes(
        response=merged_sketch([part.response for part in parts]),
        service=merged_sketch([part.service for part in parts]),
        remaining_nanoseconds=sum(part.remaining_nanoseconds for part in parts),
    )
