"""What a run came to, as people and programs read it: the summary and the time series."""

import csv
import io
from itertools import groupby
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from loadtest_model.judgement.diagnoses import KEPT as DIAGNOSES_KEPT
from loadtest_model.judgement.diagnoses import Diagnosis, diagnose_run
from loadtest_model.judgement.health import Health, assess
from loadtest_model.judgement.judged_thresholds import judged_seconds
from loadtest_model.judgement.saturation import saturation
from loadtest_model.judgement.verdict import Judgement, StepJudgement, Verdict
from loadtest_model.judgement.workload import IMAGES_KEPT, TargetWatch
from loadtest_model.measurement.aggregate import Aggregate, StepAggregate
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.proof import concluded_from
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.snapshot import Counts, ProofLevel, Second, VerificationReport, merged_counts
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.measurement.upload_parts import Part
from loadtest_model.plan import Plan, Step
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_model.values import NANOSECONDS

SUMMARY_SCHEMA: Final = 1
ADDRESSES_KEPT: Final = 16
READ_BACK_KEPT: Final = 1_024


class Requests(Struct, frozen=True, kw_only=True):
    """Uploads by what they came to. `rerouted` are those of the sent whose first address had left the target before
    they had a connection there, so that they went to another.
    """

    due: int
    sent: int
    accepted: int
    rejected: int
    unknown: int
    violation: int
    dropped: int
    rerouted: int = 0


class RecordCounts(Struct, frozen=True, kw_only=True):
    sent: int
    confirmed: int


class Times(Struct, frozen=True, kw_only=True):
    """A distribution in seconds; None where nothing was measured. Quantiles lie within `relative_error`."""

    samples: int
    relative_error: float
    avg: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    max: float | None


class PartTimes(Struct, frozen=True, kw_only=True):
    """One part of an upload's time over the uploads that came to it, in seconds, exact; None where none did."""

    uploads: int
    avg: float | None
    max: float | None


class PartsTimes(Struct, frozen=True, kw_only=True):
    """The service time's parts: opening the connection, sending the body, waiting for the answer."""

    connect: PartTimes
    upload: PartTimes
    wait: PartTimes


class Throughput(Struct, frozen=True, kw_only=True):
    """Per second of judged load. Requests and records are those that the target confirmed; bytes were sent."""

    requests_per_second: float
    records_per_second: float
    bytes_per_second: float


class Proof(Struct, frozen=True, kw_only=True):
    """What the verification showed; its own uploads are no part of `requests`.

    `unverified` are addresses that failed their verification while the load ran and were not used; `vanished` were
    proven once. `unechoed` are accepted uploads whose answers lacked the nonce that the verification's had returned;
    they take the level Echoed away. `read_back` says what was read of the target's storage, empty where nothing was.
    `notice` says what lowers the claim, empty where nothing does: endpoints that nobody could read, a mesh between.
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

    `throttled_share` is None where the system does not tell, and `cpu_limit_cores` also where there is no limit.
    """

    saturated: bool
    reasons: tuple[str, ...]
    memory_bytes: int
    cpu_seconds: float
    max_loop_lag_seconds: float
    throttled_share: float | None = None
    cpu_limit_cores: float | None = None


class TargetUse(Struct, frozen=True, kw_only=True):
    """What was seen of the target itself; None where it was not measured.

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
    images: Annotated[tuple[str, ...], Meta(max_length=2 * IMAGES_KEPT)] = ()
    not_measurable: Annotated[str, Meta(max_length=256)] = ""


class StepSummary(Struct, frozen=True, kw_only=True):
    """One step. Counts and `addresses` are of all of it, rates and times of what follows the warm-up."""

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
    health: Health


class Summary(Struct, frozen=True, kw_only=True):
    """The run in one page. Its keys are the same in the status, in the results and in a local run's file."""

    schema_version: Literal[1]
    name: str
    scenario: str
    started_at: str | None
    duration_seconds: float
    verdict: Verdict
    reasons: Annotated[tuple[str, ...], Meta(max_length=16)]
    health: Health
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


def summarize(
    plan: Plan,
    aggregate: Aggregate,
    judgement: Judgement,
    verification: VerificationReport | None,
    started_at: str | None,
    target: TargetWatch | None = None,
) -> Summary:
    """The summary of an ended run. `started_at` is the common start in RFC 3339, None where there was none.

    `target` is what was seen of the target's workload.
    """
    steps = [
        (step, aggregate.steps[number] if number < len(aggregate.steps) else StepAggregate())
        for number, step in enumerate(plan.steps)
    ]
    whole = StepAggregate()
    for _, seen in steps:
        whole = whole.merge(seen)
    window = sum(judged_seconds(step, seen, plan.parallelism) for step, seen in steps)
    saturated = saturation(plan, aggregate)
    return Summary(
        schema_version=SUMMARY_SCHEMA,
        name=plan.name,
        scenario=plan.scenario,
        started_at=started_at,
        duration_seconds=aggregate.elapsed_seconds,
        verdict=judgement.verdict,
        reasons=judgement.reasons[:16],
        health=judgement.health,
        diagnoses=diagnose_run(aggregate, verification, plan.steps[0].warm_up_seconds),
        verification=_proof(verification),
        requests=_requests(whole.total),
        records=RecordCounts(sent=whole.total.records_sent, confirmed=whole.total.records_confirmed),
        error_rate=whole.judged.error_rate,
        success_rate=_success(whole.judged),
        errors=whole.errors,
        response_time_seconds=times_of(whole.response),
        service_time_seconds=times_of(whole.service),
        throughput=_throughput(whole.judged, window),
        thresholds=judgement.thresholds,
        steps=tuple(
            _step_summary(plan, step, seen, judged) for (step, seen), judged in zip(steps, judgement.steps, strict=True)
        ),
        generator=Generator(
            saturated=bool(saturated),
            reasons=saturated,
            memory_bytes=aggregate.generator.memory_bytes,
            cpu_seconds=round(aggregate.generator.cpu_seconds, 3),
            max_loop_lag_seconds=aggregate.generator.max_loop_lag_seconds,
            throttled_share=aggregate.generator.throttled_share,
            cpu_limit_cores=aggregate.generator.cpu_limit_cores,
        ),
        target=_target_use(aggregate, target),
    )


