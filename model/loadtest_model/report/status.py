"""The status of a LoadTest as the operator writes it and pipelines read it."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.judgement.health import Health
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.judgement.workload import TargetWatch
from loadtest_model.load.arrivals import ArrivalProcess
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import ProofLevel
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.reasons import Reason
from loadtest_model.report.afterwards import MOST_WEBHOOKS, StatusArchive, StatusMessage
from loadtest_model.report.capacity import StatusCapacity
from loadtest_model.report.figures import RecordCounts, Requests
from loadtest_model.report.status_summary import StatusSummary
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_model.values import WireValue

Text = Annotated[str, Meta(max_length=1024)]
Count = Annotated[int, Meta(ge=0)]


class Phase(StrEnum):
    """A summary for people; programs read the conditions."""

    QUEUED = Reason.Queued
    STARTING = Reason.Starting
    VERIFYING = Reason.Verifying
    RUNNING = Reason.Running
    STOPPING = Reason.Stopping
    COMPLETED = "Completed"


class ConditionType(StrEnum):
    VERIFIED = "Verified"
    RUNNING = "Running"
    RESULTS_COMPLETE = "ResultsComplete"
    COMPLETED = "Completed"
    SUCCEEDED = "Succeeded"
    READY = "Ready"
    STALLED = "Stalled"


class ConditionStatus(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """A condition in the form of Kubernetes' API conventions."""

    type: ConditionType
    status: ConditionStatus
    reason: Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    message: Text
    last_transition_time: str
    observed_generation: int

    @property
    def is_true(self) -> bool:
        return self.status is ConditionStatus.TRUE

    @property
    def is_false(self) -> bool:
        return self.status is ConditionStatus.FALSE


EVICTED_KEPT: Final = 8
EVICTED_LENGTH: Final = 160


