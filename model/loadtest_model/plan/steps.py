"""The steps of a run: each one scenario's load."""

from loadtest_model.load.arrivals import Arrivals, expected_arrivals, peak_rate
from loadtest_model.load.pacing import Segment, peak_users, total_seconds, uploads_for
from loadtest_model.load.scenarios import (
    CAPACITY_BATCH_SIZE,
    CAPACITY_THRESHOLDS,
    DEFAULT_THRESHOLDS,
    PRESETS,
    STRESS_THRESHOLD,
)
from loadtest_model.plan.climb import Climb, climb_of, refuse_unjudgeable_plateaus
from loadtest_model.plan.errors import PlanError
from loadtest_model.plan.profiles import profile_of
from loadtest_model.plan.thresholds import refuse_other_steps
from loadtest_model.reasons import Reason
from loadtest_model.spec import Scenario, Spec
from loadtest_model.spec.load import Load
from loadtest_model.thresholds.bounds import parse_thresholds
from loadtest_model.values import WireValue, seconds_of


class Step(WireValue, frozen=True, kw_only=True):
    """One scenario's load. Times are seconds from the step's start; users are those of the whole fleet.

    With `arrivals` the model is open, and the users of the segments are the limit of those at work at once. With
    `records` the load ends when so many were sent, and the segments only bound it. With `climb` each segment is a
    plateau that is judged by itself, and the load ends after the first that does not hold.
    """

    name: str
    batch_size: int
    segments: tuple[Segment, ...]
    warm_up_seconds: float
    think_time_seconds: float
    thresholds: tuple[str, ...]
    graceful_stop_seconds: float = 120.0
    arrivals: Arrivals | None = None
    records: int | None = None
    climb: Climb | None = None

    @property
    def duration_seconds(self) -> float:
        return total_seconds(self.segments)

    @property
    def foreseen_seconds(self) -> float:
        """How long the load lasts as far as that is known beforehand: 0 where records end it and users set the pace."""
        if self.uploads is None:
            return self.duration_seconds
        if self.arrivals is None:
            return 0.0
        return min(self.duration_seconds, self.uploads / peak_rate(self.arrivals.rates))

    @property
    def virtual_users(self) -> int:
        return peak_users(self.segments)

    @property
    def uploads(self) -> int | None:
        """How many uploads the step makes, where that is known beforehand."""
        return None if self.records is None else uploads_for(self.records, self.batch_size)


def compile_steps(spec: Spec) -> list[Step]:
    names = list(PRESETS) if spec.scenario == Scenario.ALL else [str(spec.scenario)]
    refuse_other_steps("spec.thresholds", spec.thresholds or [], names)
    return [_compile_step(name, spec) for name in names]


def refuse_idle_pods(step: Step, parallelism: int) -> None:
    """Raise PlanError if the step has no virtual user or no upload for some pod."""
    if parallelism > step.virtual_users:
        raise PlanError(
            Reason.ParallelismAboveVirtualUsers,
            f"spec.parallelism is {parallelism}, but a step of the test has fewer virtual users ({step.virtual_users}),"
            f" so some pods would have none; set spec.parallelism to {step.virtual_users} or less, or raise"
            " spec.load.virtualUsers",
        )
    if step.uploads is not None and parallelism > step.uploads:
        raise PlanError(
            Reason.ParallelismAboveUploads,
            f"spec.parallelism is {parallelism}, but {step.records} records in batches of {step.batch_size} are"
            f" fewer uploads ({step.uploads}), so some pods would have none; set spec.parallelism to {step.uploads} or"
            " less",
        )
    arrivals = expected_arrivals(step.arrivals.rates) if step.arrivals else parallelism
    if parallelism > arrivals:
        raise PlanError(
            Reason.ParallelismAboveUploads,
            f"spec.parallelism is {parallelism}, but step {step.name} has fewer arrivals ({arrivals}), so some pods"
            f" would have none; set spec.parallelism to {arrivals} or less, or raise spec.load.arrivalRate",
        )


def _compile_step(scenario: str, spec: Spec) -> Step:
    load = spec.load
    timeout_seconds = seconds_of(spec.target.timeout)
    segments, arrivals = profile_of(scenario, load, timeout_seconds)
    warm_up_seconds = seconds_of(load.warm_up)
    length_seconds = total_seconds(segments)
    if warm_up_seconds >= length_seconds:
        raise PlanError(
            Reason.WarmUpTooLong,
            f"spec.load.warmUp is {load.warm_up}, but the load of step {scenario} lasts {length_seconds:g} s;"
            " nothing would be held to the thresholds",
        )
    thresholds = _thresholds(scenario, load, spec.thresholds)
    climb = climb_of(load) if scenario == Scenario.CAPACITY else None
    if climb is not None:
        refuse_unjudgeable_plateaus(thresholds, arrivals, scenario)
    return Step(
        name=scenario,
        batch_size=_default_batch_size(scenario) if load.batch_size is None else load.batch_size,
        segments=segments,
        warm_up_seconds=warm_up_seconds,
        think_time_seconds=seconds_of(load.think_time),
        thresholds=thresholds,
        graceful_stop_seconds=seconds_of(load.graceful_stop) if load.graceful_stop else timeout_seconds,
        arrivals=arrivals,
        records=load.records,
        climb=climb,
    )


def _default_batch_size(scenario: str) -> int:
    return CAPACITY_BATCH_SIZE if scenario == Scenario.CAPACITY else PRESETS[scenario].batch_size


def _thresholds(scenario: str, load: Load, expressions: list[str] | None) -> tuple[str, ...]:
    if expressions is not None:
        return tuple(bound.expression for bound in parse_thresholds(expressions) if bound.step in ("", scenario))
    if scenario == Scenario.CAPACITY:
        return CAPACITY_THRESHOLDS
    is_unchanged = load == Load()
    return (
        (*DEFAULT_THRESHOLDS, STRESS_THRESHOLD) if scenario == Scenario.STRESS and is_unchanged else DEFAULT_THRESHOLDS
    )
