"""Whatever is recorded, in whatever order and however it is read, the counts add up."""

from collections import Counter
from functools import reduce

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from loadgen.http.upload_progress import PartNanoseconds
from loadgen.measure.accepted_uploads import AcceptedUploads
from loadgen.measure.plateau_tally import PlateauTally
from loadgen.measure.recorder import Recorder
from loadgen.measure.samples import Sample
from loadgen.measure.slow_tally import SlowTally
from loadgen.measure.tallies import AddressTally, SecondTally
from loadtest_model.load.pacing import Segment
from loadtest_model.measurement.aggregate import merge_snapshots
from loadtest_model.measurement.causes import Cause, cause_of
from loadtest_model.measurement.coarse_times import COARSE_ERROR, coarse_count, coarse_quantile_seconds
from loadtest_model.measurement.counts import Counts, Second, merged_errors
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.measurement.sketch import nearest_rank
from loadtest_model.measurement.snapshot import SNAPSHOT_SCHEMA, PodState, Snapshot
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.measurement.timeline import Timeline, with_series
from loadtest_model.plan import Step
from loadtest_model.plan.climb import Climb, ClimbBy

SECOND = 1_000_000_000
START = 1_000 * SECOND
STEP = Step(
    name="custom",
    batch_size=10,
    segments=tuple(Segment(duration_seconds=n, first_users=1, last_users=n) for n in (2, 3, 4)),
    warm_up_seconds=1.5,
    think_time_seconds=0,
    thresholds=(),
)


ADDRESSES = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    intended = START + draw(st.integers(0, 9 * SECOND))
    sent = intended + draw(st.integers(0, SECOND))
    error = draw(st.none() | st.sampled_from(list(ErrorKind)))
    *left, address = draw(st.permutations(ADDRESSES))[: draw(st.integers(1, 3))]
    return Sample(
        intended_ns=intended,
        sent_ns=sent,
        finished_ns=sent + draw(st.integers(0, 5 * SECOND)),
        rows=10,
        error=error,
        records_confirmed=0 if error else 10,
        bytes_sent=draw(st.integers(0, 2000)),
        has_begun=draw(st.booleans()) if error else True,
        address=address,
        departed_addresses=tuple(left),
        own_response_ns=draw(st.integers(0, SECOND)),
        own_service_ns=draw(st.integers(0, SECOND)),
        making_ns=draw(st.none() | st.integers(0, SECOND)),
        parts=PartNanoseconds(*(draw(st.none() | st.integers(0, SECOND)) for _ in PartNanoseconds._fields)),
    )


def added(counts: list[Counts]) -> Counts:
    return reduce(Counts.merge, counts, Counts())


def snapshot_of(sequence: int, steps: tuple[StepAggregate, ...]) -> Snapshot:
    return Snapshot(
        schema=SNAPSHOT_SCHEMA,
        pod_index=0,
        pod_uid="u",
        sequence=sequence,
        state=PodState.RUNNING,
        plan_hash="h",
        steps=steps,
    )


ONE_OF_EACH = [
    Sample(START, START, START + SECOND, 10, error, 0 if error else 10, 0, has_begun=True)
    for error in (None, *ErrorKind)
]


@given(st.lists(samples(), max_size=40), st.integers(0, 5))
@example(ONE_OF_EACH, 0)
def test_due_is_sent_and_sent_is_the_sum_of_the_outcomes_everywhere(taken: list[Sample], left_open: int) -> None:
    recorder = Recorder(0, 1)
    step = recorder.open_step(STEP, START)
    for sample in taken:
        step.finish(step.begin(sample.intended_ns), sample)
        _, (seen,) = recorder.read(0, sample.finished_ns)
        assert seen.total.is_conserved
        assert seen.judged.is_conserved
        assert all(second.counts.is_conserved for second in seen.seconds)
        assert added([second.counts for second in seen.seconds]) == seen.total
        assert sum(second.ended for second in seen.seconds) == seen.total.sent
        assert sum(second.accepted for second in seen.seconds) == seen.total.accepted
        assert merged_errors(second.errors for second in seen.seconds) == seen.errors
        assert all(coarse_count(second.answer_times) == second.answers for second in seen.seconds)
        assert added(list(seen.segment_counts)) == seen.judged
    for _ in range(left_open):
        step.begin(START)

    _, (seen,) = recorder.read(0, START)

    assert seen.total.sent == len(taken)
    assert seen.in_flight == left_open
    assert sum(seen.errors.values()) == sum(sample.error is not None for sample in taken)
    for name in ("accepted", "rejected", "unknown", "violation"):
        assert getattr(seen.total, name) == sum(outcome_of(sample.error) == name for sample in taken)


