"""Laws of what the test cut: whatever would have become of it, the truth lies in the interval that is judged."""

from dataclasses import dataclass

from hypothesis import assume, example, given
from hypothesis import strategies as st

from loadtest_model.measurement.censored import CensoredTimes
from loadtest_model.measurement.sketch import Sketch, sketch_of
from loadtest_model.measurement.snapshot import SNAPSHOT_SCHEMA, PodState, Snapshot
from loadtest_model.measurement.step import StepAggregate, merged_step
from loadtest_model.measurement.upload_parts import UploadPart, UploadParts
from loadtest_model.protocol.last_word import decode_last_word, encode_last_word
from loadtest_model.thresholds.bounds import evaluate, parse_threshold
from loadtest_model.thresholds.doubt import true_value_interval
from loadtest_model.thresholds.metrics import METRICS
from loadtest_model.values import NANOSECONDS
from support.builders import counts

TIMEOUT_NS = 60 * NANOSECONDS
WITHIN = 1.03
"""The sketch's error on either side, and that of a bucket's edge."""


@dataclass(frozen=True)
class Upload:
    """An upload that took `true_ns`, and was cut at `age_ns` if it had not ended before. `fails` says how it ended."""

    true_ns: int
    age_ns: int
    fails: bool

    @property
    def is_cut(self) -> bool:
        return self.age_ns < self.true_ns


