"""What a pod tells of each plateau of a climb."""

from msgspec import structs

from loadgen.measure.recorder import Recorder
from loadgen.measure.samples import Sample
from loadgen.measure.step_recorder import StepRecorder
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.values import NANOSECONDS
from support.climbs import PLATEAU_SECONDS, a_climb

START_NS = 1_000 * NANOSECONDS


def at(seconds: float) -> int:
    return START_NS + int(seconds * NANOSECONDS)


def a_recorder() -> tuple[Recorder, StepRecorder]:
    recorder = Recorder(0, 1)
    return recorder, recorder.open_step(a_climb().steps[0], START_NS)


def upload(step: StepRecorder, begin: float, end: float, error: ErrorKind | None = None) -> None:
    sample = Sample(
        intended_ns=at(begin),
        sent_ns=at(begin),
        finished_ns=at(end),
        rows=10,
        error=error,
        records_confirmed=0 if error else 10,
        bytes_sent=100,
        has_begun=True,
    )
    step.finish(step.begin(at(begin)), sample)


def read(recorder: Recorder, seconds: float) -> StepAggregate:
    (step,) = recorder.read(0, at(seconds))[1]
    return step


def test_an_upload_belongs_to_the_plateau_that_it_began_on() -> None:
    recorder, step = a_recorder()
    upload(step, 9.5, 12.0)
    upload(step, 10.5, 11.0, ErrorKind.SERVER_ERROR)

    first, second = read(recorder, 15.0).plateaus

    assert (first.judged.accepted, first.response.max_seconds) == (1, 2.5)
    assert (second.judged.rejected, second.response.count) == (1, 0)
    assert second.errors == {ErrorKind.SERVER_ERROR: 1}


def test_plateaus_that_have_not_begun_are_not_told() -> None:
    recorder, _ = a_recorder()

    assert len(read(recorder, 5.0).plateaus) == 1
    assert len(read(recorder, PLATEAU_SECONDS + 1.0).plateaus) == 2


def test_a_plateau_is_finished_once_its_time_is_over_and_its_last_upload_has_ended() -> None:
    recorder, step = a_recorder()
    number = step.begin(at(9.0))

    during, waiting = (read(recorder, seconds).plateaus[0] for seconds in (9.5, 11.0))
    step.withdraw(number)
    settled = read(recorder, 11.0).plateaus[0]

    assert [plateau.finished_pods for plateau in (during, waiting, settled)] == [False, False, True]
    assert (waiting.in_flight, waiting.in_flight_ages_seconds) == (1, (2.0,))


def test_a_plateau_under_way_is_not_finished_although_nothing_is_in_flight() -> None:
    recorder, step = a_recorder()
    upload(step, 1.0, 2.0)

    (plateau,) = read(recorder, 5.0).plateaus

    assert (plateau.finished_pods, plateau.load_seconds) == (False, 5.0)


def test_a_plateau_that_was_cut_short_is_never_finished() -> None:
    recorder, step = a_recorder()
    upload(step, 1.0, 2.0)
    step.end(at(PLATEAU_SECONDS + 4.0))

    first, second = read(recorder, 60.0).plateaus

    assert (first.finished_pods, second.finished_pods, second.load_seconds) == (True, False, 4.0)


def test_each_plateau_has_its_own_share_of_what_was_offered() -> None:
    recorder, step = a_recorder()
    step.record_offer(at(5.0), 80, 100)
    step.record_offer(at(15.0), 30, 100)

    first, second = read(recorder, 19.0).plateaus

    assert (first.own.offered_share, second.own.offered_share) == (0.8, 0.3)


def test_a_dropped_arrival_counts_on_the_plateau_that_it_was_due_on() -> None:
    recorder, step = a_recorder()
    step.drop(step.begin(at(12.0)), at(14.0))
    step.drop_at_end(step.begin(at(13.0)), at(14.0), 0, NANOSECONDS)

    first, second = read(recorder, 15.0).plateaus

    assert (first.judged.due, second.judged.dropped) == (0, 2)
    assert (second.response.count, second.censored.response.count) == (2, 1)


def test_a_step_that_does_not_climb_tells_of_no_plateaus() -> None:
    plain = a_climb().steps[0]
    recorder = Recorder(0, 1)
    recorder.open_step(structs.replace(plain, climb=None), START_NS)

    assert read(recorder, 5.0).plateaus == ()
