"""The spec of a LoadTest as people write it. The CRD's schema is made from these types, see `crd`."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct, field

from loadtest_model.spec.load import Load
from loadtest_model.spec.pod import Pod
from loadtest_model.spec.records import Records
from loadtest_model.spec.retention import Retention
from loadtest_model.spec.rules import rule_annotation
from loadtest_model.spec.target import ONE_TRACEPARENT, ONE_VALUE_FOR_A_HEADER, TLS_NEEDS_HTTPS, Target
from loadtest_model.spec.thresholds import METRICS_BY_UNIT, MOST_THRESHOLDS, Abort, BaselineRuns, ThresholdText
from loadtest_model.spec.verification import Verification
from loadtest_model.values import Value

GROUP: Final = "x-load-test.dev"
VERSION: Final = "v1alpha1"
KIND: Final = "LoadTest"
PLURAL: Final = "loadtests"
API_VERSION: Final = f"{GROUP}/{VERSION}"


class Scenario(StrEnum):
    """A preset of the load; the four in their order, all of them as steps, none, or a climb."""

    LIGHT = "light"
    MEDIUM = "medium"
    HEAVY = "heavy"
    STRESS = "stress"
    ALL = "all"
    CUSTOM = "custom"
    CAPACITY = "capacity"


class Concurrency(StrEnum):
    """What a test does while another one loads the same target."""

    FORBID = "Forbid"
    ALLOW = "Allow"


class Spec(Value, frozen=True, kw_only=True):
    target: Annotated[
        Target,
        Meta(description="The system under test. Required."),
        rule_annotation(TLS_NEEDS_HTTPS, ONE_TRACEPARENT, ONE_VALUE_FOR_A_HEADER),
    ]
    scenario: Annotated[
        Scenario,
        Meta(
            description="Preset of batch size, virtual users, duration and thresholds. light: basic function;"
            " medium: normal load; heavy: high load; stress: a million records; all: these four, one after the"
            " other; custom: only what spec.load says; capacity: plateaus that climb until the thresholds no longer"
            " hold, see spec.load.capacity. Required."
        ),
    ]
    load: Annotated[Load, Meta(description="What differs from the scenario's preset.")] = field(default_factory=Load)
    parallelism: Annotated[int, Meta(ge=1, le=1_000, description="Number of loadgen pods that share the load.")] = 1
    records: Annotated[Records, Meta(description="The synthetic client records.")] = field(default_factory=Records)
    verification: Annotated[Verification, Meta(description="The proof that precedes any load.")] = field(
        default_factory=Verification
    )
    thresholds: (
        Annotated[
            list[ThresholdText],
            Meta(
                max_length=MOST_THRESHOLDS,
                description="Bounds on the merged measurements, such as `p95 < 20s`, `error_rate < 1%`,"
                " `records_per_second > 5000` or, for one step, `heavy.p95 < 20s`; they replace the scenario's"
                " defaults. `p95 < baseline + 10%` compares with earlier runs, see spec.baseline."
                f" {METRICS_BY_UNIT}",
            ),
        ]
        | None
    ) = None
    baseline: Annotated[
        BaselineRuns, Meta(description="The earlier runs that thresholds such as `p95 < baseline + 10%` compare with.")
    ] = field(default_factory=BaselineRuns)
    abort: Annotated[Abort | None, Meta(description="What ends the test before its time. Default: nothing.")] = None
    stop: Annotated[
        bool,
        Meta(
            description="Set to true to end a running test: uploads in flight are finished. Set it to false again"
            " together with a new runId."
        ),
    ] = False
    suspend: Annotated[bool, Meta(description="While true, a test that has not started waits in phase Queued.")] = False
    concurrency: Annotated[
        Concurrency,
        Meta(
            description="Forbid: wait in phase Queued while another test loads the same target, whatever host the other"
            " names it by. Allow: start at once."
        ),
    ] = Concurrency.FORBID
    debug: Annotated[
        bool,
        Meta(
            description="Log every upload: its size, its status, the first 200 characters of the answer, and where the"
            " time went; in the log of each pod, a line of JSON with the event `upload`. The token is taken out. For"
            " looking, not for measuring: it costs the generator time."
        ),
    ] = False
    run_id: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?\Z",
                max_length=63,
                description="Names a run of this test, such as the release v1.2.3 that is tested. A completed test runs"
                " again only with another run id. Default: 1.",
            ),
        ]
        | None
    ) = None
    pod: Annotated[Pod, Meta(description="The loadgen pods: their resources, place, labels, names and mesh.")] = field(
        default_factory=Pod
    )
    results: Annotated[
        Retention,
        Meta(
            description="How long the results of runs are kept, and the test itself. It may be changed at any time,"
            " because it changes no run."
        ),
    ] = field(default_factory=Retention)
    ttl_seconds_after_finished: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2_592_000,
                description="Seconds after which Job and pods of a completed test are removed; the LoadTest stays."
                " Default: they stay as long as the LoadTest.",
            ),
        ]
        | None
    ) = None


class Identity(Struct, frozen=True, kw_only=True):
    """Which resource a spec came from."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
