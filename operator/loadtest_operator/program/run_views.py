"""What is shown of one test to Prometheus: while it runs from the measurements, after a restart from its status."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Final

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.report.capacity import StatusCapacity
from loadtest_model.report.status import Phase, Status
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_model.thresholds.comparison import Comparison
from loadtest_operator.facts.observation import Observation

Json = dict[str, Any]
_NO_ERRORS: Final[Mapping[ErrorKind, int]] = dict.fromkeys(ErrorKind, 0)


@dataclass(frozen=True)
class StepView:
    """What is shown of one step. A status has neither `response` nor `own`, so they are None after a restart."""

    name: str
    total: Counts
    errors: Mapping[ErrorKind, int]
    response: Sketch | None
    own: OwnTime | None


@dataclass(frozen=True)
class CapacityView:
    """What a climb came to, in the unit `by`; None of what is not known."""

    by: str
    held: float | None
    knee: float | None
    required: float | None
    at_least: bool


@dataclass(frozen=True)
class RunView:
    """What is shown of one test. `virtual_users` are at work in the step `step`.

    `generator` is None while no pod has been heard, and after a restart of the operator.
    """

    uid: str
    run_id: str
    phase: str
    verdict: str | None = None
    never_loaded: bool = False
    health: str | None = None
    step: str = ""
    virtual_users: int = 0
    generator: GeneratorHealth | None = None
    thresholds: tuple[ThresholdResult, ...] = ()
    steps: tuple[StepView, ...] = field(default_factory=tuple)
    capacity: CapacityView | None = None


def live_view(observation: Observation, status: Status, plan: Plan | None, aggregate: Aggregate) -> RunView:
    """What one turn found of a test, with the status that it decided on."""
    return RunView(
        uid=observation.test.identity.uid,
        run_id=observation.run_id,
        phase=status.phase,
        verdict=status.verdict,
        never_loaded=status.reason_class not in (None, ReasonClass.LOAD),
        health=status.health.level if status.health else None,
        step=status.progress.step if status.progress else "",
        virtual_users=aggregate.virtual_users if status.verdict is None else 0,
        generator=aggregate.generator if aggregate.pods else None,
        thresholds=status.thresholds,
        steps=step_views(plan, aggregate) if plan else (),
        capacity=_capacity_view(status.capacity),
    )


def _capacity_view(capacity: StatusCapacity | None) -> CapacityView | None:
    if capacity is None:
        return None
    return CapacityView(capacity.by, capacity.held, capacity.knee, capacity.required, capacity.at_least)


def step_views(plan: Plan, aggregate: Aggregate) -> tuple[StepView, ...]:
    """Every step of a plan, with zeros for what nobody has measured yet.

    The rate of a counter that begins with its first upload would miss that upload.
    """
    steps = (*aggregate.steps, *repeat(StepAggregate(step=0), len(plan.steps) - len(aggregate.steps)))
    return tuple(_step_view(step_plan.name, step) for step_plan, step in zip(plan.steps, steps, strict=False))


def _step_view(name: str, step: StepAggregate) -> StepView:
    return StepView(name, step.total, {**_NO_ERRORS, **step.errors}, step.response, step.own)


def recorded_view(observation: Observation) -> RunView:
    """What the status of an ended test still tells; its histograms are not kept there."""
    status = observation.test.status
    return RunView(
        uid=observation.test.identity.uid,
        run_id=observation.run_id,
        phase=status.get("phase", Phase.QUEUED),
        verdict=status.get("verdict"),
        never_loaded=status.get("reasonClass", ReasonClass.LOAD) != ReasonClass.LOAD,
        health=(status.get("health") or {}).get("level"),
        thresholds=tuple(_recorded_threshold(entry) for entry in status.get("thresholds") or []),
        steps=tuple(_recorded_step(entry) for entry in _recorded_steps(status)),
        capacity=_recorded_capacity(status.get("capacity")),
    )


# A value that was null is absent from what the API server gives back.


def _recorded_threshold(entry: Json) -> ThresholdResult:
    return ThresholdResult(
        expression=entry["expression"],
        value=entry.get("value"),
        passed=entry.get("passed"),
        step=entry.get("step", ""),
        baseline=_recorded_comparison(entry.get("baseline")),
    )


def _recorded_comparison(entry: Json | None) -> Comparison | None:
    return None if entry is None else Comparison(runs=entry.get("runs", 0), bound=entry.get("bound"))


def _recorded_capacity(entry: Json | None) -> CapacityView | None:
    if not entry:
        return None
    return CapacityView(
        by=entry["by"],
        held=entry.get("held"),
        knee=entry.get("knee"),
        required=entry.get("required"),
        at_least=bool(entry.get("atLeast")),
    )


def _recorded_steps(status: Json) -> list[Json]:
    """What the steps came to; of a single one that is what the whole run came to."""
    summary = status.get("summary") or {}
    steps: list[Json] = status.get("steps") or []
    if all("requests" in step for step in steps) and steps:
        return steps
    # Version 0.1.0 kept them in the summary.
    old_steps: list[Json] = summary.get("steps") or []
    if old_steps or "requests" not in summary:
        return old_steps
    return [{**summary, "name": (status.get("progress") or {}).get("step", "")}]


def _recorded_step(entry: Json) -> StepView:
    records = entry["records"]
    counts = Counts(records_sent=records["sent"], records_confirmed=records["confirmed"], **entry["requests"])
    return StepView(entry["name"], counts, entry.get("errors") or {}, None, None)
