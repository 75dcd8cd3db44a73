"""Laws of merging: the aggregate does not depend on the order of pods, and conserves what they counted."""

from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from loadtest_model.measurement.aggregate import (
    Aggregate,
    aggregate_of,
    merge_snapshots,
    merged_aggregate,
    with_departed_addresses,
)
from loadtest_model.measurement.cause_counts import EXAMPLE_CHARACTERS, CauseCount, Example, merged_causes
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.censored import CensoredTimes
from loadtest_model.measurement.coarse_times import coarse_times
from loadtest_model.measurement.counts import Counts, Second
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.silence import Silence, merged_silence
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.slow_samples import SlowSample, slowest_samples
from loadtest_model.measurement.snapshot import PodState, Snapshot
from loadtest_model.measurement.spread import (
    MOST_ADDRESSES,
    OTHER_ADDRESSES,
    AddressCounts,
    limit_addresses,
    merged_spread,
)
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.measurement.upload_parts import UploadPart, UploadParts
from loadtest_model.protocol.last_word import LIMIT_BYTES, MESH_LIMIT_BYTES, decode_last_word, encode_last_word

# Hypothesis takes longer to make a strategy than to draw from it, so each is made once.
small = st.integers(0, 1_000)
up_to_three = st.integers(0, 3)
flags = st.booleans()
up_to_two = st.integers(0, 2)
up_to_fifty = st.integers(1, 50)
up_to_a_hundred = st.floats(0, 100)
nanoseconds = st.lists(st.integers(1_000, 10**12), max_size=5)


@st.composite
def conserved_counts(draw: st.DrawFn) -> Counts:
    outcomes = {name: draw(small) for name in ("accepted", "rejected", "unknown", "violation")}
    dropped_arrivals, sent_uploads = draw(small), sum(outcomes.values())
    return Counts(
        due=sent_uploads + dropped_arrivals,
        sent=sent_uploads,
        dropped=dropped_arrivals,
        records_sent=draw(small),
        rerouted=draw(st.integers(0, sent_uploads)),
        **outcomes,
    )


examples = st.none() | st.builds(
    Example,
    address=st.sampled_from(["10.0.0.1:8000", "10.0.0.2:8000"]),
    status=st.none() | st.integers(400, 599),
    text=st.text(max_size=EXAMPLE_CHARACTERS),
)


@st.composite
def cause_counts(draw: st.DrawFn) -> CauseCount:
    shortest, longer = draw(up_to_a_hundred), draw(up_to_a_hundred)
    return CauseCount(
        count=draw(up_to_fifty),
        shortest_seconds=shortest,
        longest_seconds=shortest + longer,
        example=draw(examples),
    )


part_times = st.lists(small, max_size=4)


@st.composite
def parts(draw: st.DrawFn) -> UploadPart:
    times = draw(part_times)
    return UploadPart(count=len(times), sum_nanoseconds=sum(times), max_nanoseconds=max(times, default=0))


@st.composite
def own_times(draw: st.DrawFn) -> OwnTime:
    return OwnTime(
        response=sketch_of(draw(nanoseconds)),
        service=sketch_of(draw(nanoseconds)),
        response_without=sketch_of(draw(nanoseconds)),
        service_without=sketch_of(draw(nanoseconds)),
        lag_p99_seconds=draw(up_to_a_hundred),
        offered=draw(small),
        planned=draw(small),
        unsent=draw(small),
        timeouts=draw(small),
        dropped=draw(small),
        held_up=draw(small),
        making=draw(parts()),
        longest_stall_seconds=draw(up_to_a_hundred),
    )


spans = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 40)), max_size=4)


@st.composite
def silences(draw: st.DrawFn) -> Silence:
    """As a pod tells it: merging with nothing leaves it as it is."""
    answered, waiting = ([(begin, begin + length) for begin, length in draw(spans)] for _ in range(2))
    return merged_silence([Silence(answered=tuple(answered), waiting=tuple(waiting), due=draw(small))])