@given(st.lists(samples(), max_size=40), st.booleans())
def test_uploads_that_are_counted_together_come_to_what_they_come_to_one_by_one(
    taken: list[Sample], climbs: bool
) -> None:
    step = replace(STEP, climb=Climb(by=ClimbBy.VIRTUAL_USERS)) if climbs else STEP
    together, one_by_one = Recorder(0, 1), Recorder(0, 1)
    steps = [recorder.open_step(step, START) for recorder in (together, one_by_one)]
    for sample in taken:
        for step_recorder in steps:
            step_recorder.finish(step_recorder.begin(sample.intended_ns), sample)
        one_by_one.read(0, START)

    assert together.read(0, START)[1] == one_by_one.read(0, START)[1]


@given(st.lists(samples().map(lambda sample: replace(sample, error=None, has_begun=True)), min_size=1, max_size=9))
def test_each_tally_counts_accepted_uploads_together_as_it_does_one_by_one(taken: list[Sample]) -> None:
    uploads = AcceptedUploads([replace(sample, address=ADDRESSES[0], departed_addresses=()) for sample in taken])
    plateaus, slow_tallies = (PlateauTally(0), PlateauTally(0)), (SlowTally(0, START), SlowTally(0, START))
    seconds, addresses = (SecondTally(1, 1), SecondTally(1, 1)), (AddressTally(), AddressTally())
    for sample in uploads.samples:
        response_ns, service_ns = sample.finished_ns - sample.intended_ns, sample.finished_ns - sample.sent_ns
        plateaus[0].add(sample, response_ns, service_ns)
        seconds[0].end(sample)
        seconds[0].tally.add(sample)
        addresses[0].add(sample)
        slow_tallies[0].add(sample)

    plateaus[1].add_accepted(uploads)
    seconds[1].end_accepted(uploads)
    seconds[1].tally.add_accepted(uploads)
    addresses[1].add_accepted(uploads)
    slow_tallies[1].add_accepted(uploads)

    assert plateaus[1].aggregate(1, 0, (), is_over=True) == plateaus[0].aggregate(1, 0, (), is_over=True)
    assert seconds[1].second(0, 1) == seconds[0].second(0, 1)
    assert addresses[1].counts() == addresses[0].counts()
    assert slow_tallies[1].samples() == slow_tallies[0].samples()


@given(st.lists(samples(), max_size=40), st.lists(st.integers(0, 5), max_size=10))
def test_a_reader_that_asks_for_changes_only_holds_what_one_that_asks_for_all_gets(
    taken: list[Sample], reads: list[int]
) -> None:
    recorder = Recorder(0, 1)
    step = recorder.open_step(STEP, START)
    timeline, held = Timeline(), 0
    queue = list(taken)
    now = START
    for count in [*reads, len(queue)]:
        for sample in queue[:count]:
            step.finish(step.begin(sample.intended_ns), sample)
            now = max(now, sample.finished_ns)
        queue = queue[count:]
        held = timeline.add_snapshot(snapshot_of(*recorder.read(held, now))).sequence

    recorder.freeze()
    whole = snapshot_of(*recorder.read(0, now))
    last = timeline.add_snapshot(snapshot_of(*recorder.read(held, now)))

    assert with_series(merge_snapshots([last]), timeline.series(["u"])) == merge_snapshots([whole])


