"""What looks at the target's workload add up to, from the start of the load on."""

import msgspec
import pytest
from msgspec import structs

from loadtest_model.judgement.trend import FEWEST_POINTS
from loadtest_model.judgement.workload import MOST_MEMORY_POINTS, MOST_RESTARTED_CONTAINERS, TargetWatch
from loadtest_model.reasons import Reason
from loadtest_operator.decide.watching import initial_watch, updated_watch, watchable_look
from loadtest_operator.facts.workload import ResourceUsage, WorkloadLook
from support.workload_builders import CLIENTS, IMAGE, Json, a_container, a_look, a_workload_pod

OOM = {"exitCode": 137, "reason": "OOMKilled"}
NEW_IMAGE = "registry.example/clients@sha256:2"


def started(*pods: Json, desired: int = 1) -> TargetWatch:
    return initial_watch(CLIENTS, a_look(*(pods or (a_workload_pod(),)), desired=desired))


def after(held: TargetWatch, *looks: WorkloadLook | None, every: float = 2.0) -> TargetWatch:
    """The record after these looks, as if each were written into the status and read from it by another operator."""
    for number, look in enumerate(looks, 1):
        made = updated_watch(held, look, number * every)
        held = msgspec.convert(msgspec.to_builtins(made), TargetWatch)
    return held


def a_pod_that_ended(times: int, uid: str = "aaaaaaaa-1", last_end: Json = OOM, **fields: object) -> Json:
    return a_workload_pod(uid, a_container(restarts=times, last_end=last_end if times else None), **fields)  # type: ignore[arg-type]


def test_a_target_that_fares_well_leaves_nothing_to_tell() -> None:
    seen = after(started(), a_look(a_workload_pod()), a_look(a_workload_pod()))

    assert (seen.restarts, seen.oom_kills, seen.replaced_pods, seen.rolled_out) == (0, 0, 0, False)
    assert (seen.not_ready_seconds, seen.images, seen.new_images) == (0, (IMAGE,), ())


def test_restarts_count_from_those_at_the_start() -> None:
    held = started(a_pod_that_ended(5))

    seen = after(held, a_look(a_pod_that_ended(5)), a_look(a_pod_that_ended(7)), a_look(a_pod_that_ended(8)))

    assert (seen.restarts, seen.oom_kills) == (3, 2)
    assert seen.last_end == "django in clients-aaaaaaaa-1, exit code 137, OOMKilled"


def test_a_restart_that_was_not_for_memory_is_no_oom_kill() -> None:
    crash = {"exitCode": 1, "reason": "Error"}

    seen = after(started(), a_look(a_pod_that_ended(1, last_end=crash)))

    assert (seen.restarts, seen.oom_kills, seen.last_end) == (1, 0, "django in clients-aaaaaaaa-1, exit code 1")


def test_an_old_oom_kill_of_a_container_beside_the_one_that_crashed_is_not_counted_again() -> None:
    old = a_container(restarts=1, last_end=OOM, name="worker")
    before = a_workload_pod("aaaaaaaa-1", old, a_container())
    now = a_workload_pod("aaaaaaaa-1", old, a_container(restarts=1, last_end={"exitCode": 1}))

    seen = after(started(before), a_look(now))

    assert (seen.restarts, seen.oom_kills) == (1, 0)


def test_a_pod_that_comes_in_anothers_place_was_replaced() -> None:
    seen = after(started(), a_look(), a_look(a_workload_pod("bbbbbbbb-2", created="10:05:00")))

    assert (seen.replaced_pods, seen.rolled_out) == (1, False)


def test_a_replaced_pod_counts_once() -> None:
    other = a_look(a_workload_pod("bbbbbbbb-2", created="10:05:00"))

    assert after(started(), other, other, other).replaced_pods == 1


def test_pods_that_scaling_up_brings_replace_nobody() -> None:
    one, two, three = (a_workload_pod(f"{n}", created=f"10:0{n}:00") for n in range(3))
    slow = (a_look(one, desired=3), a_look(one, two, desired=3), a_look(one, two, three, desired=3))

    seen = after(started(one), *slow)

    assert (seen.replaced_pods, seen.pods) == (0, 3)


def test_a_pod_beyond_those_that_scaling_up_asked_for_replaces_another() -> None:
    one, two, three = (a_workload_pod(f"{n}", created=f"10:0{n}:00") for n in range(3))

    assert after(started(one), a_look(one, two, desired=2), a_look(one, three, desired=2)).replaced_pods == 1


def test_scaling_down_and_up_again_replaces_nobody() -> None:
    one, two, three = (a_workload_pod(f"{n}", created=f"10:0{n}:00") for n in range(3))
    held = started(one, two, desired=2)

    assert after(held, a_look(one, desired=1), a_look(one, three, desired=2)).replaced_pods == 0


