"""How scenario capacity climbs: from which load to which, by what factor, and how long each plateau lasts."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, field

from loadtest_model.load.ladder import ladder_levels
from loadtest_model.reasons import Reason
from loadtest_model.spec.rules import Rule, duration_range, rule_annotation
from loadtest_model.values import DurationText, Value

SHORTEST_PLATEAU: Final = "5s"
LONGEST_PLATEAU: Final = "1h"
MOST_USERS: Final = 10_000


class ClimbBy(StrEnum):
    """What grows from plateau to plateau."""

    VIRTUAL_USERS = "virtualUsers"
    ARRIVAL_RATE = "arrivalRate"


class Capacity(Value, frozen=True, kw_only=True):
    by: Annotated[
        ClimbBy,
        Meta(
            description="What grows from plateau to plateau: virtual users (closed model), or uploads due a second"
            " (open model)."
        ),
    ] = ClimbBy.VIRTUAL_USERS
    from_: Annotated[
        float, Meta(ge=0.01, le=100_000, description="The load of the first plateau, in the unit of `by`.")
    ] = field(default=1.0, name="from")
    to: Annotated[
        float,
        Meta(
            ge=0.01,
            le=100_000,
            description="The load of the last plateau. If it holds as well, the capacity is at least this.",
        ),
    ] = 100.0
    factor: Annotated[
        float,
        Meta(
            ge=1.05,
            le=10,
            description="By how much the load grows from one plateau to the next. It is how closely the capacity is"
            " found.",
        ),
    ] = 1.5
    plateau: Annotated[
        DurationText,
        Meta(
            description="Length of each plateau. It must be long enough for the uploads that the thresholds need: 20 on"
            " a plateau for a p95, 100 for a p99."
        ),
        rule_annotation(duration_range("spec.load.capacity.plateau", SHORTEST_PLATEAU, LONGEST_PLATEAU)),
    ] = "30s"
    required: (
        Annotated[
            float,
            Meta(
                ge=0.01,
                le=100_000,
                description="The load that must hold for the verdict Passed; it is a plateau of its own. Default:"
                " nothing is required, and the test passes if any plateau held.",
            ),
        ]
        | None
    ) = None

    @property
    def levels(self) -> tuple[float, ...]:
        """The loads of the plateaus, ascending."""
        return ladder_levels(self.from_, self.to, self.factor, self.required, whole=self.by is ClimbBy.VIRTUAL_USERS)


def _is_whole(value: float | None) -> bool:
    return value is None or (value.is_integer() and 1 <= value <= MOST_USERS)


CLIMB_RULES: Final = (
    Rule[Capacity](
        cel="self.from < self.to",
        message="spec.load.capacity.from must be below spec.load.capacity.to",
        holds=lambda capacity: capacity.from_ < capacity.to,
        reason=Reason.LoadContradicts,
    ),
    Rule[Capacity](
        cel="!has(self.required) || (self.required >= self.from && self.required <= self.to)",
        message="spec.load.capacity.required must lie between spec.load.capacity.from and spec.load.capacity.to",
        holds=lambda capacity: capacity.required is None or capacity.from_ <= capacity.required <= capacity.to,
        reason=Reason.LoadContradicts,
    ),
    Rule[Capacity](
        cel="self.by != 'virtualUsers' || ([self.from, self.to] + (has(self.required) ? [self.required] : []))"
        f".all(n, n >= 1.0 && n <= {MOST_USERS}.0 && double(int(n)) == n)",
        message="spec.load.capacity climbs by virtual users, so from, to and required must be whole numbers from 1 to"
        f" {MOST_USERS:,}",
        holds=lambda capacity: (
            capacity.by is not ClimbBy.VIRTUAL_USERS
            or all(map(_is_whole, (capacity.from_, capacity.to, capacity.required)))
        ),
        reason=Reason.LoadContradicts,
    ),
)