def times_of(sketch: Sketch) -> Times:
    return Times(
        samples=sketch.count,
        relative_error=sketch.relative_error,
        avg=sketch.mean_seconds,
        p50=sketch.quantile_seconds(0.5),
        p90=sketch.quantile_seconds(0.9),
        p95=sketch.quantile_seconds(0.95),
        p99=sketch.quantile_seconds(0.99),
        max=sketch.max_seconds,
    )


TIME_SERIES_COLUMNS: Final = (
    "step",
    "second",
    "virtual_users",
    "due",
    "sent",
    "accepted",
    "rejected",
    "unknown",
    "violation",
    "dropped",
    "records_sent",
    "records_confirmed",
    "bytes_sent",
    "answers",
    "records_answered",
    "avg_response_seconds",
    "seconds",
)


def time_series_csv(plan: Plan, aggregate: Aggregate, row_seconds: int = 1) -> str:
    """One row for so many seconds, counted from the common start of each step.

    The outcomes of an upload stand in the second of its intended start, so that every row is conserved; `answers`,
    `records_answered` and the average response time stand in the second in which the answers came. `second` is the
    first of a row's `seconds`, and `virtual_users` the most that were at work in them.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TIME_SERIES_COLUMNS)
    for step, seen in zip(plan.steps, aggregate.steps, strict=False):
        for first, within in groupby(seen.seconds, key=lambda second: second.second // row_seconds * row_seconds):
            writer.writerow((step.name, *_row(first, tuple(within))))
    return text.getvalue()


def _row(first: int, within: tuple[Second, ...]) -> tuple[object, ...]:
    counts = within[0].counts if len(within) == 1 else merged_counts([second.counts for second in within])
    answers = sum(second.answers for second in within)
    answered = sum(second.response_nanoseconds_sum for second in within)
    return (
        first,
        max(second.virtual_users for second in within),
        counts.due,
        counts.sent,
        counts.accepted,
        counts.rejected,
        counts.unknown,
        counts.violation,
        counts.dropped,
        counts.records_sent,
        counts.records_confirmed,
        counts.bytes_sent,
        answers,
        sum(second.records_answered for second in within),
        f"{answered / answers / NANOSECONDS:.6f}" if answers else "",
        within[-1].second - first + 1,
    )


def _step_summary(plan: Plan, step: Step, seen: StepAggregate, judged: StepJudgement) -> StepSummary:
    window = judged_seconds(step, seen, plan.parallelism)
    return StepSummary(
        name=step.name,
        verdict=judged.verdict,
        reasons=judged.reasons[:16],
        load_seconds=window,
        virtual_users=step.virtual_users,
        batch_size=step.batch_size,
        requests=_requests(seen.total),
        records=RecordCounts(sent=seen.total.records_sent, confirmed=seen.total.records_confirmed),
        error_rate=seen.judged.error_rate,
        success_rate=_success(seen.judged),
        errors=seen.errors,
        response_time_seconds=times_of(seen.response),
        service_time_seconds=times_of(seen.service),
        parts_seconds=PartsTimes(
            connect=_part(seen.parts.connect), upload=_part(seen.parts.upload), wait=_part(seen.parts.wait)
        ),
        addresses=seen.addresses,
        throughput=_throughput(seen.judged, window),
        health=assess(step, seen),
    )


def _part(part: Part) -> PartTimes:
    return PartTimes(uploads=part.count, avg=part.mean_seconds, max=part.max_seconds)


def _proof(verification: VerificationReport | None) -> Proof:
    if verification is None:
        return Proof(level=ProofLevel.NONE, uploads=0, rows=0)
    read_back = verification.read_back
    return Proof(
        level=verification.reached,
        uploads=verification.uploads,
        rows=verification.rows,
        unverified=verification.unverified[:ADDRESSES_KEPT],
        vanished=verification.vanished[:ADDRESSES_KEPT],
        unechoed=verification.unechoed,
        read_back=concluded_from(read_back).message[:READ_BACK_KEPT] if read_back else "",
    )


def _target_use(aggregate: Aggregate, watch: TargetWatch | None) -> TargetUse:
    seen = aggregate.target_memory
    # What one of several processes held says nothing of the target.
    memory_bytes = None if seen.problem else max((held for _, held in seen.points), default=None)
    problem = seen.problem[:256]
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


def _requests(counts: Counts) -> Requests:
    return Requests(**{name: getattr(counts, name) for name in Requests.__struct_fields__})


def _success(counts: Counts) -> float | None:
    return None if counts.error_rate is None else 1 - counts.error_rate


def _throughput(counts: Counts, window_seconds: float) -> Throughput:
    def per_second(count: int) -> float:
        return count / window_seconds if window_seconds > 0 else 0.0

    return Throughput(
        requests_per_second=per_second(counts.accepted),
        records_per_second=per_second(counts.records_confirmed),
        bytes_per_second=per_second(counts.bytes_sent),
    )