class PodCounts(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """How many pods the run has, how many of them were started, how many have proven the target, and how many load it,
    finished their share or failed.
    """

    desired: Count = 0
    started: Count = 0
    verified: Count = 0
    running: Count = 0
    succeeded: Count = 0
    failed: Count = 0


class StatusProgress(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """How far the load is. `errors` leave out the uploads that the test itself cut.

    Of a load that is a number of records, `total_seconds` is foreseen from how many were due so far.
    """

    step: str
    elapsed_seconds: float
    total_seconds: float
    percent: float
    virtual_users: int
    records_per_second: float
    records_confirmed: int
    p95_seconds: float | None
    error_rate: float | None
    errors: int


class Columns(WireValue, frozen=True, kw_only=True):
    """What kubectl's columns show, as texts for people; programs read `progress` and `pods`."""

    progress: str = ""
    records_per_second: str = ""
    p95: str = ""
    capacity: str = ""


class StatusStart(WireValue, frozen=True, kw_only=True):
    """The point of no return: once a start id stands here, this run is never started again.

    `skew_seconds` bounds from above how far apart the pods began.
    """

    start_id: str
    at: str
    skew_seconds: float | None = None


class StatusVerification(WireValue, frozen=True, kw_only=True):
    """What the verification showed and what it sent. `canary_ids` name rows that may be stored if it failed, by
    `id_column` of the file.

    `message` and `hint` are those of a refusal; of a proven target the condition `Verified` tells.
    """

    level: ProofLevel
    message: Text = ""
    hint: Text = ""
    canary_ids: Annotated[tuple[str, ...], Meta(max_length=16)] = ()
    id_column: Annotated[str, Meta(description="The file's name of the column with the ids of canaryIds.")] = (
        "client_id"
    )
    addresses: Annotated[tuple[str, ...], Meta(max_length=16)] = ()
    uploads: Count = 0
    rows: Count = 0
    unverified: Annotated[
        tuple[str, ...],
        Meta(
            max_length=16,
            description="Addresses that came after the first verification, failed their own, and were not used.",
        ),
    ] = ()
    vanished: Annotated[
        tuple[str, ...], Meta(max_length=16, description="Addresses that were proven and vanished while the load ran.")
    ] = ()
    unechoed: Annotated[
        Count,
        Meta(description="Accepted uploads whose answers lacked the nonce that the verification's answers returned."),
    ] = 0
    read_back: Annotated[
        str, Meta(max_length=1024, description="What was read of the target's storage, and what it shows.")
    ] = ""
    notice: Annotated[
        str, Meta(max_length=1024, description="What lowers the claim: a mesh between, endpoints nobody could read.")
    ] = ""


class PlannedStage(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """Virtual users, or in the open model uploads due a second, at the beginning and the end of a stage."""

    duration_seconds: float
    first_users: int | None = None
    last_users: int | None = None
    first_per_second: float | None = None
    last_per_second: float | None = None


class PlannedStep(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """With `arrivals` the model is open and `virtual_users` a limit; with `records`, the duration only bounds them."""

    name: str
    batch_size: int
    virtual_users: int
    duration_seconds: float
    stages: tuple[PlannedStage, ...] = ()
    thresholds: tuple[str, ...] = ()
    records: int | None = None
    arrivals: ArrivalProcess | None = None


class EffectivePlan(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """What the spec came to, the scenario's defaults included. `exposed_rows` could at worst go out unproven."""

    scenario: str
    parallelism: int
    seed: int
    exposed_rows: int
    steps: Annotated[tuple[PlannedStep, ...], Meta(max_length=8)]


class StepResult(WireValue, frozen=True, kw_only=True):
    """What one of several steps came to; the results have it in full."""

    name: str
    verdict: Verdict
    records_confirmed: Count
    records_per_second: float
    p95_seconds: float | None = None
    error_rate: float | None = None
    requests: Requests | None = None
    records: RecordCounts | None = None
    errors: dict[ErrorKind, int] = {}


class Results(WireValue, frozen=True, kw_only=True):
    config_map: Annotated[str, Meta(max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\Z")]


class Status(WireValue, frozen=True, kw_only=True):
    at_a_glance: Annotated[
        tuple[str, ...],
        Meta(max_length=32, description="The story of an ended test in a few lines, for `kubectl describe`."),
    ] = ()
    columns: Annotated[Columns | None, Meta(description="What kubectl's columns show, with units.")] = None
    observed_generation: Annotated[int, Meta(description="The generation of the spec that this status is about.")] = -1
    phase: Annotated[Phase, Meta(description="Where the test stands, for people; programs read the conditions.")] = (
        Phase.QUEUED
    )
    reason: Annotated[
        str | None,
        Meta(description="Why it stands there, in a word from docs/operator.md; absent while all goes its way."),
    ] = None
    message: Annotated[Text, Meta(description="What happens now, or what came of it, in a sentence.")] = ""
    run_id: Annotated[str | None, Meta(description="The run that this status is about.")] = None
    plan_hash: Annotated[str | None, Meta(description="Digest of the plan that the pods were given.")] = None
    plan: Annotated[
        EffectivePlan | None,
        Meta(
            description="What the spec came to, the scenario's defaults included; exposedRows could at worst go"
            " out unproven."
        ),
    ] = None
    queued_at: Annotated[str | None, Meta(description="Since when the test waits for its turn.")] = None
    started_at: Annotated[str | None, Meta(description="When the load began.")] = None
    completed_at: Annotated[str | None, Meta(description="When the test ended.")] = None
    conditions: Annotated[
        tuple[Condition, ...], Meta(max_length=16, description="The machine-readable truth: one entry for each kind.")
    ] = ()
    verdict: Annotated[Verdict | None, Meta(description="Passed, Failed or Inconclusive, once the test has ended.")] = (
        None
    )
    reason_class: Annotated[
        ReasonClass | None,
        Meta(
            description="Load if the load began. Otherwise nothing was loaded: Verification (the test asked for the"
            " proof alone, and has it), Refused (the target was not proven), Misconfigured (the test), NotPermitted, or"
            " Prevented (by the cluster, the line or a person)."
        ),
    ] = None
    reasons: Annotated[
        tuple[Text, ...], Meta(max_length=16, description="What decided the verdict, the gravest first.")
    ] = ()
    steps: Annotated[
        tuple[StepResult, ...],
        Meta(max_length=8, description="What each step of several came to; the run is judged by the worst of them."),
    ] = ()
    pods: Annotated[PodCounts | None, Meta(description="How many pods the run has, and where they stand.")] = None
    progress: Annotated[
        StatusProgress | None,
        Meta(
            description="How far the load is. While it runs, p95, errors and error rate are those of the current step,"
            " and records a second those of its last ten seconds; at the end they are those of the whole run."
        ),
    ] = None
    start: Annotated[
        StatusStart | None,
        Meta(description="The point of no return; skewSeconds bounds from above how far apart the pods began."),
    ] = None
    verification: Annotated[
        StatusVerification | None,
        Meta(
            description="What was proven of the target, and what that sent; canaryIds name rows that may be stored"
            " if it failed."
        ),
    ] = None
    thresholds: Annotated[
        tuple[ThresholdResult, ...],
        Meta(max_length=160, description="Each bound with what was measured, while the load runs and after it."),
    ] = ()
    capacity: Annotated[
        StatusCapacity | None,
        Meta(description="How much the target can take, of scenario capacity: while it climbs, and at the end."),
    ] = None
    health: Annotated[Health | None, Meta(description="Signs of the target's health, each with its evidence.")] = None
    target: Annotated[
        TargetWatch | None, Meta(description="What was seen of spec.target.workload since the load began.")
    ] = None
    evicted: Annotated[
        tuple[Annotated[str, Meta(max_length=EVICTED_LENGTH)], ...],
        Meta(
            max_length=EVICTED_KEPT,
            description="Pods of the target that somebody evicted while the load ran (DisruptionTarget), with the"
            " reason.",
        ),
    ] = ()
    summary: Annotated[
        StatusSummary | None,
        Meta(description="What was measured in the whole run; the results have it in full, with every step."),
    ] = None
    results: Annotated[Results | None, Meta(description="Where the results are kept.")] = None
    expires_at: Annotated[
        str | None, Meta(description="When the operator deletes the test and its results, by spec.results.ttl.")
    ] = None
    messages: Annotated[
        tuple[StatusMessage, ...],
        Meta(
            max_length=MOST_WEBHOOKS,
            description="What became of the messages about the end, which the operator sends to the installation's"
            " webhooks.",
        ),
    ] = ()
    archive: Annotated[
        StatusArchive | None,
        Meta(description="Where the files of the run were archived, if the installation archives them."),
    ] = None

    def condition(self, kind: ConditionType) -> Condition | None:
        return next((condition for condition in self.conditions if condition.type == kind), None)


NO_OPERATOR_MESSAGE: Final = (
    "no operator has looked at this test yet; it waits for one that watches this namespace and is at work (of several"
    " replicas another takes over within 15 s); to see whether there is one: kubectl get deployments -A -l"
    " app.kubernetes.io/name=loadtest-operator"
)
"""What the API server says of a test until an operator has."""

STATUS_LIMIT_BYTES: Final = 8_192

LOAD_RUNS: Final = "the load runs"
"""The message while a load goes its way; how far it is stands in the progress."""
