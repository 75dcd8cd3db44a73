"""From samples to counts, sketches, seconds and segments."""

from msgspec import structs

from loadgen.measure.recorder import Recorder
from loadgen.measure.samples import Sample
from loadgen.measure.step_recorder import StepRecorder
from loadtest_model.load.arrivals import ArrivalProcess, Arrivals
from loadtest_model.load.pacing import Segment
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step

SECOND = 1_000_000_000
START = 500 * SECOND


def make_step(warm_up_seconds: float = 0.0) -> Step:
    """Two plateaus of five seconds, with 2 and 5 users."""
    return Step(
        name="custom",
        batch_size=10,
        segments=(
            Segment(duration_seconds=5, first_users=2, last_users=2),
            Segment(duration_seconds=5, first_users=5, last_users=5),
        ),
        warm_up_seconds=warm_up_seconds,
        think_time_seconds=0,
        thresholds=(),
    )


def sample(
    at_seconds: float, duration_seconds: float = 1.0, error: ErrorKind | None = None, *, has_begun: bool = True
) -> Sample:
    """An upload of ten rows that was due at an instant of the step and sent a tenth of a second later."""
    intended_ns = START + int(at_seconds * SECOND)
    return Sample(
        intended_ns=intended_ns,
        sent_ns=intended_ns + SECOND // 10,
        finished_ns=intended_ns + int(duration_seconds * SECOND),
        rows=10,
        error=error,
        records_confirmed=10 if error is None else 0,
        bytes_sent=1000 if has_begun else 0,
        has_begun=has_begun,
    )


def record(recorder: StepRecorder, *samples: Sample) -> None:
    for sample_ in samples:
        recorder.finish(recorder.begin(sample_.intended_ns), sample_)


def read(recorder: Recorder, since: int = 0, at_seconds: float = 9.5) -> StepAggregate:
    _, (step,) = recorder.read(since, START + int(at_seconds * SECOND))
    return step


def open_step(step: Step | None = None, *, pod: tuple[int, int] = (0, 1)) -> tuple[Recorder, StepRecorder]:
    recorder = Recorder(*pod)
    return recorder, recorder.open_step(step or make_step(), START)


def test_each_step_tells_when_it_began_counted_from_the_first() -> None:
    recorder = Recorder(0, 1)
    for start_seconds in (500.0, 512.5, 700.25):
        recorder.open_step(make_step(), int(start_seconds * SECOND))

    assert [step.start_seconds for step in recorder.read(0, 800 * SECOND)[1]] == [0.0, 12.5, 200.25]


def test_each_outcome_is_counted_as_such() -> None:
    recorder, step = open_step()

    record(
        step,
        sample(0),
        sample(0, error=ErrorKind.SERVER_ERROR),
        sample(0, error=ErrorKind.TIMEOUT),
        sample(0, error=ErrorKind.CANCELLED),
        sample(0, error=ErrorKind.REDIRECT),
        sample(0, error=ErrorKind.REFUSED, has_begun=False),
    )

    assert read(recorder).total == Counts(
        due=6,
        sent=6,
        accepted=1,
        rejected=2,
        unknown=2,
        violation=1,
        cancelled=1,
        records_sent=50,
        records_confirmed=10,
        bytes_sent=5000,
    )


def test_errors_are_counted_by_their_kind() -> None:
    recorder, step = open_step()

    record(step, sample(0), sample(1, error=ErrorKind.TIMEOUT), sample(2, error=ErrorKind.TIMEOUT))

    assert read(recorder).errors == {ErrorKind.TIMEOUT: 2}


def test_response_time_counts_from_the_intended_start_and_service_time_from_the_sending() -> None:
    recorder, step = open_step()

    record(step, sample(0, duration_seconds=2.0))

    assert read(recorder).response.max_seconds == 2.0
    assert read(recorder).service.max_seconds == 1.9


def test_a_time_out_enters_the_response_times_and_a_rejection_does_not() -> None:
    recorder, step = open_step()

    record(step, sample(0, 120.0, ErrorKind.TIMEOUT), sample(0, 0.01, ErrorKind.SERVER_ERROR))

    aggregate = read(recorder)
    assert (aggregate.response.count, aggregate.response.max_seconds) == (1, 120.0)
    assert (aggregate.rejected_response.count, aggregate.rejected_response.max_seconds) == (1, 0.01)


