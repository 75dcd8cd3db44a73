"""Pods stand side by side, in a large fleet those that stand out; the slowest uploads are those of all steps."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loadtest_model.measurement.aggregate import aggregate_of
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.outcomes import ErrorKind, Outcome
from loadtest_model.measurement.slow_samples import SlowSample
from loadtest_model.measurement.snapshot import SNAPSHOT_SCHEMA, PodState, Snapshot
from loadtest_model.report.pod_figures import MOST_PODS, pod_summaries, slow_uploads
from support.builders import a_plan, a_run, a_step

PLAN = a_plan(parallelism=1)
SECOND = 1_000_000_000


def a_snapshot(
    index: int, *, accepted: int = 10, rejected: int = 0, seconds_each: float = 1.0, lag_seconds: float = 0.0
) -> Snapshot:
    return Snapshot(
        schema=SNAPSHOT_SCHEMA,
        pod_index=index,
        pod_uid=f"pod-{index}",
        sequence=1,
        state=PodState.DONE,
        plan_hash="h",
        steps=(a_step(accepted=accepted, rejected=rejected, seconds_each=seconds_each),),
        generator=GeneratorHealth(memory_bytes=100, cpu_seconds=1.5, max_loop_lag_seconds=lag_seconds),
    )


def test_each_pod_of_a_small_fleet_has_its_own_figures_by_its_index() -> None:
    second, first = a_snapshot(1, accepted=12, rejected=3, seconds_each=2.0, lag_seconds=0.2), a_snapshot(0)

    pods = pod_summaries(PLAN, [second, first])

    assert [(pod.index, pod.pods, pod.sent, pod.accepted, pod.errors) for pod in pods] == [
        (0, 1, 10, 10, 0),
        (1, 1, 15, 12, 3),
    ]
    assert (pods[1].avg, pods[1].p95, pods[1].max) == (2.0, 2.0, 2.0)
    assert (pods[1].memory_bytes, pods[1].cpu_seconds, pods[1].max_loop_lag_seconds) == (100, 1.5, 0.2)
    assert [pod.records_per_second for pod in pods] == [10_000 / 120, 12_000 / 120]


def test_in_a_large_fleet_the_pods_that_stand_out_are_listed_and_the_rest_is_one() -> None:
    fleet = [a_snapshot(index) for index in range(1_000)]
    fleet[7] = a_snapshot(7, seconds_each=9.0)
    fleet[500] = a_snapshot(500, rejected=2)
    fleet[999] = a_snapshot(999, lag_seconds=3.0)

    *pods, rest = pod_summaries(PLAN, fleet)

    assert len(pods) == MOST_PODS - 1
    assert {7, 500, 999} <= {pod.index for pod in pods}
    assert {pod.pods for pod in pods} == {1}
    assert (rest.pods, rest.sent, rest.errors, rest.p95) == (985, 9_850, 0, 1.0)
    assert rest.memory_bytes == 98_500


def test_a_run_that_loaded_nothing_has_no_pods() -> None:
    assert pod_summaries(PLAN, [structs.replace(a_snapshot(0), steps=())]) == ()
    assert pod_summaries(PLAN, []) == ()


fleets = st.lists(
    st.tuples(
        st.integers(0, 30), st.integers(0, 3), st.sampled_from((0.5, 1.0, 8.0)), st.sampled_from((0.0, 0.3, 1.0))
    ),
    max_size=40,
)


@given(fleets)
def test_however_large_a_fleet_is_its_pods_are_bounded_and_no_upload_is_left_out(
    fleet: list[tuple[int, int, float, float]],
) -> None:
    snapshots = [
        a_snapshot(index, accepted=accepted, rejected=rejected, seconds_each=seconds, lag_seconds=lag)
        for index, (accepted, rejected, seconds, lag) in enumerate(fleet)
    ]

    pods = pod_summaries(PLAN, snapshots)

    assert len(pods) == min(len(fleet), MOST_PODS)
    assert sum(pod.pods for pod in pods) == len(fleet)
    assert sum(pod.sent for pod in pods) == sum(accepted + rejected for accepted, rejected, _, _ in fleet)
    assert sum(pod.errors for pod in pods) == sum(rejected for _, rejected, _, _ in fleet)
    if len(fleet) > MOST_PODS:
        listed = {pod.index for pod in pods[:-1]}
        worst_lag, worst_errors = max(lag for *_, lag in fleet), max(rejected for _, rejected, _, _ in fleet)
        assert not worst_lag or any(fleet[index][3] == worst_lag for index in listed)
        assert not worst_errors or any(fleet[index][1] == worst_errors for index in listed)


def test_the_slowest_uploads_are_those_of_all_steps_and_say_where_they_were() -> None:
    plan = a_plan(scenario="all")
    slow = SlowSample(
        pod_index=3,
        at_nanoseconds=5 * SECOND,
        response_nanoseconds=9 * SECOND,
        service_nanoseconds=8 * SECOND,
        address="10.0.0.1:80",
        error=ErrorKind.SERVER_ERROR,
        status=504,
        trace_id="ab" * 16,
    )
    fast = SlowSample(pod_index=0, at_nanoseconds=0, response_nanoseconds=SECOND, service_nanoseconds=SECOND)
    steps = (structs.replace(a_step(), slowest=(fast,) * 10), structs.replace(a_step(), slowest=(slow,)))

    uploads = slow_uploads(plan, a_run(*steps))

    assert [upload.step for upload in uploads] == ["medium", *["light"] * 9]
    first = uploads[0]
    assert (first.pod, first.at_seconds, first.response_seconds, first.service_seconds) == (3, 5.0, 9.0, 8.0)
    assert (first.address, first.outcome, first.error, first.status) == (
        "10.0.0.1:80",
        Outcome.REJECTED,
        "server_error",
        504,
    )
    assert first.trace_id == "ab" * 16
    assert (uploads[1].outcome, uploads[1].error, uploads[1].status) == ("accepted", "", None)


def test_an_aggregate_of_one_pod_has_the_slowest_of_its_snapshot() -> None:
    sample = SlowSample(pod_index=4, at_nanoseconds=0, response_nanoseconds=2, service_nanoseconds=1)
    snapshot = structs.replace(a_snapshot(4), steps=(structs.replace(a_step(), slowest=(sample,)),))

    assert [upload.pod for upload in slow_uploads(PLAN, aggregate_of(snapshot))] == [4]
