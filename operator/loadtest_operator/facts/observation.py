"""What one look at a LoadTest and everything that belongs to it shows. Values only; `observe` makes them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from loadtest_model.baseline.earlier_runs import Baseline
from loadtest_model.judgement.abort import AbortWatch
from loadtest_model.judgement.workload import TargetWatch
from loadtest_model.measurement.snapshot import PodState, Snapshot
from loadtest_model.measurement.timeline import Series
from loadtest_model.plan import Plan
from loadtest_model.report.afterwards import StatusArchive, StatusMessage
from loadtest_model.report.status import Condition, ConditionType, Phase, Results, StatusStart
from loadtest_model.spec import Identity, Spec
from loadtest_model.values import WireValue
from loadtest_operator.facts.destinations import Destinations
from loadtest_operator.facts.disruptions import Eviction
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.secret_access import SecretAccess
from loadtest_operator.facts.templates import ObservedTemplate
from loadtest_operator.facts.workload import WorkloadLook
from loadtest_operator.policy.line import Turn
from loadtest_operator.policy.webhook_rules import WebhookRule


class RecordedStatus(WireValue, frozen=True, kw_only=True):
    """What the decisions need of the status that stands in the resource."""

    observed_generation: int = -1
    phase: Phase | None = None
    run_id: str | None = None
    plan_hash: str | None = None
    queued_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    conditions: tuple[Condition, ...] = ()
    start: StatusStart | None = None
    target: TargetWatch | None = None
    evicted: tuple[str, ...] = ()
    verdict: str | None = None
    results: Results | None = None
    expires_at: str | None = None
    messages: tuple[StatusMessage, ...] = ()
    archive: StatusArchive | None = None

    def condition(self, kind: ConditionType) -> Condition | None:
        return next((condition for condition in self.conditions if condition.type == kind), None)

    @property
    def results_name(self) -> str:
        """The ConfigMap of the run's results; empty if there is none."""
        return self.results.config_map if self.results is not None else ""


@dataclass(frozen=True)
class ObservedTest:
    """The LoadTest. `spec` is None if it cannot be read, and `spec_error` says why.

    `status` is the status as it stands in the resource, `record` what decisions need of it.
    """

    identity: Identity
    generation: int
    resource_version: str
    spec: Spec | None
    spec_error: str
    record: RecordedStatus
    finished_run: str | None
    newer_fields: tuple[str, ...] = ()
    status: dict[str, Any] = field(default_factory=dict)
    is_deleting: bool = False
    created_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ObservedJob:
    """A Job that carries the test's label. `plan` is the one its pods were given."""

    name: str
    uid: str
    run_id: str
    is_owned: bool
    created_at: datetime
    plan: Plan | None
    is_deleting: bool = False
    failure: str = ""
    failure_message: str = ""
    is_complete: bool = False

    @property
    def has_ended(self) -> bool:
        return self.is_complete or bool(self.failure)


@dataclass(frozen=True)
class ObservedNetworkPolicy:
    """A NetworkPolicy that carries the test's label."""

    name: str
    uid: str


@dataclass(frozen=True)
class ObservedResults:
    """The results ConfigMap of a run of the test. `archived_under` is where its files were archived; it may be empty.

    `archive_failure` says why the last attempt to archive it failed. `verdict` is empty if an earlier version wrote it.
    """

    name: str
    uid: str
    created_at: datetime
    run_id: str = ""
    verdict: str = ""
    archived_under: str = ""
    archive_failure: str = ""


@dataclass(frozen=True)
class ContainerEnd:
    """How a pod's container ended.

    `has_last_word` says whether its final snapshot could be read from its message; otherwise `message` is what stood
    there.
    """

    exit_code: int
    reason: str
    has_last_word: bool = False
    message: str = ""