def test_a_rollout_is_told_and_replaces_nobody() -> None:
    new = a_workload_pod("bbbbbbbb-2", a_container(image=NEW_IMAGE), created="10:05:00", revision="r2")

    seen = after(started(), a_look(a_workload_pod(), new), a_look(new))

    assert (seen.rolled_out, seen.replaced_pods, seen.restarts) == (True, 0, 0)
    assert seen.new_images == (NEW_IMAGE,)


def test_pods_of_the_new_revision_that_crash_are_told_as_well() -> None:
    new = a_pod_that_ended(2, "bbbbbbbb-2", created="10:05:00", revision="r2")

    assert after(started(), a_look(new)).restarts == 2


def test_a_rollout_that_was_under_way_at_the_start_is_told() -> None:
    assert started(a_workload_pod(), a_workload_pod("b", created="10:05:00", revision="r2"), desired=2).rolled_out


def test_time_with_fewer_ready_pods_than_at_the_start_is_measured() -> None:
    ready, unready = a_look(a_workload_pod()), a_look(a_workload_pod(ready=False))

    assert after(started(), ready, unready, unready, ready).not_ready_seconds == 4


def test_no_pod_at_all_is_none_that_is_ready() -> None:
    assert after(started(), a_look(), a_look()).not_ready_seconds == 4


def test_pods_that_were_scaled_away_are_not_missed() -> None:
    one, two = a_workload_pod("one"), a_workload_pod("two")

    assert after(started(one, two, desired=2), a_look(one, desired=1)).not_ready_seconds == 0


def test_time_that_nobody_watched_is_not_made_up() -> None:
    unready = a_look(a_workload_pod(ready=False))

    assert after(started(), unready, every=60).not_ready_seconds == 0


def test_a_look_that_failed_is_told_until_one_succeeds_and_changes_no_count() -> None:
    held = after(started(), a_look(a_pod_that_ended(1)))
    failed = updated_watch(
        held, WorkloadLook(problem=Reason.WorkloadNotFound, message="there is no Deployment/clients"), 4
    )

    assert failed == structs.replace(held, problem="there is no Deployment/clients")
    assert after(failed, a_look(a_pod_that_ended(1))).problem == ""


def test_no_look_changes_nothing() -> None:
    held = started()

    assert updated_watch(held, None, 4) == held


def used(number: int, memory_bytes: int, pods: tuple[str, ...] = ("a",)) -> WorkloadLook:
    use = ResourceUsage(at=f"2026-03-01T12:{number:04}Z", memory_bytes=memory_bytes, cpu_cores=0.5, pods=pods)
    return measured(a_look(a_workload_pod()), use)


def measured(look: WorkloadLook, use: ResourceUsage) -> WorkloadLook:
    return WorkloadLook(desired_pods=look.desired_pods, pods=look.pods, usage=use)


def test_memory_and_cpu_are_the_most_that_was_used() -> None:
    seen = after(started(), used(1, 100), used(2, 300), used(3, 200))

    assert (seen.memory_bytes, seen.cpu_cores, seen.not_measurable) == (300, 0.5, "")
    assert seen.memory_points == ((2.0, 100), (4.0, 300), (6.0, 200))


def test_a_measurement_that_is_read_twice_is_one_point() -> None:
    assert len(after(started(), used(1, 100), used(1, 100)).memory_points) == 1


def test_memory_of_other_pods_is_no_growth() -> None:
    seen = after(started(), used(1, 100), used(2, 900, ("a", "b")))

    assert seen.memory_points == ((4.0, 900),)


def test_points_are_thinned_and_stay_enough_to_judge_by() -> None:
    seen = after(started(), *(used(number, 100 + number) for number in range(500)))

    assert FEWEST_POINTS < len(seen.memory_points) <= MOST_MEMORY_POINTS


def test_why_nothing_was_measured_is_told() -> None:
    problem = ResourceUsage(problem="the cluster has no metrics API (metrics.k8s.io)")

    seen = after(started(), measured(a_look(a_workload_pod()), problem))

    assert (seen.not_measurable, seen.memory_bytes) == (problem.problem, None)


def test_of_more_restarted_containers_than_there_is_place_for_none_is_counted_twice() -> None:
    pods = [a_pod_that_ended(1, f"{n:08}") for n in range(MOST_RESTARTED_CONTAINERS + 10)]
    held = started(*pods, desired=len(pods))

    seen = after(held, a_look(*pods, desired=len(pods)))

    assert seen.tally is not None
    assert (len(seen.tally.ends), seen.restarts) == (MOST_RESTARTED_CONTAINERS, 0)


@pytest.mark.parametrize(
    ("look", "reason"),
    [
        (None, "WorkloadNotSeen"),
        (WorkloadLook(problem=Reason.WorkloadNotFound, message="there is none"), "WorkloadNotFound"),
        (a_look(), "WorkloadHasNoPods"),
        (a_look(a_workload_pod()), None),
    ],
)
def test_a_workload_that_cannot_be_watched_is_told_with_its_reason(
    look: WorkloadLook | None, reason: str | None
) -> None:
    assert watchable_look(CLIENTS, look).problem == reason
