"""How often each cause was seen, with one example of it."""

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.measurement.causes import Cause
from loadtest_model.values import WireValue

EXAMPLE_CHARACTERS: Final = 200


class Example(WireValue, frozen=True, kw_only=True):
    """One upload that failed: where to, the answer's status (None where no answer came), and what was seen."""

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
    """What two parts of a run saw, as one."""
    merged = dict(mine)
    for cause, seen in theirs.items():
        held = merged.get(cause)
        merged[cause] = seen if held is None else held.merge(seen)
    return {cause: merged[cause] for cause in sorted(merged)}