def test_an_upload_that_was_cut_enters_the_times_at_its_age_and_is_flagged() -> None:
    recorder, step = open_step()
    cut = structs.replace(sample(0, 2.0, ErrorKind.CANCELLED), own_response_ns=SECOND // 2, remaining_ns=3 * SECOND)

    record(step, sample(0, 1.0), cut, sample(0, 0.01, ErrorKind.MARKER_MISSING))

    aggregate = read(recorder)
    assert aggregate.response.count == aggregate.service.count == aggregate.segment_response[0].count == 2
    assert aggregate.response.max_seconds == 2.0
    assert (aggregate.censored.response.count, aggregate.censored.response.max_seconds) == (1, 2.0)
    assert (aggregate.censored.service.count, aggregate.censored.service.max_seconds) == (1, 1.9)
    assert aggregate.censored.remaining_nanoseconds == 3 * SECOND
    assert (aggregate.own.response.count, aggregate.own.response.max_seconds) == (2, 0.5)
    assert aggregate.judged.error_rate == 0.5


def test_a_time_out_and_a_cut_in_the_warm_up_are_not_censored() -> None:
    recorder, step = open_step(make_step(warm_up_seconds=2.0))

    record(step, sample(1, 1.0, ErrorKind.CANCELLED), sample(3, 1.0, ErrorKind.TIMEOUT))

    aggregate = read(recorder)
    assert aggregate.response.count == 1
    assert aggregate.censored.response.count == aggregate.censored.remaining_nanoseconds == 0


def test_the_warm_up_is_counted_but_not_judged() -> None:
    recorder, step = open_step(make_step(warm_up_seconds=2))

    record(step, sample(1.9), sample(2.0), sample(3.0))

    aggregate = read(recorder)
    assert (aggregate.total.accepted, aggregate.judged.accepted, aggregate.response.count) == (3, 2, 2)
    assert sum(counts.accepted for counts in aggregate.segment_counts) == 2


def test_an_upload_belongs_to_the_segment_of_its_intended_start() -> None:
    recorder, step = open_step()

    record(step, sample(4.9, duration_seconds=3.0), sample(5.0))

    aggregate = read(recorder)
    assert [counts.accepted for counts in aggregate.segment_counts] == [1, 1]
    assert [sketch.count for sketch in aggregate.segment_response] == [1, 1]


def test_an_upload_counts_in_the_second_it_was_due_and_its_answer_in_the_second_it_came() -> None:
    recorder, step = open_step()

    record(step, sample(1.5, duration_seconds=2.0))

    seconds = {second.second: second for second in read(recorder).seconds}
    assert (seconds[1].counts.accepted, seconds[1].answers) == (1, 0)
    assert (seconds[3].counts.accepted, seconds[3].answers, seconds[3].records_answered) == (0, 1, 10)
    assert seconds[3].response_nanoseconds_sum == 2 * SECOND


def test_no_answer_is_counted_where_none_came() -> None:
    recorder, step = open_step()

    record(step, sample(0, 1.0, ErrorKind.TIMEOUT), sample(0, 1.0, ErrorKind.REFUSED, has_begun=False))

    assert sum(second.answers for second in read(recorder).seconds) == 0


def test_every_second_up_to_now_is_there_with_the_virtual_users_of_this_pod() -> None:
    recorder, _ = open_step(pod=(1, 2))

    seconds = read(recorder, at_seconds=6.2).seconds

    assert [second.second for second in seconds] == [0, 1, 2, 3, 4, 5, 6]
    assert [second.virtual_users for second in seconds] == [1, 1, 1, 1, 1, 2, 2]


def test_a_second_keeps_the_users_that_were_at_work_in_it_when_the_next_ones_are_noted() -> None:
    recorder, step = open_step(
        structs.replace(
            make_step(), arrivals=Arrivals(process=ArrivalProcess.CONSTANT, rates=(), max_lateness_seconds=1.0)
        )
    )
    step.record_users(2, START)
    record(step, sample(1.2, 1.0))
    step.record_users(5, START + 5 * SECOND // 2)

    assert [second.virtual_users for second in read(recorder, at_seconds=2.9).seconds] == [2, 2, 5]
    record(step, sample(1.9, 2.0))
    step.record_users(7, START + 5 * SECOND)

    assert [second.virtual_users for second in read(recorder, at_seconds=5.5).seconds] == [2, 2, 5, 5, 7, 7]


def test_a_step_that_has_not_begun_has_no_seconds() -> None:
    recorder, _ = open_step()

    assert read(recorder, at_seconds=-1.0).seconds == ()


def test_a_reader_that_holds_a_reading_gets_only_the_seconds_that_changed_since() -> None:
    recorder, step = open_step()
    record(step, sample(0), sample(1), sample(2))
    reading_number, _ = recorder.read(0, START + 3 * SECOND)
    record(step, sample(1.2, duration_seconds=3.0))

    _, (aggregate,) = recorder.read(reading_number, START + int(4.5 * SECOND))

    assert [second.second for second in aggregate.seconds] == [1, 4]
    assert aggregate.total.accepted == 4


def test_readings_are_numbered_upwards() -> None:
    recorder, _ = open_step()

    assert [recorder.read(0, START)[0] for _ in range(3)] == [1, 2, 3]


def test_an_upload_that_begins_a_moment_before_the_start_belongs_to_the_load() -> None:
    recorder, step = open_step()

    record(step, sample(-0.001))

    assert read(recorder).judged == read(recorder).total == read(recorder).segment_counts[0]
    assert read(recorder).response.count == 1


def test_after_the_end_every_reading_is_the_last_one() -> None:
    recorder, step = open_step()
    record(step, sample(0))
    recorder.read(0, START)

    last = recorder.freeze()

    assert [recorder.read(0, START + n * SECOND)[0] for n in range(2)] == [last, last]
    assert recorder.freeze() == last
    assert recorder.read(0, START)[1] == recorder.read(0, START + 60 * SECOND)[1]
    assert not recorder.read(0, START)[1][0].finished_pods


def test_only_a_step_that_ran_to_its_natural_end_is_finished() -> None:
    recorder, step = open_step()

    step.mark_complete()
    step.end()

    assert recorder.read(0, START)[1][0].finished_pods


def test_uploads_in_flight_are_told_with_their_ages_the_oldest_first() -> None:
    recorder, step = open_step()
    step.begin(START + 2 * SECOND)
    step.begin(START + 1 * SECOND)

    aggregate = read(recorder, at_seconds=5.0)

    assert aggregate.in_flight == 2
    assert aggregate.in_flight_ages_seconds == (4.0, 3.0)
    assert aggregate.total.sent == 0


def test_at_most_a_hundred_ages_are_told_and_they_are_the_oldest() -> None:
    recorder, step = open_step()
    for number in range(150):
        step.begin(START + number)

    aggregate = read(recorder, at_seconds=5.0)

    assert aggregate.in_flight == 150
    assert len(aggregate.in_flight_ages_seconds) == 100
    assert aggregate.in_flight_ages_seconds[0] == 5.0


def test_uploads_are_counted_for_each_address_and_the_refused_among_them() -> None:
    recorder, step = open_step()
    refused_upload = sample(1, error=ErrorKind.REFUSED, has_begun=False)
    uploads = (sample(0), refused_upload, sample(2, error=ErrorKind.TIMEOUT), sample(3, error=ErrorKind.CANCELLED))

    record(step, *(structs.replace(upload, address="10.0.0.1:80") for upload in uploads))

    assert read(recorder).addresses == {"10.0.0.1:80": AddressCounts(sent=4, accepted=1, failed=2, refused=1)}


def test_connections_that_were_lost_at_an_address_are_counted_by_what_ended_them() -> None:
    recorder, step = open_step()
    reset = sample(0, error=ErrorKind.RESET)
    killed_worker = structs.replace(reset, cause=Cause.WORKER_KILLED)
    stale = sample(1, error=ErrorKind.STALE_CONNECTION)

    record(step, *(structs.replace(upload, address="10.0.0.1:80") for upload in (reset, killed_worker, stale, stale)))

    assert read(recorder).addresses == {"10.0.0.1:80": AddressCounts(sent=4, failed=4, cut=2, stale=2)}
