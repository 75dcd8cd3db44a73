"""The load: batch size, virtual users, and how they change."""

from typing import Annotated

from msgspec import Meta

from loadtest_model.spec.parts import rule, rules
from loadtest_model.values import DurationText, Value


class Stage(Value, frozen=True, kw_only=True):
    duration: Annotated[DurationText, Meta(description="Length of the stage; 0s jumps at once.")]
    virtual_users: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Virtual users of the whole fleet at the end of the stage; within it the number changes"
            " linearly from the end of the stage before (from 0 at first).",
        ),
    ]


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
            Meta(ge=1, le=10_000, description="Virtual users of the whole fleet. Default: the scenario's."),
        ]
        | None
    ) = None
    duration: (
        Annotated[
            DurationText,
            Meta(
                description="Length of the load of a step. Default: the scenario's.",
                extra_json_schema=rules(
                    rule(
                        "duration(self) >= duration('1s') && duration(self) <= duration('24h')",
                        "spec.load.duration must lie between 1s and 24h",
                    )
                ),
            ),
        ]
        | None
    ) = None
    stages: (
        Annotated[
            list[Stage],
            Meta(
                min_length=1,
                max_length=50,
                description="Load profile instead of `duration` and `virtualUsers`. Default: the scenario's.",
                extra_json_schema=rules(
                    rule(
                        "self.exists(s, duration(s.duration) >= duration('1s') && s.virtualUsers > 0)",
                        "spec.load.stages needs a stage of at least 1s that reaches a virtual user",
                    )
                ),
            ),
        ]
        | None
    ) = None
    think_time: Annotated[DurationText, Meta(description="Pause of a virtual user between two uploads.")] = "0s"
    warm_up: Annotated[
        DurationText,
        Meta(description="First part of a step's load that is checked and counted, but not held to thresholds."),
    ] = "0s"