@st.composite
def address_counts(draw: st.DrawFn) -> AddressCounts:
    accepted, refused, unanswered, cut, stale, other_failures = (draw(small) for _ in range(6))
    failures = refused + unanswered + cut + stale + other_failures
    return AddressCounts(
        sent=accepted + failures,
        accepted=accepted,
        failed=failures,
        refused=refused,
        unanswered=unanswered,
        cut=cut,
        stale=stale,
        rerouted=draw(small),
    )


# As a pod tells it, which keeps a bounded number of names; more of them than are kept, so that the bound matters.
spreads = st.dictionaries(
    st.integers(0, MOST_ADDRESSES + 40).map(lambda number: f"10.0.0.{number:03}:80"), address_counts(), max_size=6
).map(limit_addresses)
many_spreads = st.integers(0, 3).map(
    lambda first: limit_addresses(
        {f"10.0.{n // 100}.{n % 100:02}:80": AddressCounts(sent=n) for n in range(first, 160, 2)}
    )
)


coarse = st.dictionaries(st.integers(-40, 40), st.integers(1, 9), max_size=4).map(coarse_times)
errors_by_kind = st.dictionaries(st.sampled_from(ErrorKind), st.integers(1, 50), max_size=4)
slow_samples = st.lists(
    st.builds(
        SlowSample,
        pod_index=st.integers(0, 6),
        at_nanoseconds=small,
        response_nanoseconds=small,
        service_nanoseconds=small,
    ),
    max_size=12,
).map(lambda samples: slowest_samples([tuple(samples)]))


all_counts, all_parts, all_own_times, all_silences = conserved_counts(), parts(), own_times(), silences()
seconds_numbers = st.lists(st.integers(0, 30), unique=True, max_size=5)
many_nanoseconds = st.lists(st.integers(1_000, 10**12), max_size=20)
causes_of_step = st.dictionaries(st.sampled_from(Cause), cause_counts(), max_size=8)
ages = st.lists(up_to_a_hundred, max_size=4)
step_starts = st.none() | up_to_a_hundred


@st.composite
def steps(draw: st.DrawFn, number: int) -> StepAggregate:
    numbers = draw(seconds_numbers)
    return StepAggregate(
        step=number,
        total=draw(all_counts),
        judged=draw(all_counts),
        errors=draw(errors_by_kind),
        causes=draw(causes_of_step),
        response=sketch_of(draw(many_nanoseconds)),
        service=sketch_of(draw(nanoseconds)),
        rejected_response=sketch_of(draw(nanoseconds)),
        silence=draw(all_silences),
        seconds=tuple(
            Second(
                second=second,
                counts=draw(all_counts),
                virtual_users=draw(small),
                errors=draw(errors_by_kind),
                answer_times=draw(coarse),
            )
            for second in sorted(numbers)
        ),
        segment_response=tuple(sketch_of(draw(nanoseconds)) for _ in range(draw(up_to_two))),
        segment_counts=tuple(draw(all_counts) for _ in range(draw(up_to_two))),
        parts=UploadParts(connect=draw(all_parts), upload=draw(all_parts), wait=draw(all_parts)),
        addresses=draw(spreads),
        lateness=sketch_of(draw(nanoseconds)),
        own=draw(all_own_times),
        censored=CensoredTimes(
            response=sketch_of(draw(nanoseconds)),
            service=sketch_of(draw(nanoseconds)),
            remaining_nanoseconds=draw(small),
        ),
        vu_limit_reached=draw(small),
        load_seconds=draw(up_to_a_hundred),
        in_flight=draw(small),
        in_flight_ages_seconds=tuple(sorted(draw(ages), reverse=True)),
        finished_pods=draw(flags),
        start_seconds=draw(step_starts),
        slowest=draw(slow_samples),
        plateaus=tuple(draw(plateaus(number)) for number in range(draw(up_to_three))),
    )


@st.composite
def plateaus(draw: st.DrawFn, number: int) -> StepAggregate:
    """As a pod tells of a plateau of a climb."""
    counts = draw(all_counts)
    return StepAggregate(
        step=number,
        total=counts,
        judged=counts,
        response=sketch_of(draw(nanoseconds)),
        own=draw(all_own_times),
        load_seconds=draw(up_to_a_hundred),
        in_flight=draw(small),
        finished_pods=draw(flags),
    )