@dataclass(frozen=True)
class ObservedPod:
    """One pod of the run, or what is remembered of one that is gone.

    `snapshot` is the newest known; its seconds stand in the observation's series. `is_reachable` says whether it
    answered just now; a running pod that did not has been silent for `silent_seconds`. `waits_for` explains why its
    container does not run. `has_lingering_sidecar` says that another container, a sidecar, lives on although the
    generator has ended; `other_containers` are the containers that run with the generator and are not ours.
    `is_left_behind` says that it should have ended long ago and nobody removes it, as on a node that is gone. The
    limits are the generator's, where it has any. `eviction_reason` says why it is being taken away.
    """

    index: int
    name: str
    uid: str
    ip: str | None
    run_id: str
    is_running: bool = False
    is_gone: bool = False
    is_deleting: bool = False
    waits_for: str = ""
    has_crashed: bool = False
    has_lingering_sidecar: bool = False
    other_containers: tuple[str, ...] = ()
    is_left_behind: bool = False
    cpu_limit_cores: float | None = None
    memory_limit: str = ""
    container_end: ContainerEnd | None = None
    eviction_reason: str = ""
    snapshot: Snapshot | None = None
    is_reachable: bool = False
    silent_seconds: float = 0.0

    @property
    def state(self) -> PodState | None:
        return self.snapshot.state if self.snapshot else None

    @property
    def has_ended(self) -> bool:
        """Whether its process has ended."""
        return self.is_gone or self.container_end is not None

    @property
    def has_last_snapshot(self) -> bool:
        """Whether nothing that it measured is missing."""
        if self.container_end is not None and self.container_end.has_last_word:
            return True
        return self.snapshot is not None and self.snapshot.final


@dataclass(frozen=True)
class Complaint:
    """The latest warning that an Event has of the Job or of a pod, by the UID of what it is about."""

    uid: str
    reason: str
    message: str


@dataclass(frozen=True)
class Observation:
    """Everything a decision is made from. `pods` are those of the current run, by index, one for an index; `series`
    are their seconds in sum, by step.

    `abort_watch` is what earlier looks found of the bounds that would abort the run; it may have been lost.
    `api_server` are the API server's own endpoints, as `ip:port`, where they may be read. `secret_access` was
    looked for only where the test names Secrets and has no Job yet, `records_template` only where it names one.
    `turn` says whether a test that has not begun may, and `target_identities` what its target is known by.
    `complaints` are about a fleet that does not run yet. `workload` is the target's, where it was looked at; under
    load `endpoints` are those that were seen last, known since an instant on the operator's monotonic clock,
    `evictions` are all that were seen of the target's pods, and `target_watch` is what earlier looks made of the
    workload, where that was not lost. `destinations` are where the spec's URLs lead, looked up before there is a
    Job; `network_policies` and the `results` of all runs are looked for once the test is over; `archives_results`
    says whether the installation archives them. `webhooks` are those of the installation, and `message_ends` says
    what became of messages about this run. `baseline` has the earlier runs that thresholds compare with; it is
    read once the load has begun, if any does.
    """

    test: ObservedTest
    now: datetime
    run_id: str
    job: ObservedJob | None = None
    other_jobs: tuple[ObservedJob, ...] = ()
    other_pods_active: bool = False
    pods: tuple[ObservedPod, ...] = ()
    series: Series = ()
    endpoints: Endpoints | None = None
    endpoints_known_at: float | None = None
    evictions: tuple[Eviction, ...] = ()
    workload: WorkloadLook | None = None
    target_watch: TargetWatch | None = None
    destinations: Destinations = field(default_factory=Destinations)
    network_policies: tuple[ObservedNetworkPolicy, ...] = ()
    api_server: tuple[str, ...] = ()
    records_template: ObservedTemplate | None = None
    secret_access: SecretAccess = field(default_factory=SecretAccess)
    command_digests: dict[str, str] = field(default_factory=dict)
    abort_watch: AbortWatch = field(default_factory=AbortWatch)
    turn: Turn = field(default_factory=Turn)
    target_identities: tuple[str, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    results: tuple[ObservedResults, ...] = ()
    archives_results: bool = False
    webhooks: tuple[WebhookRule, ...] = ()
    message_ends: tuple[StatusMessage, ...] = ()
    baseline: Baseline | None = None

    def seconds_since(self, instant: datetime) -> float:
        return (self.now - instant).total_seconds()
