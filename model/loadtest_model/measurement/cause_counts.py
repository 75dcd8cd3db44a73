"""How many uploads failed for each cause, with one example of it."""

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.measurement.causes import Cause
from loadtest_model.values import WireValue

EXAMPLE_CHARACTERS: Final = 200


class Example(WireValue, frozen=True, kw_only=True):
    """One upload that failed: its address, the answer's status (None if there was no answer), and a description."""

    address: Annotated[str, Meta(max_length=64)]
    status: int | None
    text: str

    @property
    def _order(self) -> tuple[str, int, str]:
        return (self.address, -1 if self.status is None else self.status, self.text)


class CauseCount(WireValue, frozen=True, kw_only=True):
    """The uploads that failed for one cause. Their ages count from the sending to the end of the upload."""

    count: int
    shortest_seconds: float
    longest_seconds: float
    example: Example | None = None

    def merge(self, other: "CauseCount") -> "CauseCount":
        examples = [example for example in (self.example, other.example) if example is not None]
        return CauseCount(
            count=self.count + other.count,
            shortest_seconds=min(self.shortest_seconds, other.shortest_seconds),
            longest_seconds=max(self.longest_seconds, other.longest_seconds),
            # Any rule would do that does not depend on the order of merging.
            example=min(examples, key=lambda example: example._order, default=None),
        )


def merged_causes(mine: Mapping[Cause, CauseCount], theirs: Mapping[Cause, CauseCount]) -> dict[Cause, CauseCount]:
    """The causes in two parts of a run, merged."""
    merged = dict(mine)
    for cause, count in theirs.items():
        previous_count = merged.get(cause)
        merged[cause] = count if previous_count is None else previous_count.merge(count)
    return {cause: merged[cause] for cause in sorted(merged)}
