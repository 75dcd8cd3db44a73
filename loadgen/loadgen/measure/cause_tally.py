"""How often each cause occurred in one step of one pod."""

from loadgen.measure.samples import Sample
from loadtest_model.measurement.cause_counts import EXAMPLE_CHARACTERS, CauseCount, Example
from loadtest_model.measurement.causes import Cause, cause_of
from loadtest_model.values import NANOSECONDS


class CauseTally:
    """Counts failed uploads by their cause; what we cut ourselves has none."""

    def __init__(self) -> None:
        self._counts: dict[Cause, CauseCount] = {}

    def add(self, sample: Sample) -> None:
        if sample.error is None:
            return
        cause = sample.cause or cause_of(sample.error)
        if cause is None:
            return
        age_seconds = max(0, sample.finished_ns - sample.sent_ns) / NANOSECONDS
        occurrence = CauseCount(
            count=1,
            shortest_seconds=age_seconds,
            longest_seconds=age_seconds,
            example=_example(sample) if sample.detail else None,
        )
        previous = self._counts.get(cause)
        self._counts[cause] = occurrence if previous is None else previous.merge(occurrence)

    def counts(self) -> dict[Cause, CauseCount]:
        return dict(self._counts)


def _example(sample: Sample) -> Example:
    return Example(address=sample.address, status=sample.status, text=sample.detail[:EXAMPLE_CHARACTERS])
