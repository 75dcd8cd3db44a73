"""The pods of a run side by side, and its slowest uploads."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from loadtest_model.judgement.judged_thresholds import judged_seconds
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import merged_counts
from loadtest_model.measurement.generator import merged_health
from loadtest_model.measurement.sketch import merged_sketch
from loadtest_model.measurement.slow_samples import MOST_SLOW_SAMPLES, SlowSample
from loadtest_model.measurement.snapshot import Snapshot
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.report.details import PodSummary, SlowUpload
from loadtest_model.values import NANOSECONDS

MOST_PODS: Final = 16

_CRITERIA: Final[tuple[Callable[[PodSummary], float], ...]] = (
    lambda pod: pod.p95 or 0.0,
    lambda pod: pod.errors,
    lambda pod: pod.max_loop_lag_seconds,
)
"""By what a pod stands out; a pod without any of it does not."""


def pod_summaries(plan: Plan, snapshots: Sequence[Snapshot]) -> tuple[PodSummary, ...]:
    """The figures of each pod by its index, from its newest snapshot; none if no pod has begun to load.

    Of more than `MOST_PODS`, those that stand out have an entry each, and the last entry is all others together.
    """
    if not any(snapshot.steps for snapshot in snapshots):
        return ()
    by_index = sorted(snapshots, key=lambda snapshot: (snapshot.pod_index, snapshot.pod_uid))
    pods = [_summary(plan, [snapshot]) for snapshot in by_index]
    if len(pods) <= MOST_PODS:
        return tuple(pods)
    chosen = _places_of_outstanding(pods, MOST_PODS - 1)
    others = [snapshot for place, snapshot in enumerate(by_index) if place not in chosen]
    return (*(pods[place] for place in sorted(chosen)), _summary(plan, others))


def slow_uploads(plan: Plan, aggregate: Aggregate) -> tuple[SlowUpload, ...]:
    """The slowest uploads of the run, the slowest first."""
    of_steps = (
        [(step.name, sample) for sample in step_aggregate.slowest]
        for step, step_aggregate in zip(plan.steps, aggregate.steps, strict=False)
    )
    slowest = sorted(chain.from_iterable(of_steps), key=lambda entry: -entry[1].response_nanoseconds)
    return tuple(_slow_upload(step, sample) for step, sample in slowest[:MOST_SLOW_SAMPLES])


def _places_of_outstanding(pods: Sequence[PodSummary], most: int) -> set[int]:
    """Where the pods stand that stand out: by each criterion in turn the next worst."""
    orders = [
        iter(sorted((place for place in range(len(pods)) if worth(pods[place])), key=lambda place: -worth(pods[place])))
        for worth in _CRITERIA
    ]
    places: set[int] = set()
    while orders and len(places) < most:
        order = orders.pop(0)
        place = next((place for place in order if place not in places), None)
        if place is not None:
            places.add(place)
            orders.append(order)
    return places


def _summary(plan: Plan, snapshots: Sequence[Snapshot]) -> PodSummary:
    columns = [_steps(plan, snapshot) for snapshot in snapshots]
    steps = list(chain.from_iterable(columns))
    # No more than what is shown: a fleet may have a thousand pods, and a live page shows them every two seconds.
    total = merged_counts([step.total for step in steps])
    response = merged_sketch([step.response for step in steps])
    generator = merged_health([snapshot.generator for snapshot in snapshots])
    return PodSummary(
        index=snapshots[0].pod_index,
        pods=len(snapshots),
        sent=total.sent,
        accepted=total.accepted,
        errors=total.errors,
        records_per_second=sum(_records_per_second(plan, steps) for steps in columns),
        avg=response.mean_seconds,
        p95=response.quantile_seconds(0.95),
        max=response.max_seconds,
        memory_bytes=generator.memory_bytes,
        cpu_seconds=round(generator.cpu_seconds, 3),
        max_loop_lag_seconds=generator.max_loop_lag_seconds,
    )


def _steps(plan: Plan, snapshot: Snapshot) -> list[StepAggregate]:
    return list(snapshot.steps[: len(plan.steps)])


def _records_per_second(plan: Plan, steps: Sequence[StepAggregate]) -> float:
    """What the target confirmed to one pod, per second of its judged load."""
    window = sum(judged_seconds(step, aggregate, 1) for step, aggregate in zip(plan.steps, steps, strict=False))
    return sum(step.judged.records_confirmed for step in steps) / window if window else 0.0


def _slow_upload(step: str, sample: SlowSample) -> SlowUpload:
    return SlowUpload(
        step=step,
        pod=sample.pod_index,
        at_seconds=sample.at_nanoseconds / NANOSECONDS,
        response_seconds=sample.response_nanoseconds / NANOSECONDS,
        service_seconds=sample.service_nanoseconds / NANOSECONDS,
        address=sample.address,
        outcome=sample.outcome,
        error=sample.error or "",
        status=sample.status,
        trace_id=sample.trace_id,
    )
