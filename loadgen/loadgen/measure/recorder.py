"""What a pod measures over all its steps, in numbered readings."""

from loadgen.measure.step_recorder import StepRecorder
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step
from loadtest_model.values import NANOSECONDS


class Recorder:
    """A pod's measurements over all steps. Readings are numbered from 1; a later one holds all of an earlier."""

    def __init__(self, pod_index: int, pod_count: int) -> None:
        self._pod = (pod_index, pod_count)
        self._steps: list[StepRecorder] = []
        self._first_start_ns = 0
        self._readings = 0
        self._is_frozen = False

    def open_step(self, step: Step, start_ns: int) -> StepRecorder:
        """Begin to record the next step, whose load starts at this instant."""
        if not self._steps:
            self._first_start_ns = start_ns
        start_seconds = (start_ns - self._first_start_ns) / NANOSECONDS
        step_recorder = StepRecorder(len(self._steps), step, start_ns, self._pod, start_seconds)
        step_recorder.begin_reading(self._readings + 1)
        self._steps.append(step_recorder)
        return step_recorder

    def record_lag(self, lag_ns: int) -> None:
        """Note how late the event loop woke a sleeper, in the step that is under way."""
        if self._steps and not self._is_frozen:
            self._steps[-1].record_lag(lag_ns)

    def freeze(self) -> int:
        """Nothing more will be recorded: every reading from now on is the last one, whose number this gives."""
        if not self._is_frozen:
            self._is_frozen = True
            self._readings += 1
            for step in self._steps:
                step.end()
        return self._readings

    def read(self, since: int, now_ns: int) -> tuple[int, tuple[StepAggregate, ...]]:
        """The number of this reading, and every step with the seconds that changed after reading `since`."""
        number = self._readings if self._is_frozen else self._readings + 1
        steps = tuple(step.read(since, now_ns) for step in self._steps)
        self._readings = number
        for step in self._steps:
            step.begin_reading(number + 1)
        return number, steps
