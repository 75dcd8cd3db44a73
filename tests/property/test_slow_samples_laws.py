"""The slowest uploads: a pod keeps the slowest of those that are judged, and pods merge in any order."""

from hypothesis import given
from hypothesis import strategies as st

from loadgen.measure.recorder import Recorder
from loadgen.measure.samples import Sample
from loadtest_model.load.pacing import Segment
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.slow_samples import MOST_SLOW_SAMPLES, SlowSample, slowest_samples
from loadtest_model.plan import Step

SECOND = 1_000_000_000
WARM_UP = SECOND
STEP = Step(
    name="custom",
    batch_size=10,
    segments=(Segment(duration_seconds=60, first_users=1, last_users=1),),
    warm_up_seconds=1,
    think_time_seconds=0,
    thresholds=(),
)
slow_samples = st.builds(
    SlowSample,
    pod_index=st.integers(0, 3),
    at_nanoseconds=st.integers(0, 3),
    response_nanoseconds=st.integers(0, 5),
    service_nanoseconds=st.integers(0, 5),
    error=st.none() | st.sampled_from(ErrorKind),
    status=st.none() | st.sampled_from((200, 504)),
    trace_id=st.sampled_from(("", "a", "b")),
)
pods = st.lists(slow_samples, max_size=14).map(lambda samples: slowest_samples([tuple(samples)]))


@given(pods, pods, pods)
def test_the_slowest_of_several_pods_are_the_same_in_whatever_order_they_are_merged(
    one: tuple[SlowSample, ...], two: tuple[SlowSample, ...], three: tuple[SlowSample, ...]
) -> None:
    merged = slowest_samples([slowest_samples([one, two]), three])

    assert merged == slowest_samples([one, slowest_samples([two, three])]) == slowest_samples([three, one, two])
    assert slowest_samples([one, ()]) == one
    assert [s.response_nanoseconds for s in merged] == sorted(
        (s.response_nanoseconds for s in (*one, *two, *three)), reverse=True
    )[:MOST_SLOW_SAMPLES]


@given(st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(0, 20), st.none() | st.sampled_from(ErrorKind))))
def test_a_pod_keeps_the_slowest_uploads_after_the_warm_up_whatever_they_came_to(
    uploads: list[tuple[int, int, ErrorKind | None]],
) -> None:
    recorder = Recorder(2, 3)
    step = recorder.open_step(STEP, 0)
    for number, (intended, duration, error) in enumerate(uploads):
        sample = Sample(
            intended, intended, intended + duration, 10, error, 0, 0, has_begun=True, trace_id=f"trace {number}"
        )
        step.finish(step.begin(intended), sample)

    _, (aggregate,) = recorder.read(0, 60 * SECOND)

    judged = sorted((duration for intended, duration, _ in uploads if intended >= WARM_UP), reverse=True)
    assert [sample.response_nanoseconds for sample in aggregate.slowest] == judged[:MOST_SLOW_SAMPLES]
    for sample in aggregate.slowest:
        number = int(sample.trace_id.removeprefix("trace "))
        assert (sample.at_nanoseconds, sample.response_nanoseconds, sample.error) == uploads[number]
        assert sample.pod_index == 2
