"""The steps of a run: each one scenario's load."""

from typing import Final

from loadtest_model.pacing import Segment, peak_users, plateaus, profile, total_seconds
from loadtest_model.plan.errors import PlanError
from loadtest_model.scenarios import DEFAULT_THRESHOLDS, PRESETS, STRESS_THRESHOLD
from loadtest_model.spec import Spec
from loadtest_model.spec.load import Load
from loadtest_model.thresholds import parse_threshold
from loadtest_model.values import WireValue, seconds_of

DEFAULT_CUSTOM_USERS: Final = 1


class Step(WireValue, frozen=True, kw_only=True):
    """One scenario's load. Times are seconds from the step's start; users are those of the whole fleet."""

    name: str
    batch_size: int
    segments: tuple[Segment, ...]
    warm_up_seconds: float
    think_time_seconds: float
    thresholds: tuple[str, ...]

    @property
    def duration_seconds(self) -> float:
        return total_seconds(self.segments)

    @property
    def virtual_users(self) -> int:
        return peak_users(self.segments)


def compile_steps(spec: Spec) -> list[Step]:
    if spec.scenario == "all":
        return [_step(name, spec.load, spec.thresholds) for name in PRESETS]
    return [_step(spec.scenario, spec.load, spec.thresholds)]


def _step(scenario: str, load: Load, thresholds: list[str] | None) -> Step:
    preset = PRESETS.get(scenario)
    segments = _segments(scenario, load)
    batch_size = load.batch_size if load.batch_size is not None else (preset.batch_size if preset else None)
    if batch_size is None:
        raise PlanError("BatchSizeMissing", "spec.load.batchSize is missing; a custom test needs one, such as 1000")
    warm_up_seconds = seconds_of(load.warm_up)
    length_seconds = total_seconds(segments)
    if warm_up_seconds >= length_seconds:
        raise PlanError(
            "WarmUpTooLong",
            f"spec.load.warmUp is {load.warm_up}, but the load of step {scenario} lasts {length_seconds:g} s;"
            " nothing would be held to the thresholds",
        )
    return Step(
        name=scenario,
        batch_size=batch_size,
        segments=segments,
        warm_up_seconds=warm_up_seconds,
        think_time_seconds=seconds_of(load.think_time),
        thresholds=_thresholds(scenario, load, thresholds),
    )


def _segments(scenario: str, load: Load) -> tuple[Segment, ...]:
    if load.stages is not None:
        return profile([(seconds_of(stage.duration), stage.virtual_users) for stage in load.stages])
    preset = PRESETS.get(scenario)
    duration_seconds = seconds_of(load.duration) if load.duration else preset.duration_seconds if preset else None
    if duration_seconds is None:
        raise PlanError("DurationMissing", "spec.load.duration is missing; a custom test needs it or spec.load.stages")
    users = load.virtual_users or (preset.virtual_users if preset else DEFAULT_CUSTOM_USERS)
    return plateaus(duration_seconds, users, preset.plateaus if preset else (1.0,))


def _thresholds(scenario: str, load: Load, given: list[str] | None) -> tuple[str, ...]:
    if given is not None:
        try:
            return tuple(parse_threshold(expression).expression for expression in given)
        except ValueError as error:
            raise PlanError("ThresholdInvalid", f"spec.thresholds: {error}") from error
    unchanged = load == Load()
    return (*DEFAULT_THRESHOLDS, STRESS_THRESHOLD) if scenario == "stress" and unchanged else DEFAULT_THRESHOLDS