pod_indexes = st.integers(0, 6)
shares = st.floats(0, 1)
maybe_shares = st.none() | shares
maybe_cores = st.none() | st.floats(0.001, 8)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    index = draw(pod_indexes)
    return Snapshot(
        schema=1,
        pod_index=index,
        pod_uid=f"pod-{index}",
        sequence=draw(up_to_fifty),
        state=PodState.RUNNING,
        plan_hash="hash",
        steps=tuple(draw(steps(number)) for number in range(draw(up_to_two))),
        generator=GeneratorHealth(
            memory_bytes=draw(small),
            max_loop_lag_seconds=draw(shares),
            throttled_share=draw(maybe_shares),
            cpu_limit_cores=draw(maybe_cores),
        ),
    )


@given(st.lists(snapshots(), max_size=5).flatmap(lambda made: st.tuples(st.just(made), st.permutations(made))))
def test_the_order_of_pods_does_not_matter(pair: tuple[list[Snapshot], list[Snapshot]]) -> None:
    snapshots_of_pods, permuted_snapshots = pair
    by_key = {(s.pod_index, s.sequence) for s in snapshots_of_pods}
    if len(by_key) < len(snapshots_of_pods):
        return  # two different snapshots with one number cannot come from one pod

    assert merge_snapshots(snapshots_of_pods) == merge_snapshots(permuted_snapshots)


@given(snapshots(), snapshots(), snapshots())
def test_merging_aggregates_is_associative_and_commutative(one: Snapshot, two: Snapshot, three: Snapshot) -> None:
    first, second, third = aggregate_of(one), aggregate_of(two), aggregate_of(three)

    assert first.merge(second) == second.merge(first)
    assert first.merge(second).merge(third) == first.merge(second.merge(third))
    assert first.merge(Aggregate()) == first


def test_no_field_of_a_step_is_forgotten_by_merging_or_by_these_laws() -> None:
    full = StepAggregate(
        step=2,
        total=Counts(due=2, sent=2, accepted=2),
        judged=Counts(due=1, sent=1, accepted=1),
        errors={ErrorKind.TIMEOUT: 1},
        causes={Cause.STALE_CONNECTION: CauseCount(count=1, shortest_seconds=1, longest_seconds=2)},
        response=sketch_of([1_000]),
        service=sketch_of([2_000]),
        rejected_response=sketch_of([3_000]),
        seconds=(Second(second=0, counts=Counts(due=1, dropped=1), virtual_users=1),),
        segment_response=(sketch_of([4_000]),),
        segment_counts=(Counts(due=3, dropped=3),),
        parts=UploadParts(connect=UploadPart(count=1, sum_nanoseconds=1, max_nanoseconds=1)),
        addresses={"10.0.0.1:80": AddressCounts(sent=1)},
        lateness=sketch_of([5_000]),
        vu_limit_reached=1,
        load_seconds=1.0,
        in_flight=1,
        in_flight_ages_seconds=(1.0,),
        finished_pods=True,
        own=OwnTime(response=sketch_of([1]), lag_p99_seconds=0.1, offered=1, planned=1, unsent=1),
        gone=AddressCounts(sent=1),
        censored=CensoredTimes(response=sketch_of([6_000]), service=sketch_of([7_000]), remaining_nanoseconds=1),
        silence=Silence(answered=((0, 1),), waiting=((1, 40),), due=1),
        start_seconds=0.0,
        plateaus=(StepAggregate(step=0, total=Counts(due=1, dropped=1)),),
        slowest=(SlowSample(pod_index=0, at_nanoseconds=0, response_nanoseconds=1, service_nanoseconds=1),),
    )
    empty = StepAggregate()

    assert [name for name in full.__struct_fields__ if getattr(full, name) == getattr(empty, name)] == []
    assert full.merge(empty) == full == empty.merge(full)


@settings(max_examples=30)
@given(st.lists(snapshots(), max_size=6))
def test_a_merged_run_is_conserved_in_every_step_and_second(pods: list[Snapshot]) -> None:
    whole = merge_snapshots(pods)

    for step in whole.steps:
        assert step.total.is_conserved
        assert all(second.counts.is_conserved for second in step.seconds)