@given(st.lists(samples(), max_size=40), st.lists(st.booleans(), min_size=40, max_size=40))
def test_the_percentile_of_a_second_is_that_of_its_answers_however_often_it_was_read(
    taken: list[Sample], is_read: list[bool]
) -> None:
    recorder = Recorder(0, 1)
    step = recorder.open_step(STEP, START)
    for sample, reads in zip(taken, is_read, strict=False):
        step.finish(step.begin(sample.intended_ns), sample)
        if reads:
            recorder.read(0, sample.finished_ns)

    _, (seen,) = recorder.read(0, START)

    answered = [s for s in taken if s.has_begun and outcome_of(s.error) is not Outcome.UNKNOWN]
    for second in seen.seconds:
        times = sorted(
            s.finished_ns - s.intended_ns for s in answered if (s.finished_ns - START) // SECOND == second.second
        )
        p95 = coarse_quantile_seconds(second.answer_times, 0.95)
        assert (p95 is None) == (not times)
        if p95 is not None:
            exact = max(1e-6, times[nearest_rank(0.95, len(times)) - 1] / SECOND)
            assert abs(p95 - exact) <= COARSE_ERROR * exact * (1 + 1e-9)


@given(st.lists(samples(), max_size=40))
def test_no_time_is_lost_between_the_three_sketches(taken: list[Sample]) -> None:
    recorder = Recorder(0, 1)
    step = recorder.open_step(STEP, START)
    for sample in taken:
        step.finish(step.begin(sample.intended_ns), sample)

    _, (seen,) = recorder.read(0, START)

    timed = seen.judged.accepted + seen.judged.unknown
    assert seen.response.count == seen.service.count == timed
    assert seen.rejected_response.count == seen.judged.rejected
    assert sum(sketch.count for sketch in seen.segment_response) == timed
    assert seen.censored.response.count == seen.censored.service.count == seen.judged.cancelled
    assert seen.own.response.count == timed
    assert seen.service.sum_nanoseconds <= seen.response.sum_nanoseconds


@given(st.lists(samples(), max_size=40))
def test_seconds_are_numbered_without_a_gap(taken: list[Sample]) -> None:
    recorder = Recorder(0, 1)
    step = recorder.open_step(STEP, START)
    for sample in taken:
        step.finish(step.begin(sample.intended_ns), sample)

    _, (seen,) = recorder.read(0, START)

    seconds: list[Second] = list(seen.seconds)
    assert [second.second for second in seconds] == list(range(len(seconds)))


@given(st.lists(samples(), max_size=40), st.lists(st.none() | st.sampled_from(Cause), min_size=40, max_size=40))
def test_every_failed_upload_has_one_cause_but_those_that_were_cut(
    taken: list[Sample], causes: list[Cause | None]
) -> None:
    recorder = Recorder(0, 1)
    step = recorder.open_step(STEP, START)
    blamed = [
        replace(sample, cause=cause if sample.error not in (None, ErrorKind.CANCELLED) else None, detail="seen")
        for sample, cause in zip(taken, causes, strict=False)
    ]
    for sample in blamed:
        step.finish(step.begin(sample.intended_ns), sample)

    _, (seen,) = recorder.read(0, START)

    expected = Counter(sample.cause or cause_of(sample.error) for sample in blamed if sample.error is not None)
    del expected[None]
    assert {cause: held.count for cause, held in seen.causes.items()} == expected
    assert sum(expected.values()) == sum(seen.errors.values()) - seen.errors.get(ErrorKind.CANCELLED, 0)
    assert all(held.shortest_seconds <= held.longest_seconds for held in seen.causes.values())


@given(st.lists(samples(), max_size=40))
def test_each_upload_counts_at_one_address_and_apart_at_those_that_it_left(taken: list[Sample]) -> None:
    recorder = Recorder(0, 1)
    step = recorder.open_step(STEP, START)
    for sample in taken:
        step.finish(step.begin(sample.intended_ns), sample)

    _, (seen,) = recorder.read(0, START)

    spread = seen.addresses.values()
    assert sum(counts.sent for counts in spread) == seen.total.sent
    assert sum(counts.accepted for counts in spread) == seen.total.accepted
    assert sum(counts.rerouted for counts in spread) == sum(len(sample.departed_addresses) for sample in taken)
    assert seen.total.rerouted == sum(bool(sample.departed_addresses) for sample in taken)
    assert all(counts.refused + counts.unanswered + counts.cut <= counts.failed for counts in spread)
    assert sum(counts.refused for counts in spread) == seen.errors.get(ErrorKind.REFUSED, 0)
    assert sum(counts.unanswered for counts in spread) == seen.errors.get(ErrorKind.CONNECT_TIMEOUT, 0)
