"""What a run came to, in one page, as people and programs read it."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, structs

from loadtest_model.baseline.blocks import StepBlocks, blocks_of
from loadtest_model.baseline.traits import Traits, traits_of
from loadtest_model.judgement.diagnoses import MOST_DIAGNOSES as DIAGNOSES_KEPT
from loadtest_model.judgement.diagnoses import Diagnosis, diagnose_run
from loadtest_model.judgement.health import Health, assess_step
from loadtest_model.judgement.judged_thresholds import judged_seconds
from loadtest_model.judgement.own_limits import own_limits
from loadtest_model.judgement.verdict import Judgement, StepJudgement, Verdict
from loadtest_model.judgement.workload import MOST_IMAGES, TargetWatch
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.proof import read_back_conclusion
from loadtest_model.measurement.snapshot import ProofLevel, Snapshot, VerificationReport
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.measurement.step import StepAggregate, merged_step
from loadtest_model.plan import Plan, Step
from loadtest_model.quantities import clip_middle
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.report.capacity import CapacitySummary, capacity_summary
from loadtest_model.report.details import DistributionPoint, PlateauSummary, PodSummary, SlowUpload
from loadtest_model.report.distributions import distribution_of, plateau_summaries
from loadtest_model.report.figures import (
    PartsTimes,
    RecordCounts,
    Requests,
    Throughput,
    Times,
    parts_of,
    records_of,
    requests_of,
    throughput_of,
    times_of,
)
from loadtest_model.report.pod_figures import pod_summaries, slow_uploads
from loadtest_model.secrecy import public_url
from loadtest_model.thresholds.bounds import ThresholdResult

SUMMARY_SCHEMA: Final = 1
ADDRESSES_KEPT: Final = 16
READ_BACK_KEPT: Final = 1_024


class Proof(Struct, frozen=True, kw_only=True):
    """What the verification showed; its own uploads are no part of `requests`.

    `unverified` are addresses that came later, failed their verification and were not used; `vanished` were
    proven once. `unechoed` are accepted uploads whose answers lacked the nonce that the verification's had returned;
    they take the level Echoed away. `read_back` says what was read of the target's storage, empty if nothing was.
    `notice` says what lowers the claim, empty if nothing does: endpoints that nobody could read, a mesh between.
    """

    level: ProofLevel
    uploads: int
    rows: int
    unverified: Annotated[tuple[str, ...], Meta(max_length=16)] = ()
    vanished: Annotated[tuple[str, ...], Meta(max_length=16)] = ()
    unechoed: int = 0
    read_back: Annotated[str, Meta(max_length=1024)] = ""
    notice: Annotated[str, Meta(max_length=1024)] = ""


class Generator(Struct, frozen=True, kw_only=True):
    """How the generator fared, over all pods; event-loop lag and throttling are those of the worst pod.

    `throttled_share` is None if the system does not tell, and `cpu_limit_cores` also if there is no limit.
    """

    notes: tuple[str, ...]
    offered_share: float
    memory_bytes: int
    cpu_seconds: float
    max_loop_lag_seconds: float
    throttled_share: float | None = None
    cpu_limit_cores: float | None = None


class TargetUse(Struct, frozen=True, kw_only=True):
    """What was seen of the target itself; None if it was not measured.

    `memory_bytes` and `cpu_cores` are the most it held and used; `not_measurable` says why they were looked for in
    vain, or not to the end. The rest is of `spec.target.workload` while the load ran: how often its containers ended,
    how often for lack of memory, how many pods came in another's place, whether it was rolled out, how long fewer pods
    were ready than at the start, and the digests of the images that ran.
    """

    memory_bytes: int | None = None
    cpu_cores: float | None = None
    restarts: int | None = None
    oom_kills: int | None = None
    replaced_pods: int | None = None
    rolled_out: bool | None = None
    not_ready_seconds: float | None = None
    images: Annotated[tuple[str, ...], Meta(max_length=2 * MOST_IMAGES)] = ()
    not_measurable: Annotated[str, Meta(max_length=256)] = ""


class StepSummary(Struct, frozen=True, kw_only=True):
    """One step. Counts and `addresses` are of all of it, rates and times of what follows the warm-up.

    `health` is None of a step that no upload was due in, as that of a run without a load is.
    """

    name: str
    verdict: Verdict
    reasons: Annotated[tuple[str, ...], Meta(max_length=16)]
    load_seconds: float
    virtual_users: int
    batch_size: int
    requests: Requests
    records: RecordCounts
    error_rate: float | None
    success_rate: float | None
    errors: dict[ErrorKind, int]
    response_time_seconds: Times
    service_time_seconds: Times
    parts_seconds: PartsTimes
    addresses: dict[str, AddressCounts]
    throughput: Throughput
    health: Health | None
    distribution: tuple[DistributionPoint, ...] = ()
    plateaus: tuple[PlateauSummary, ...] = ()
    blocks: StepBlocks | None = None


class Summary(Struct, frozen=True, kw_only=True):
    """The run in one page. Its keys are the same in the status, in the results and in a local run's file.

    `reason_class` is another than Load if nothing was loaded. `target_url` is the URL that the test names, without the
    values of its query. `run_id` tells this run from others of the same test. Both are empty in a summary of a version
    that did not write them. `manifest` is the test as YAML, without the values that may be secrets. `distribution`,
    `pods` and `slowest` are in results and files, not in the status. `capacity` is what a climb came to, and None of
    other scenarios. `traits` and each step's `blocks` are what later runs are compared by.
    """

    schema_version: Literal[1]
    name: str
    scenario: str
    started_at: str | None
    duration_seconds: float
    verdict: Verdict
    reasons: Annotated[tuple[str, ...], Meta(max_length=16)]
    health: Health | None
    diagnoses: Annotated[tuple[Diagnosis, ...], Meta(max_length=DIAGNOSES_KEPT)]
    verification: Proof
    requests: Requests
    records: RecordCounts
    error_rate: float | None
    success_rate: float | None
    errors: dict[ErrorKind, int]
    response_time_seconds: Times
    service_time_seconds: Times
    throughput: Throughput
    thresholds: tuple[ThresholdResult, ...]
    steps: tuple[StepSummary, ...]
    generator: Generator
    target: TargetUse
    reason_class: ReasonClass = ReasonClass.LOAD
    target_url: str = ""
    run_id: str = ""
    manifest: str = ""
    distribution: tuple[DistributionPoint, ...] = ()
    pods: tuple[PodSummary, ...] = ()
    slowest: tuple[SlowUpload, ...] = ()
    capacity: CapacitySummary | None = None
    traits: Traits = {}


def summarize(
    plan: Plan,
    aggregate: Aggregate,
    judgement: Judgement,
    verification: VerificationReport | None,
    started_at: str | None,
    target: TargetWatch | None = None,
) -> Summary:
    """The summary of an ended run. `started_at` is the common start in RFC 3339, None if there was none.

    `target` is what was seen of the target's workload.
    """
    steps = [
        (step, aggregate.steps[number] if number < len(aggregate.steps) else StepAggregate())
        for number, step in enumerate(plan.steps)
    ]
    whole = merged_step([step_aggregate for _, step_aggregate in steps])
    window = sum(judged_seconds(step, step_aggregate, plan.parallelism) for step, step_aggregate in steps)
    return Summary(
        schema_version=SUMMARY_SCHEMA,
        name=plan.name,
        scenario=plan.scenario,
        started_at=started_at,
        duration_seconds=aggregate.elapsed_seconds,
        verdict=judgement.verdict,
        reasons=judgement.reasons[:16],
        health=judgement.health,
        diagnoses=diagnose_run(
            aggregate,
            verification,
            plan.steps[0].warm_up_seconds,
            has_several_users=any(step.virtual_users > 1 for step in plan.steps),
        ),
        verification=proof_of(verification),
        requests=requests_of(whole.total),
        records=records_of(whole.total),
        error_rate=whole.judged.error_rate,
        success_rate=whole.judged.success_rate,
        errors=whole.errors,
        response_time_seconds=times_of(whole.response, whole.censored.response),
        service_time_seconds=times_of(whole.service, whole.censored.service),
        throughput=throughput_of(whole.judged, window),
        thresholds=judgement.thresholds,
        steps=tuple(
            _step_summary(plan, step, step_aggregate, step_judgement)
            for (step, step_aggregate), step_judgement in zip(steps, judgement.steps, strict=True)
        ),
        generator=Generator(
            notes=own_limits(plan, aggregate) if judgement.reason_class is ReasonClass.LOAD else (),
            offered_share=round(min((step_aggregate.own.offered_share for _, step_aggregate in steps), default=1.0), 4),
            memory_bytes=aggregate.generator.memory_bytes,
            cpu_seconds=round(aggregate.generator.cpu_seconds, 3),
            max_loop_lag_seconds=aggregate.generator.max_loop_lag_seconds,
            throttled_share=aggregate.generator.throttled_share,
            cpu_limit_cores=aggregate.generator.cpu_limit_cores,
        ),
        target=_target_use(aggregate, target),
        reason_class=judgement.reason_class,
        target_url=public_url(plan.target.url),
        run_id=plan.run_id,
        distribution=distribution_of(whole.response),
        slowest=slow_uploads(plan, aggregate),
        capacity=capacity_summary(judgement.capacity),
    )


def with_origin(summary: Summary, plan: Plan, snapshots: Sequence[Snapshot], manifest: str) -> Summary:
    """The summary with what the aggregate does not tell: each pod by its newest snapshot, and the test as YAML."""
    return structs.replace(summary, pods=pod_summaries(plan, snapshots), manifest=manifest)


def with_blocks(summary: Summary, plan: Plan, aggregate: Aggregate) -> Summary:
    """The summary of a run that is over with what later runs are compared by. A climb has nothing of the kind."""
    steps = tuple(
        structs.replace(each, blocks=None if step.climb else blocks_of(step, measured, plan.target.timeout_seconds))
        for each, step, measured in zip(summary.steps, plan.steps, aggregate.steps, strict=False)
    )
    return structs.replace(summary, traits=traits_of(plan), steps=(*steps, *summary.steps[len(steps) :]))


def _step_summary(plan: Plan, step: Step, aggregate: StepAggregate, judgement: StepJudgement) -> StepSummary:
    window = judged_seconds(step, aggregate, plan.parallelism)
    return StepSummary(
        name=step.name,
        verdict=judgement.verdict,
        reasons=judgement.reasons[:16],
        load_seconds=window,
        virtual_users=step.virtual_users,
        batch_size=step.batch_size,
        requests=requests_of(aggregate.total),
        records=records_of(aggregate.total),
        error_rate=aggregate.judged.error_rate,
        success_rate=aggregate.judged.success_rate,
        errors=aggregate.errors,
        response_time_seconds=times_of(aggregate.response, aggregate.censored.response),
        service_time_seconds=times_of(aggregate.service, aggregate.censored.service),
        parts_seconds=parts_of(aggregate.parts),
        addresses=aggregate.addresses,
        throughput=throughput_of(aggregate.judged, window),
        health=assess_step(step, aggregate) if aggregate.total.due else None,
        distribution=distribution_of(aggregate.response),
        plateaus=plateau_summaries(step, aggregate),
    )


def proof_of(verification: VerificationReport | None) -> Proof:
    """What a verification showed, as a summary has it."""
    if verification is None:
        return Proof(level=ProofLevel.NONE, uploads=0, rows=0)
    read_back = verification.read_back
    return Proof(
        level=verification.reached_level,
        uploads=verification.uploads,
        rows=verification.rows,
        unverified=verification.unverified[:ADDRESSES_KEPT],
        vanished=verification.vanished[:ADDRESSES_KEPT],
        unechoed=verification.unechoed,
        read_back=clip_middle(read_back_conclusion(read_back).message, READ_BACK_KEPT) if read_back else "",
    )


def _target_use(aggregate: Aggregate, watch: TargetWatch | None) -> TargetUse:
    memory = aggregate.target_memory
    # What one of several processes held says nothing of the target.
    memory_bytes = None if memory.problem else max((held_bytes for _, held_bytes in memory.points), default=None)
    problem = memory.problem[:256]
    if watch is None:
        return TargetUse(memory_bytes=memory_bytes, not_measurable=problem)
    return TargetUse(
        memory_bytes=memory_bytes if watch.memory_bytes is None else watch.memory_bytes,
        not_measurable=watch.not_measurable or problem,
        cpu_cores=watch.cpu_cores,
        restarts=watch.restarts,
        oom_kills=watch.oom_kills,
        replaced_pods=watch.replaced_pods,
        rolled_out=watch.rolled_out,
        not_ready_seconds=watch.not_ready_seconds,
        images=(*watch.images, *watch.new_images),
    )
