"""The pods of a run as one: who is there, who can be spoken to, and what the fleet as a whole has come to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

from msgspec import structs

from loadtest_model.judgement.health import NO_EVICTIONS, Evictions
from loadtest_model.judgement.workload import TargetWatch
from loadtest_model.measurement.aggregate import Aggregate, merge_snapshots, with_departed_addresses
from loadtest_model.measurement.proof import ReadBackReport, read_back_conclusion
from loadtest_model.measurement.snapshot import (
    PodState,
    ProofLevel,
    RefusedAddress,
    Snapshot,
    TargetMemory,
    VerificationReport,
)
from loadtest_model.measurement.spread import OTHER_ADDRESSES
from loadtest_model.measurement.timeline import Series, with_series
from loadtest_model.plan import Plan, unseen_endpoints
from loadtest_model.plan.mesh import mesh_notice
from loadtest_model.report.status import PodCounts, StatusVerification
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.observation import ObservedPod
from loadtest_operator.facts.texts import shorten

_PROOF_RANK = {ProofLevel.NONE: 0, ProofLevel.ACKNOWLEDGED: 1, ProofLevel.ECHOED: 2, ProofLevel.PROVEN: 3}
_LOAD_OVER = frozenset({PodState.LOADED, PodState.CONCLUDING})
_MOST_LISTED = 16


@dataclass(frozen=True)
class Fleet:
    """All pods of one run, and their seconds in sum; `target_watch` is what was seen of the target's workload,
    `endpoints` what is behind its Service now, where that is known, `evictions` those of its pods.

    `lost_seconds` is how long a running pod may be silent before it counts as lost.
    """

    plan: Plan
    pods: tuple[ObservedPod, ...]
    lost_seconds: float
    series: Series = ()
    target_watch: TargetWatch | None = None
    endpoints: Endpoints | None = None
    evictions: Evictions = NO_EVICTIONS

    @cached_property
    def by_index(self) -> dict[int, ObservedPod]:
        return {pod.index: pod for pod in self.pods}

    @cached_property
    def first_prover(self) -> ObservedPod | None:
        """The pod that verifies an address before all others: the first whose load is not over."""
        over = (pod for pod in self.pods if pod.has_ended or pod.has_last_snapshot or pod.state in _LOAD_OVER)
        over_indexes = {pod.index for pod in over}
        return next((pod for index, pod in sorted(self.by_index.items()) if index not in over_indexes), None)

    @cached_property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The newest snapshot of each pod that was ever heard, without its seconds."""
        return tuple(pod.snapshot for pod in self.pods if pod.snapshot is not None)

    @cached_property
    def absent_indexes(self) -> tuple[int, ...]:
        """Indexes of which there is no trace."""
        return tuple(index for index in range(self.plan.parallelism) if index not in self.by_index)

    @cached_property
    def reachable_pods(self) -> tuple[ObservedPod, ...]:
        return tuple(pod for pod in self.pods if pod.is_reachable)

    def in_state(self, *states: PodState) -> tuple[ObservedPod, ...]:
        """The reachable pods in one of these states."""
        return tuple(pod for pod in self.reachable_pods if pod.state in states)

    def is_lost(self, pod: ObservedPod) -> bool:
        """Whether what a pod measured last can no longer be had."""
        if pod.has_last_snapshot:
            return False
        return pod.has_ended or (pod.is_running and not pod.is_reachable and pod.silent_seconds >= self.lost_seconds)

    def is_settled(self, pod: ObservedPod) -> bool:
        """Whether nothing more can come from a pod: its last snapshot is known, it is lost, or it never ran."""
        return pod.has_last_snapshot or self.is_lost(pod) or not (pod.is_running or pod.has_ended)

    @cached_property
    def aggregate(self) -> Aggregate:
        merged = merge_snapshots(self.snapshots)
        points = self.target_watch.memory_points if self.target_watch else ()
        if points:
            # What the metrics API says of the pods comes before what one process says of itself.
            merged = structs.replace(merged, target_memory=TargetMemory(points=points))
        return with_departed_addresses(with_series(merged, self.series), self._departed_addresses(merged))

    def _departed_addresses(self, aggregate: Aggregate) -> frozenset[str]:
        """Addresses that were loaded and are no longer the target's, not even as ones that are not ready."""
        current = self.endpoints
        if current is None or not (current.addresses or current.problem):
            return frozenset()
        loaded = {address for step in aggregate.steps for address in step.addresses}
        return frozenset(loaded - {OTHER_ADDRESSES, *current.addresses, *current.unready_addresses})

    @property
    def _vanished_addresses(self) -> tuple[str, ...]:
        return _distinct(report.vanished for report in self.reports)

    @property
    def refused_addresses(self) -> tuple[RefusedAddress, ...]:
        """Why addresses that came later are not proven; of each the first that a pod tells of."""
        refusals: dict[str, RefusedAddress] = {}
        for report in self.reports:
            for refused in report.refused_addresses:
                refusals.setdefault(refused.address, refused)
        return tuple(refusals.values())

    @property
    def elapsed_seconds(self) -> float:
        """Since the common start, up to the end of the load; 0 without a start."""
        return max((snapshot.elapsed_seconds for snapshot in self.snapshots), default=0.0)

    @cached_property
    def reports(self) -> tuple[VerificationReport, ...]:
        return tuple(
            pod.snapshot.verification
            for pod in sorted(self.pods, key=lambda pod: pod.index)
            if pod.snapshot is not None and pod.snapshot.verification is not None
        )

    @cached_property
    def refusal(self) -> VerificationReport | None:
        """The first report that refused the target."""
        return next((report for report in self.reports if report.refusal is not None), None)

    @property
    def read_back(self) -> ReadBackReport | None:
        """What was read of the target's storage; one pod does it for all."""
        return next((report.read_back for report in self.reports if report.read_back is not None), None)

    @cached_property
    def reader(self) -> ObservedPod | None:
        """The pod that reads back, once its own load is over and until its last snapshot is known."""
        return next((pod for pod in self.pods if pod.state in _LOAD_OVER and not pod.has_last_snapshot), None)

    @property
    def load_is_over(self) -> bool:
        """Whether no pod has an upload in flight or to come, and only the reader is left to wait for."""
        reader = self.reader
        return (
            reader is not None
            and not self.absent_indexes
            and all(self.is_settled(pod) or pod is reader for pod in self.pods)
        )

    @property
    def has_finished(self) -> bool:
        """Whether every pod's load ran to its natural end, which nothing can stop any more."""
        steps = self.aggregate.steps
        return len(steps) == len(self.plan.steps) and all(step.finished_pods >= self.plan.parallelism for step in steps)

    @property
    def notice(self) -> str:
        """What lowers the claim: endpoints nobody could read, a mesh, or what else stands beside the generators."""
        beside = mesh_notice(
            self.plan, tuple(dict.fromkeys(name for pod in self.pods for name in pod.other_containers))
        )
        return "; ".join(
            part for part in (unseen_endpoints.NOTICE if self.plan.unseen_endpoints else "", beside) if part
        )

    @property
    def is_verified(self) -> bool:
        reports = self.reports
        return len(reports) == self.plan.parallelism and all(report.is_proven for report in reports)

    @cached_property
    def counts(self) -> PodCounts:
        states = [pod.state for pod in self.pods]
        failed = sum(
            1
            for pod in self.pods
            if pod.state in (PodState.REFUSED, PodState.HALTED) or pod.has_crashed or self.is_lost(pod)
        )
        return PodCounts(
            desired=self.plan.parallelism,
            started=sum(pod.is_running or pod.has_ended for pod in self.pods),
            verified=sum(report.is_proven for report in self.reports),
            running=sum(
                (pod.state is PodState.RUNNING or pod is self.reader) and not pod.has_ended for pod in self.pods
            ),
            succeeded=states.count(PodState.DONE),
            failed=failed,
        )

    @cached_property
    def proof(self) -> VerificationReport | None:
        """What all pods' verifications showed, as one report: the weakest level, or the refusal."""
        reports = self.reports
        if not reports:
            return None
        first = self.refusal or min(reports, key=lambda report: _PROOF_RANK[report.level])
        return VerificationReport(
            level=first.level,
            refusal=first.refusal,
            cause=first.cause,
            message=first.message,
            hint=first.hint,
            canary_ids=self._canaries(reports),
            id_column=first.id_column,
            addresses=_distinct(report.addresses for report in reports),
            uploads=sum(report.uploads for report in reports),
            rows=sum(report.rows for report in reports),
            unverified=_distinct(report.unverified for report in reports),
            refused_addresses=self.refused_addresses,
            vanished=self._vanished_addresses,
            unechoed=sum(report.unechoed for report in reports),
            read_back=self.read_back,
        )

    def _canaries(self, reports: Sequence[VerificationReport]) -> tuple[str, ...]:
        """Those of a violation first, then each pod's likeliest to be stored: the status keeps the beginning alone."""
        violated = {violation.first_client_id for violation in self.aggregate.violations}
        columns = zip_longest(*(report.canary_ids for report in reports), fillvalue="")
        canaries = _distinct(tuple(filter(None, column)) for column in columns)
        return tuple(sorted(canaries, key=lambda canary: canary not in violated))


def verified_status(report: VerificationReport | None, notice: str = "") -> StatusVerification | None:
    """A verification report as the status shows it, with what lowers the claim."""
    if report is None:
        return None
    return StatusVerification(
        level=report.reached_level,
        message="" if report.is_proven else shorten(report.message),
        hint=shorten(report.hint),
        canary_ids=report.canary_ids[:_MOST_LISTED],
        id_column=report.id_column,
        addresses=report.addresses[:_MOST_LISTED],
        uploads=report.uploads,
        rows=report.rows,
        unverified=report.unverified[:_MOST_LISTED],
        vanished=report.vanished[:_MOST_LISTED],
        unechoed=report.unechoed,
        read_back=shorten(read_back_conclusion(report.read_back).message) if report.read_back else "",
        notice=shorten(notice),
    )


def join_names(names: list[str], limit: int = 5) -> str:
    """Names in a sentence, the rest of a long list as a number."""
    beginning = ", ".join(names[:limit])
    return beginning if len(names) <= limit else f"{beginning} and {len(names) - limit} more"


def _distinct(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))
