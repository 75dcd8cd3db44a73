"""Building the status: every decision writes the whole of it, from what was seen and what stands on record."""

from loadtest_model.plan import Plan, Step
from loadtest_model.report.status import (
    ConditionType,
    EffectivePlan,
    Phase,
    PlannedStage,
    PlannedStep,
    Status,
)
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues, conditions, recorded_value
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.texts import shorten


def base_status(
    observation: Observation, phase: Phase, message: str, marks: ConditionValues, plan: Plan | None = None
) -> Status:
    """A status with what every one of this run has: phase, conditions, run id, and once there is one, the plan."""
    test, recorded = observation.test, observation.test.record
    same_run = recorded.run_id == observation.run_id
    return Status(
        observed_generation=test.generation,
        phase=phase,
        message=shorten(message),
        run_id=observation.run_id,
        plan_hash=recorded.plan_hash if same_run else None,
        plan=effective_plan(plan) if plan else None,
        started_at=recorded.started_at if same_run else None,
        start=recorded.start if same_run else None,
        target=recorded.target if same_run else None,
        evicted=recorded.evicted if same_run else (),
        conditions=conditions(marks, recorded.conditions if same_run else (), observation.now, test.generation),
    )


def verified_value(observation: Observation) -> ConditionValue:
    """What the condition `Verified` says on record."""
    return recorded_value(observation.test.record.condition(ConditionType.VERIFIED), ConditionValues().verified)


def effective_plan(plan: Plan) -> EffectivePlan:
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