uploads = st.builds(
    Upload,
    true_ns=st.integers(NANOSECONDS // 1_000, TIMEOUT_NS),
    age_ns=st.integers(NANOSECONDS // 1_000, TIMEOUT_NS),
    fails=st.booleans(),
)


def part_of(nanoseconds: list[int]) -> UploadPart:
    return UploadPart(
        count=len(nanoseconds), sum_nanoseconds=sum(nanoseconds), max_nanoseconds=max(nanoseconds, default=0)
    )


def true_step(sample: list[Upload]) -> StepAggregate:
    """The step as it would have been if nothing had been cut."""
    times = [upload.true_ns for upload in sample]
    failures = sum(upload.fails for upload in sample)
    return StepAggregate(
        judged=counts(accepted=len(sample) - failures, unknown=failures),
        response=sketch_of(times),
        service=sketch_of(times),
        parts=UploadParts(wait=part_of(times)),
    )


def measured_step(sample: list[Upload]) -> StepAggregate:
    """The step as it is measured: an upload that was cut counts at its age."""
    times = [min(upload.true_ns, upload.age_ns) for upload in sample]
    cut = [upload for upload in sample if upload.is_cut]
    ages = sketch_of(upload.age_ns for upload in cut)
    failures = sum(upload.fails for upload in sample if not upload.is_cut)
    accepted = len(sample) - len(cut) - failures
    return StepAggregate(
        judged=counts(accepted=accepted, unknown=failures + len(cut), cancelled=len(cut)),
        response=sketch_of(times),
        service=sketch_of(times),
        parts=UploadParts(wait=part_of(times)),
        censored=CensoredTimes(
            response=ages,
            service=ages,
            remaining_nanoseconds=sum(TIMEOUT_NS - upload.age_ns for upload in cut),
        ),
    )


TIMES = sorted(
    name for name, metric in METRICS.items() if metric.unit == "seconds" and not name.startswith(("connect", "upload"))
)


@given(st.lists(uploads, min_size=1, max_size=150), st.sampled_from([*TIMES, "error_rate", "success_rate", "unknown"]))
@example([Upload(NANOSECONDS // 2, NANOSECONDS, False)] + [Upload(TIMEOUT_NS, NANOSECONDS, True)] * 4, "p99")
@example([Upload(NANOSECONDS // 2, NANOSECONDS, False)] + [Upload(TIMEOUT_NS, NANOSECONDS, True)] * 4, "error_rate")
def test_the_value_without_any_cut_lies_in_the_interval(sample: list[Upload], metric: str) -> None:
    measured = measured_step(sample)
    value = METRICS[metric].read(measured, 60.0).value
    truth = METRICS[metric].read(true_step(sample), 60.0).value
    assume(value is not None)
    assert value is not None
    assert truth is not None

    interval = true_value_interval(metric, measured, value, 60.0)

    assert interval.low <= value <= interval.high
    assert interval.low / WITHIN - 1e-9 <= truth <= interval.high * WITHIN + 1e-9


@given(st.lists(uploads, min_size=1, max_size=100), st.integers(1, 60), st.sampled_from(TIMES))
def test_a_cut_never_turns_a_breach_into_a_pass_or_a_pass_into_a_breach(
    sample: list[Upload], bound: int, metric: str
) -> None:
    threshold = parse_threshold(f"{metric} < {bound}s")
    truth = evaluate(threshold, true_step(sample), 60.0)
    assume(truth.value is not None and not bound / WITHIN <= truth.value <= bound * WITHIN)

    result = evaluate(threshold, measured_step(sample), 60.0)

    assert result.passed in (None, truth.passed)


@given(st.lists(uploads, min_size=1, max_size=100))
def test_where_nothing_was_cut_nothing_is_in_doubt_because_of_it(sample: list[Upload]) -> None:
    step = true_step(sample)
    for metric in METRICS:
        value = METRICS[metric].read(step, 60.0).value
        assert value is None or true_value_interval(metric, step, value, 60.0).is_exact


durations = st.lists(st.integers(0, 2 * 10**14), max_size=80)


@given(durations, durations, st.integers(0, 3), st.integers(0, 3))
def test_the_rest_of_a_sketch_is_the_sketch_of_the_rest(
    rest: list[int], part: list[int], whole_coarseness: int, part_coarseness: int
) -> None:
    whole = sketch_of([*rest, *part]).coarsen(whole_coarseness)

    left = whole.without(sketch_of(part).coarsen(part_coarseness))

    expected = sketch_of(rest).coarsen(left.coarseness)
    if not part:
        assert left == sketch_of(rest).coarsen(whole_coarseness)
        return
    assert (left.count, left.sum_nanoseconds) == (expected.count, expected.sum_nanoseconds)
    assert (left.buckets, left.underflow, left.overflow) == (expected.buckets, expected.underflow, expected.overflow)
    if rest:
        assert left.max_nanoseconds is not None
        assert left.max_nanoseconds >= max(rest) * (1 - 1e-9)


@given(durations, st.floats(1e-6, 1e5), st.integers(0, 3))
def test_no_duration_is_counted_as_above_a_bound_that_it_is_not_above(
    values: list[int], seconds: float, coarseness: int
) -> None:
    sketch: Sketch = sketch_of(values).coarsen(coarseness)

    above = sum(value / NANOSECONDS >= seconds * (1 - 1e-9) for value in values)
    surely = sum(value / NANOSECONDS > seconds * (1 + 2 * sketch.relative_error) ** 2 for value in values)
    assert surely <= sketch.count_above(seconds) <= above


@given(st.lists(st.lists(uploads, max_size=20), min_size=1, max_size=4))
def test_what_several_pods_cut_is_what_one_would_have_cut(pods: list[list[Upload]]) -> None:
    merged = merged_step([measured_step(sample) for sample in pods])

    assert merged.censored == measured_step([upload for sample in pods for upload in sample]).censored


@given(st.lists(uploads, min_size=1, max_size=60))
def test_a_last_word_carries_what_was_cut(sample: list[Upload]) -> None:
    step = measured_step(sample)
    snapshot = Snapshot(
        schema=SNAPSHOT_SCHEMA,
        pod_index=0,
        pod_uid="u",
        sequence=1,
        state=PodState.DONE,
        plan_hash="h",
        steps=(step,),
    )

    decoded = decode_last_word(encode_last_word(snapshot))

    assert decoded is not None
    (last,) = decoded.steps
    assert last.censored.response.count == step.censored.response.count
    assert last.censored.remaining_nanoseconds == step.censored.remaining_nanoseconds
    assert last.response.without(last.censored.response).count == sum(not upload.is_cut for upload in sample)