@given(snapshots(), st.sampled_from((LIMIT_BYTES, MESH_LIMIT_BYTES)))
def test_a_last_word_fits_and_keeps_every_count(snapshot: Snapshot, limit_bytes: int) -> None:
    text = encode_last_word(snapshot, limit_bytes)
    decoded_snapshot = decode_last_word(text)

    assert len(text.encode()) <= limit_bytes
    assert decoded_snapshot is not None
    assert [step.total for step in decoded_snapshot.steps] == [step.total for step in snapshot.steps]
    for decoded_step, step in zip(decoded_snapshot.steps, snapshot.steps, strict=True):
        # Half of the room may be too little for times beside many causes; then there are none at all.
        kept_counts = {step.response.count} | ({0} if limit_bytes == MESH_LIMIT_BYTES else set())
        assert decoded_step.response.count in kept_counts
    assert decoded_snapshot.final


@given(snapshots(), st.integers(0, 60), st.integers(1, 60))
def test_a_torn_last_word_is_not_believed(snapshot: Snapshot, begin: int, length: int) -> None:
    text = encode_last_word(snapshot)
    begin %= max(1, len(text) - length)
    torn_text = text[:begin] + text[begin + length :]

    assert decode_last_word(torn_text) is None


@given(st.sampled_from(ErrorKind))
def test_every_kind_of_error_belongs_to_an_outcome_that_is_not_acceptance(kind: ErrorKind) -> None:
    assert outcome_of(kind) in set(Outcome) - {Outcome.ACCEPTED}


causes_by_name = st.dictionaries(st.sampled_from(Cause), cause_counts(), max_size=6)


@given(causes_by_name, causes_by_name, causes_by_name)
def test_causes_merge_in_any_order_and_lose_no_upload(
    one: dict[Cause, CauseCount], two: dict[Cause, CauseCount], three: dict[Cause, CauseCount]
) -> None:
    merged = merged_causes(merged_causes(one, two), three)

    assert merged == merged_causes(one, merged_causes(two, three)) == merged_causes(merged_causes(three, two), one)
    assert merged_causes(one, {}) == one
    assert sum(cause_count.count for cause_count in merged.values()) == sum(
        cause_count.count for part in (one, two, three) for cause_count in part.values()
    )


@given(st.lists(spreads | many_spreads, min_size=3, max_size=3))
def test_spreads_over_addresses_merge_in_any_order_within_their_bound(three: list[dict[str, AddressCounts]]) -> None:
    one, two, last = three

    merged = merged_spread([merged_spread([one, two]), last])

    assert merged == merged_spread([one, merged_spread([two, last])]) == merged_spread([last, two, one])
    assert sum(counts.sent for counts in merged.values()) == sum(c.sent for part in three for c in part.values())
    assert len(set(merged) - {OTHER_ADDRESSES}) <= MOST_ADDRESSES


@given(st.lists(snapshots(), max_size=6))
def test_merging_many_at_once_is_merging_them_one_by_one(pods: list[Snapshot]) -> None:
    aggregates = [aggregate_of(pod) for pod in pods]

    merged = Aggregate()
    for aggregate in aggregates:
        merged = merged.merge(aggregate)

    assert merged_aggregate(aggregates) == merged


@given(st.lists(snapshots(), min_size=1, max_size=4), st.sets(st.integers(0, 20).map(lambda n: f"10.0.0.{n:03}:80")))
def test_what_addresses_that_are_gone_took_is_told_apart_and_stays_counted(
    pods: list[Snapshot], departed_addresses: set[str]
) -> None:
    whole = merge_snapshots(pods)

    separated = with_departed_addresses(whole, departed_addresses)

    for before, after in zip(whole.steps, separated.steps, strict=True):
        assert structs.replace(after, gone=before.gone) == before
        assert after.gone == reduce(
            AddressCounts.merge,
            (counts for name, counts in before.addresses.items() if name in departed_addresses),
            AddressCounts(),
        )
