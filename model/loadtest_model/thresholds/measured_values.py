"""What is read of a step for a threshold: a value, and how many samples it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.measurement.upload_parts import UploadPart


@dataclass(frozen=True)
class Measurement:
    """A measured value, with its number of samples and the bound on its relative error.

    `is_stand_in` says that the maximum stands in for a quantile, because there are too few samples.
    """

    value: float | None
    samples: int
    relative_error: float = 0.0
    is_stand_in: bool = False


ReadMetric = Callable[[StepAggregate, float], Measurement]
"""Reads a step, given the length of its load in seconds."""


def quantile_or_maximum(times: Sketch, quantile: float, fewest_samples: int) -> float | None:
    """A quantile in seconds, or the maximum if there are fewer samples than it takes."""
    return times.max_seconds if times.count < fewest_samples else times.quantile_seconds(quantile)


def read_quantile(of: Callable[[StepAggregate], Sketch], quantile: float, fewest_samples: int) -> ReadMetric:
    """Read a quantile of some times of a step, in seconds."""

    def read(step: StepAggregate, _window_seconds: float) -> Measurement:
        sketch = of(step)
        has_few_samples = sketch.count < fewest_samples
        return Measurement(
            quantile_or_maximum(sketch, quantile, fewest_samples),
            sketch.count,
            0.0 if has_few_samples else sketch.relative_error,
            is_stand_in=has_few_samples and sketch.count > 0,
        )

    return read


def read_average(of: Callable[[StepAggregate], Sketch | UploadPart]) -> ReadMetric:
    """Read the average of some times of a step, in seconds."""
    return lambda step, _: Measurement(of(step).mean_seconds, of(step).count)


def read_longest(of: Callable[[StepAggregate], Sketch | UploadPart]) -> ReadMetric:
    """Read the longest of some times of a step, in seconds."""
    return lambda step, _: Measurement(of(step).max_seconds, of(step).count)


def read_per_second(count: Callable[[StepAggregate], int]) -> ReadMetric:
    """Read how many there were of something for each second of load."""

    def read(step: StepAggregate, window_seconds: float) -> Measurement:
        return Measurement(count(step) / window_seconds if window_seconds > 0 else None, step.judged.due)

    return read


def read_total(count: Callable[[StepAggregate], int]) -> ReadMetric:
    """Read how many there were of something."""
    return lambda step, _: Measurement(float(count(step)), max(step.judged.due, 1))


def read_ratio(of: Callable[[StepAggregate], float | None]) -> ReadMetric:
    """Read a share of the uploads due, without those that the test cut."""
    return lambda step, _: Measurement(of(step), step.judged.due - step.judged.cancelled)


def average_by_chance(sketch: Sketch, uploads_per_independent_one: float) -> float:
    """The average one standard error higher, in seconds; 0 without a sample."""
    if not sketch.count:
        return 0.0
    return (sketch.mean_seconds or 0.0) + sqrt(sketch.variance_seconds * uploads_per_independent_one / sketch.count)


def quantile_by_chance(sketch: Sketch, quantile: float, uploads_per_independent_one: float) -> float:
    """The value at the rank that is one standard error of a binomial distribution higher; 0 without a sample."""
    if not sketch.count:
        return 0.0
    error = sqrt(quantile * (1 - quantile) * uploads_per_independent_one / sketch.count)
    return sketch.quantile_seconds(min(1.0, quantile + error)) or 0.0
