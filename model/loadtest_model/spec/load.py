"""The load: batch size, virtual users or arrivals, how long, and how they change."""

from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.load.arrivals import ArrivalProcess
from loadtest_model.reasons import Reason
from loadtest_model.spec.capacity import CLIMB_RULES, Capacity
from loadtest_model.spec.rules import Rule, duration_range, rule_annotation
from loadtest_model.values import LONGEST_NANOSECONDS, NANOSECONDS, DurationText, Value, nanoseconds_of


class Stage(Value, frozen=True, kw_only=True):
    duration: Annotated[DurationText, Meta(description="Length of the stage; 0s jumps at once.")]
    virtual_users: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=10_000,
                description="Virtual users of the whole fleet at the end of the stage; within it the number changes"
                " linearly from the end of the stage before (from 0 at first).",
            ),
        ]
        | None
    ) = None
    arrival_rate: (
        Annotated[
            float,
            Meta(
                ge=0,
                le=100_000,
                description="Uploads a second of the whole fleet at the end of the stage, in place of virtualUsers;"
                " within it the rate changes linearly. All stages are of one kind.",
            ),
        ]
        | None
    ) = None


def _has_load(stage: Stage) -> bool:
    level = stage.arrival_rate if stage.virtual_users is None else stage.virtual_users
    return bool(level) and NANOSECONDS <= nanoseconds_of(stage.duration) <= LONGEST_NANOSECONDS


STAGES_OF_ONE_KIND: Final = Rule[list[Stage]](
    cel="self.all(s, has(s.virtualUsers) && !has(s.arrivalRate))"
    " || self.all(s, has(s.arrivalRate) && !has(s.virtualUsers))",
    message="spec.load.stages must all say virtualUsers or all say arrivalRate",
    holds=lambda stages: (
        {(stage.virtual_users is None, stage.arrival_rate is None) for stage in stages}
        in ({(False, True)}, {(True, False)})
    ),
    reason=Reason.StagesMixed,
)
STAGES_WITH_LOAD: Final = Rule[list[Stage]](
    cel="self.exists(s, duration(s.duration) >= duration('1s') && (has(s.virtualUsers)"
    " ? s.virtualUsers > 0 : has(s.arrivalRate) && s.arrivalRate > 0.0))",
    message="spec.load.stages needs a stage of at least 1s that reaches a virtual user or an arrival rate",
    holds=lambda stages: any(map(_has_load, stages)),
    reason=Reason.StagesEmpty,
)
LONGEST_LOAD: Final = "24h"
STAGES_WITHIN_LONGEST_LOAD: Final = Rule[list[Stage]](
    cel=f"self.map(s, duration(s.duration)).sum() <= duration('{LONGEST_LOAD}')",
    message=f"spec.load.stages must not last longer than {LONGEST_LOAD} in all",
    holds=lambda stages: sum(nanoseconds_of(stage.duration) for stage in stages) <= nanoseconds_of(LONGEST_LOAD),
)
POSITIVE_RATE: Final = Rule[float](
    cel="self > 0.0",
    message="spec.load.arrivalRate must be above 0",
    holds=lambda rate: rate > 0,
    reason=Reason.LoadContradicts,
)


class Load(Value, frozen=True, kw_only=True):
    batch_size: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=1_000_000,
                description="Client records in one uploaded file. Default: the scenario's.",
            ),
        ]
        | None
    ) = None
    virtual_users: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=10_000,
                description="Virtual users of the whole fleet; with an arrival rate, the limit of those at work at"
                " once. Default: the scenario's; with an arrival rate, enough for 30 s of it, at most 1,000.",
            ),
        ]
        | None
    ) = None
    duration: (
        Annotated[
            DurationText,
            Meta(description="Length of the load of a step. Default: the scenario's."),
            rule_annotation(duration_range("spec.load.duration", "1s", LONGEST_LOAD)),
        ]
        | None
    ) = None
    records: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=1_000_000_000_000,
                description="Length of the load as a number of client records, in place of `duration`: exactly so many"
                " are sent, the last batch may be smaller, and what fails is not sent again. The load ends after 24h at"
                " the latest.",
            ),
        ]
        | None
    ) = None
    arrival_rate: (
        Annotated[
            float,
            Meta(
                le=100_000,
                description="Uploads a second of the whole fleet, whatever the target does (open model). Default:"
                " each virtual user uploads again when its last upload has ended (closed model).",
            ),
            rule_annotation(POSITIVE_RATE),
        ]
        | None
    ) = None
    arrivals: (
        Annotated[
            ArrivalProcess,
            Meta(
                description="How arrivals are spaced: evenly, or at random, seeded by spec.records.seed. Default:"
                " constant."
            ),
        ]
        | None
    ) = None
    max_lateness: (
        Annotated[
            DurationText,
            Meta(
                description="How long an arrival that is due waits for a free virtual user before it is dropped."
                " Default: spec.target.timeout."
            ),
            # An arrival that begins within 10 ms of its due time is on time, so a bound near that would drop it.
            rule_annotation(duration_range("spec.load.maxLateness", "100ms", LONGEST_LOAD)),
        ]
        | None
    ) = None
    stages: (
        Annotated[
            list[Stage],
            Meta(
                min_length=1,
                max_length=50,
                description="Load profile instead of `duration` with `virtualUsers` or `arrivalRate`. Default: the"
                " scenario's.",
            ),
            rule_annotation(STAGES_OF_ONE_KIND, STAGES_WITH_LOAD, STAGES_WITHIN_LONGEST_LOAD),
        ]
        | None
    ) = None
    capacity: Annotated[
        Capacity | None,
        Meta(
            description="The climb of scenario capacity: plateaus of rising load, until the first that does not hold"
            " the thresholds. Default: each field's own."
        ),
        rule_annotation(*CLIMB_RULES),
    ] = None
    think_time: Annotated[
        DurationText,
        Meta(description="Pause of a virtual user between two uploads."),
        rule_annotation(duration_range("spec.load.thinkTime", "0s", LONGEST_LOAD)),
    ] = "0s"
    warm_up: Annotated[
        DurationText,
        Meta(description="First part of a step's load that is checked and counted, but not held to thresholds."),
        rule_annotation(duration_range("spec.load.warmUp", "0s", LONGEST_LOAD)),
    ] = "0s"
    graceful_stop: (
        Annotated[
            DurationText,
            Meta(
                description="How long what is in flight at the end of the load is waited for; what then is still"
                " unanswered is cut. Default, and at most: spec.target.timeout."
            ),
        ]
        | None
    ) = None
