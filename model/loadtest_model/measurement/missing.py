"""What a run lacks of its own measurements: a last word has no room for everything, and nobody may have read the rest.

Every upload counts in the step, in one of its seconds and, if it has a time, in the sketches. So what is missing shows
in the difference.
"""

from msgspec import structs

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.step import StepAggregate


def uploads_without_second(step: StepAggregate) -> int:
    """How many uploads of a step are in none of its seconds."""
    return max(0, step.total.due - sum(second.counts.due for second in step.seconds))


def uploads_without_time(step: StepAggregate, times: Sketch) -> int:
    """How many uploads with a time are missing in a sketch of their times."""
    judged = step.judged
    return max(0, judged.accepted + judged.unknown - judged.cancelled - times.count)


def is_silence_known(step: StepAggregate) -> bool:
    """Whether it can be told how long the target was silent: by every pod's own account, or by the seconds."""
    return step.silence.due >= step.total.due or not uploads_without_second(step)


def without_partial_seconds(aggregate: Aggregate) -> Aggregate:
    """The run to be judged: seconds that leave uploads out would show gaps that were none."""
    steps = tuple(
        structs.replace(step, seconds=()) if uploads_without_second(step) else step for step in aggregate.steps
    )
    return structs.replace(aggregate, steps=steps)
