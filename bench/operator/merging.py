"""Decoding and merging the answers of a large fleet, without a network, for runs of several lengths."""

import random
import time
from typing import Final

import msgspec
from msgspec import structs

from bench.operator.pods import sample
from bench.operator.scenarios import Figure
from loadgen.measure.recorder import Recorder
from loadgen.measure.step_recorder import StepRecorder
from loadtest_model.load.pacing import Segment
from loadtest_model.measurement.aggregate import merge_snapshots
from loadtest_model.measurement.snapshot import SNAPSHOT_SCHEMA, PodState, Snapshot
from loadtest_model.measurement.timeline import Timeline, with_series
from loadtest_model.plan import Step
from loadtest_model.values import NANOSECONDS

_PODS: Final = 100
_LOOKS: Final = 5
_LOOK_SECONDS: Final = 2
_LENGTHS_SECONDS: Final = (60, 600, 3_600)
_UPLOADS_PER_SECOND: Final = 5
STEP: Final = Step(
    name="custom",
    batch_size=1_000,
    segments=tuple(Segment(duration_seconds=1_200, first_users=n, last_users=n) for n in (20, 60, 100)),
    warm_up_seconds=0,
    think_time_seconds=0,
    thresholds=(),
)


class SimulatedPod:
    """A pod without a network."""

    def __init__(self, index: int, uploads_per_second: float = _UPLOADS_PER_SECOND) -> None:
        self.index = index
        self._uploads_per_second = uploads_per_second
        self.sequence = 0
        self._recorder = Recorder(index, _PODS)
        self._step: StepRecorder = self._recorder.open_step(STEP, 0)
        self._random = random.Random(index)
        self._second = 0

    def load_until(self, second: int) -> None:
        """Uploads at a steady rate, of 0.4 s in the median."""
        while self._second < second:
            first, end = (int(each * self._uploads_per_second) for each in (self._second, self._second + 1))
            for number in range(first, end):
                intended_ns = int(number * NANOSECONDS / self._uploads_per_second)
                duration_ns = int(self._random.lognormvariate(0, 0.4) * 0.4 * NANOSECONDS)
                self._step.finish(self._step.begin(intended_ns), sample(intended_ns, duration_ns, 1_000))
            self._second += 1

    def answer(self) -> bytes:
        return msgspec.json.encode(self.snapshot())

    def snapshot_without_seconds(self) -> Snapshot:
        snapshot = self.snapshot()
        return structs.replace(snapshot, steps=tuple(structs.replace(step, seconds=()) for step in snapshot.steps))

    def snapshot(self) -> Snapshot:
        """What the pod says of itself, with the seconds that changed since it was asked last."""
        sequence, steps = self._recorder.read(self.sequence, self._second * NANOSECONDS)
        self.sequence = sequence
        return Snapshot(
            schema=SNAPSHOT_SCHEMA,
            pod_index=self.index,
            pod_uid=str(self.index),
            sequence=sequence,
            state=PodState.RUNNING,
            plan_hash="0" * 64,
            steps=steps,
            elapsed_seconds=float(self._second),
            virtual_users=2,
        )


def merging() -> list[Figure]:
    """One look at a fleet that answers with what changed in two seconds, for runs of several lengths."""
    decoder = msgspec.json.Decoder(Snapshot)
    pods, timeline, uids = [SimulatedPod(index) for index in range(_PODS)], Timeline(), [str(n) for n in range(_PODS)]
    figures = []
    for length in _LENGTHS_SECONDS:
        for pod in pods:
            pod.load_until(length - _LOOKS * _LOOK_SECONDS)
            timeline.add_snapshot(decoder.decode(pod.answer()))
        timeline.series(uids)
        pod_seconds, size = [], 0
        for look in range(_LOOKS):
            for pod in pods:
                pod.load_until(length - (_LOOKS - 1 - look) * _LOOK_SECONDS)
            bodies = [pod.answer() for pod in pods]
            size = len(bodies[0])
            start_seconds = time.process_time()
            newest = [timeline.add_snapshot(decoder.decode(body)) for body in bodies]
            with_series(merge_snapshots(newest), timeline.series(uids))
            pod_seconds.append((time.process_time() - start_seconds) / _PODS)
        median = sorted(pod_seconds)[len(pod_seconds) // 2]
        name = f"decode and merge, a pod and look, {length:,} s into the run ({size:,} bytes)"
        figures.append(Figure(name, f"{1e3 * median:.2f} ms", "0.8 ms"))
    return figures
