"""Whatever answers of the pods arrive, in whatever order and how often, the run is what merging them in whole gives."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from loadgen.measure.recorder import Recorder
from loadgen.measure.samples import Sample
from loadgen.measure.step_recorder import StepRecorder
from loadtest_model.load.pacing import Segment
from loadtest_model.measurement.aggregate import merge_snapshots
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import SNAPSHOT_SCHEMA, PodState, Snapshot
from loadtest_model.measurement.timeline import Timeline, with_series
from loadtest_model.plan import Step

SECOND = 1_000_000_000
SPAN_SECONDS = 400
"""Longer than the timeline keeps seconds unpacked."""
STEP = Step(
    name="custom",
    batch_size=10,
    segments=(Segment(duration_seconds=SPAN_SECONDS, first_users=1, last_users=9),),
    warm_up_seconds=0,
    think_time_seconds=0,
    thresholds=(),
)
pods = st.integers(0, 2)
uploads = st.tuples(
    st.integers(0, SPAN_SECONDS * SECOND), st.integers(0, 200 * SECOND), st.none() | st.sampled_from(ErrorKind)
)


class Pod:
    """A pod's own recorder, and what of it is on its way."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.uid = f"pod-{index}"
        self.recorder = Recorder(index, 3)
        self.steps: list[StepRecorder] = [self.recorder.open_step(STEP, 0)]
        self.now = 0
        self.on_the_way: list[Snapshot] = []

    def answer(self, since: int) -> Snapshot:
        sequence, steps = self.recorder.read(since, self.now)
        return Snapshot(
            schema=SNAPSHOT_SCHEMA,
            pod_index=self.index,
            pod_uid=self.uid,
            sequence=sequence,
            state=PodState.RUNNING,
            plan_hash="h",
            steps=steps,
            elapsed_seconds=self.now / SECOND,
        )


class Operator(RuleBasedStateMachine):
    """An operator that looks at three pods over a bad network, and is restarted now and then."""

    @initialize()
    def begin(self) -> None:
        self.pods = [Pod(index) for index in range(3)]
        self.restart()

    @rule()
    def restart(self) -> None:
        self.timeline = Timeline()
        self.held = dict.fromkeys(range(3), 0)

    @rule(pod=pods, outcomes=st.lists(uploads, min_size=1, max_size=6))
    def load(self, pod: int, outcomes: list[tuple[int, int, ErrorKind | None]]) -> None:
        pod_under_test = self.pods[pod]
        step = pod_under_test.steps[-1]
        for intended_start, duration, error in outcomes:
            pod_under_test.now = max(pod_under_test.now, intended_start + duration)
            sample = Sample(
                intended_start,
                intended_start,
                intended_start + duration,
                10,
                error,
                0 if error else 10,
                999,
                has_begun=True,
            )
            step.finish(step.begin(intended_start), sample)

    @rule(pod=pods)
    def next_step(self, pod: int) -> None:
        pod_under_test = self.pods[pod]
        if len(pod_under_test.steps) < 2:
            pod_under_test.steps[-1].end()
            pod_under_test.steps.append(pod_under_test.recorder.open_step(STEP, 0))

    @rule(pod=pods)
    def ask(self, pod: int) -> None:
        """The answer may be heard at once, later, twice or never."""
        pod_under_test = self.pods[pod]
        pod_under_test.on_the_way.append(pod_under_test.answer(self.held[pod]))

    @rule(pod=pods, data=st.data())
    def deliver(self, pod: int, data: st.DataObject) -> None:
        on_the_way = self.pods[pod].on_the_way
        # What an operator before the restart asked for went to that one.
        if on_the_way and self.held[pod]:
            self.held[pod] = self.timeline.add_snapshot(data.draw(st.sampled_from(on_the_way))).sequence

    @rule(pod=pods)
    def look(self, pod: int) -> None:
        self.held[pod] = self.timeline.add_snapshot(self.pods[pod].answer(self.held[pod])).sequence

    @rule(chosen=st.sets(pods))
    def choose(self, chosen: set[int]) -> None:
        self.timeline.series([f"pod-{index}" for index in chosen])

    @rule(chosen=st.sets(pods, min_size=1))
    def compare(self, chosen: set[int]) -> None:
        newest = [self.timeline.add_snapshot(self.pods[pod].answer(self.held[pod])) for pod in sorted(chosen)]
        self.held |= {snapshot.pod_index: snapshot.sequence for snapshot in newest}
        whole = [self.pods[pod].answer(0) for pod in sorted(chosen)]

        series = self.timeline.series([snapshot.pod_uid for snapshot in newest])

        assert with_series(merge_snapshots(newest), series) == merge_snapshots(whole)

    @invariant()
    def every_second_is_conserved(self) -> None:
        if hasattr(self, "timeline"):
            seconds = [second for step in self.timeline.series(["pod-0", "pod-1", "pod-2"]) for second in step]
            assert all(second.counts.is_conserved for second in seconds)


TestAnOperatorOverABadNetwork = Operator.TestCase
TestAnOperatorOverABadNetwork.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
