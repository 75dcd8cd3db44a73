"""How often each cause was seen by one pod in one step."""

from loadgen.measure.tallies import Sample
from loadtest_model.measurement.cause_counts import EXAMPLE_CHARACTERS, CauseCount, Example
from loadtest_model.measurement.causes import Cause, cause_of
from loadtest_model.values import NANOSECONDS


class CauseTally:
    """Counts failed uploads by their cause; what we cut ourselves has none."""

    def __init__(self) -> None:
        self._seen: dict[Cause, CauseCount] = {}

    def add(self, sample: Sample) -> None:
        if sample.error is None:
            return
        cause = sample.cause or cause_of(sample.error)
        if cause is None:
            return
        age_seconds = max(0, sample.finished_ns - sample.sent_ns) / NANOSECONDS
        seen = CauseCount(
            count=1,
            shortest_seconds=age_seconds,
            longest_seconds=age_seconds,
            example=_example(sample) if sample.said else None,
        )
        held = self._seen.get(cause)
        self._seen[cause] = seen if held is None else held.merge(seen)

    def seen(self) -> dict[Cause, CauseCount]:
        return dict(self._seen)


def _example(sample: Sample) -> Example:
    return Example(address=sample.address, status=sample.status, text=sample.said[:EXAMPLE_CHARACTERS])
