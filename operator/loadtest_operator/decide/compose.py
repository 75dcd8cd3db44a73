"""Building the status: every decision writes the whole of it, from what was seen and what stands on record."""

from typing import Final

import msgspec
from msgspec import structs

from loadtest_model.plan import Plan, Step
from loadtest_model.status import (
    STATUS_LIMIT_BYTES,
    ConditionType,
    EffectivePlan,
    Phase,
    PlannedStage,
    PlannedStep,
    Status,
)
from loadtest_operator.decide.conditions import Mark, Marks, conditions, mark_of, shortened
from loadtest_operator.observation import Observation

_DEFAULT: Final = Marks()
_EVIDENCE_KEPT: Final = 4


def base_status(observation: Observation, phase: Phase, message: str, marks: Marks, plan: Plan | None = None) -> Status:
    """A status with what every one of this run has: phase, conditions, run id, and once there is one, the plan."""
    test, recorded = observation.test, observation.test.recorded
    same_run = recorded.run_id == observation.run_id
    return Status(
        observed_generation=test.generation,
        phase=phase,
        message=shortened(message),
        run_id=observation.run_id,
        plan_hash=recorded.plan_hash if same_run else None,
        plan=effective(plan) if plan else None,
        started_at=recorded.started_at if same_run else None,
        start=recorded.start if same_run else None,
        target=recorded.target if same_run else None,
        conditions=conditions(marks, recorded.conditions if same_run else (), observation.now, test.generation),
    )


def verified_mark(observation: Observation, otherwise: Mark = _DEFAULT.verified) -> Mark:
    """What the condition `Verified` says on record."""
    return mark_of(observation.test.recorded.condition(ConditionType.VERIFIED), otherwise)


def effective(plan: Plan) -> EffectivePlan:
    """The plan as the status shows it."""
    return EffectivePlan(
        scenario=plan.scenario,
        parallelism=plan.parallelism,
        seed=plan.records.seed,
        exposed_rows=plan.exposed_rows,
        steps=tuple(
            PlannedStep(
                name=step.name,
                batch_size=step.batch_size,
                virtual_users=step.virtual_users,
                duration_seconds=step.duration_seconds,
                records=step.records,
                arrivals=step.arrivals.process if step.arrivals else None,
                stages=_stages(step),
                thresholds=step.thresholds,
            )
            for step in plan.steps
        ),
    )


def _stages(step: Step) -> tuple[PlannedStage, ...]:
    if step.arrivals is None:
        return tuple(
            PlannedStage(
                duration_seconds=segment.duration_seconds,
                first_users=segment.first_users,
                last_users=segment.last_users,
            )
            for segment in step.segments
        )
    return tuple(
        PlannedStage(
            duration_seconds=rate.duration_seconds,
            first_per_second=rate.first_per_second,
            last_per_second=rate.last_per_second,
        )
        for rate in step.arrivals.rates
    )


def within_limit(status: Status) -> Status:
    """The status within its budget: what the results hold in full is left out of it, the least needed first."""
    for shorter in (
        _without_stages,
        _with_one_diagnosis,
        _without_step_summaries,
        _with_little_evidence,
        _with_one_image,
        _with_fewer_points,
    ):
        if len(msgspec.json.encode(status)) <= STATUS_LIMIT_BYTES:
            return status
        status = shorter(status)
    return status


def essential(status: Status) -> Status:
    """The status without what only informs: enough for every wait to end and for the run never to start again."""
    return Status(
        observed_generation=status.observed_generation,
        phase=status.phase,
        message=status.message,
        run_id=status.run_id,
        plan_hash=status.plan_hash,
        started_at=status.started_at,
        completed_at=status.completed_at,
        conditions=status.conditions,
        verdict=status.verdict,
        start=status.start,
        results=status.results,
    )


def _without_stages(status: Status) -> Status:
    if status.plan is None:
        return status
    steps = tuple(structs.replace(step, stages=()) for step in status.plan.steps)
    return structs.replace(status, plan=structs.replace(status.plan, steps=steps))


def _without_step_summaries(status: Status) -> Status:
    if status.summary is None:
        return status
    return structs.replace(status, summary=structs.replace(status.summary, steps=(), thresholds=()))


def _with_one_diagnosis(status: Status) -> Status:
    if status.summary is None:
        return status
    return structs.replace(status, summary=structs.replace(status.summary, diagnoses=status.summary.diagnoses[:1]))


def _with_little_evidence(status: Status) -> Status:
    if status.health is None or status.summary is None:
        return status
    health = structs.replace(status.health, evidence=status.health.evidence[:_EVIDENCE_KEPT])
    return structs.replace(status, health=health, summary=structs.replace(status.summary, health=health))


def _with_one_image(status: Status) -> Status:
    if status.target is None:
        return status
    target = structs.replace(status.target, images=status.target.images[:1], new_images=status.target.new_images[:1])
    summary = status.summary
    if summary is not None:
        summary = structs.replace(summary, target=structs.replace(summary.target, images=summary.target.images[:1]))
    return structs.replace(status, target=target, summary=summary)


def _with_fewer_points(status: Status) -> Status:
    if status.target is None or status.target.tally is None:
        return status
    tally = status.target.tally
    fewer = structs.replace(tally, point_seconds=tally.point_seconds[::2], point_bytes=tally.point_bytes[::2])
    return structs.replace(status, target=structs.replace(status.target, tally=fewer))
