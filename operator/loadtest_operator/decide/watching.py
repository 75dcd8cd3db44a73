"""Watching the target's workload while the load runs: what a look adds to what is on record."""

import hashlib
from typing import Final

from msgspec import structs

from loadtest_model.judgement.health import Evictions
from loadtest_model.judgement.workload import (
    IMAGE_LENGTH,
    MOST_IMAGES,
    MOST_MEMORY_POINTS,
    MOST_RESTARTED_CONTAINERS,
    TargetWatch,
    WorkloadTally,
    points_text,
)
from loadtest_model.reasons import Reason
from loadtest_model.report.status import EVICTED_KEPT, EVICTED_LENGTH, StatusStart
from loadtest_model.spec.target import Workload
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.texts import shorten
from loadtest_operator.facts.workload import ContainerLook, PodLook, ResourceUsage, WorkloadLook

_TEXT: Final = 256
_LONGEST_SECONDS: Final = 10.0
"""Between two looks that are further apart than this, nobody knows how the target fared."""
_DIGEST: Final = 8


def watchable_look(workload: Workload, look: WorkloadLook | None) -> WorkloadLook:
    """The look, with a problem wherever the workload cannot be watched."""
    if look is None:
        return WorkloadLook(problem=Reason.WorkloadNotSeen, message=f"{workload} was not looked at yet")
    if not look.problem and not look.pods:
        message = f"{workload} has no pod; scale it up, or correct spec.target.workload"
        return WorkloadLook(problem=Reason.WorkloadHasNoPods, message=message)
    return look


def initial_watch(workload: Workload, look: WorkloadLook) -> TargetWatch:
    """The record that everything is counted from."""
    revisions = {pod.revision for pod in look.pods}
    ready = sum(pod.is_ready for pod in look.pods)
    tally = WorkloadTally(
        ends=_most_ended({each.key: each.ends for each in _containers(look)}),
        newest=look.newest_pod_created_at,
        revision=max(look.pods, key=lambda pod: pod.created_at).revision if look.pods else "",
        desired=look.desired_pods,
        ready=ready,
    )
    return TargetWatch(
        workload=str(workload),
        pods=len(look.pods),
        ready=ready,
        rolled_out=len(revisions) > 1,
        images=_images(look.pods)[:MOST_IMAGES],
        tally=tally,
    )


def evictions_under_load(observation: Observation, start: StatusStart) -> Evictions:
    """The evictions of the target's pods since the load began, by what is on record and what was just seen."""
    fresh = (shorten(str(each), EVICTED_LENGTH) for each in observation.evictions if each.at >= start.at)
    pods = tuple(dict.fromkeys((*observation.test.record.evicted, *fresh)))
    target_watch = observation.target_watch or observation.test.record.target
    counted_pods = target_watch.tally.evicted if target_watch is not None and target_watch.tally is not None else 0
    return Evictions(pods[:EVICTED_KEPT], max(counted_pods, len(pods)))


def updated_watch(
    watch: TargetWatch, look: WorkloadLook | None, at_seconds: float, evicted_pods: int = 0
) -> TargetWatch:
    """The record with what a look shows, `at_seconds` after the start of the load.

    So many of its pods were evicted by then: others come in their places, and nothing has crashed.
    """
    if look is None or watch.tally is None:
        return watch
    if look.problem:
        return structs.replace(watch, problem=shorten(look.message, _TEXT))
    tally = watch.tally
    updated = structs.replace(
        watch,
        problem="",
        pods=len(look.pods),
        ready=sum(pod.is_ready for pod in look.pods),
        new_images=_new_images(watch, look),
    )
    updated = _with_ends(updated, tally, look)
    updated = _with_new_pods(updated, tally, look, evicted_pods)
    if updated.ready < min(tally.ready, look.desired_pods):
        seconds_since_last_look = at_seconds - tally.seen_at
        if 0 <= seconds_since_last_look <= _LONGEST_SECONDS:
            updated = structs.replace(
                updated, not_ready_seconds=round(updated.not_ready_seconds + seconds_since_last_look, 1)
            )
    updated = structs.replace(updated, tally=structs.replace(_tally(updated), seen_at=round(at_seconds, 2)))
    return updated if look.usage is None else _with_use(updated, look.usage, at_seconds)


def _with_ends(watch: TargetWatch, tally: WorkloadTally, look: WorkloadLook) -> TargetWatch:
    """Every end of a container that was not counted yet, an older one of a pod that was there before left out."""
    new_ends = [(each, each.ends - _counted_ends(tally, pod, each)) for pod in look.pods for each in pod.containers]
    ended_containers = [(each, count) for each, count in new_ends if count > 0]
    return structs.replace(
        watch,
        restarts=watch.restarts + sum(count for _, count in ended_containers),
        # Of several ends between two looks only how the last one came about is known.
        oom_kills=watch.oom_kills + sum(each.ran_out_of_memory for each, _ in ended_containers),
        last_end=shorten(ended_containers[-1][0].last_end, _TEXT) if ended_containers else watch.last_end,
        tally=structs.replace(tally, ends=_most_ended({each.key: each.ends for each in _containers(look)})),
    )


def _counted_ends(tally: WorkloadTally, pod: PodLook, container: ContainerLook) -> int:
    if container.key in tally.ends:
        return tally.ends[container.key]
    if len(tally.ends) >= MOST_RESTARTED_CONTAINERS and pod.created_at <= tally.newest:
        # It may be one of those that found no place in the record.
        return container.ends
    return 0


def _with_new_pods(watch: TargetWatch, tally: WorkloadTally, look: WorkloadLook, evicted_pods: int) -> TargetWatch:
    """New pods came by a rollout, by scaling up or for evicted ones, or else in the place of others.

    Once the workload was rolled out, nothing tells a replaced pod from a rolled one.
    """
    fresh = [pod for pod in look.pods if pod.created_at > tally.newest]
    awaited_pods = tally.awaited + max(0, look.desired_pods - tally.desired) + max(0, evicted_pods - tally.evicted)
    rolled = watch.rolled_out or any(pod.revision != tally.revision for pod in fresh)
    expected = min(len(fresh), awaited_pods)
    return structs.replace(
        watch,
        rolled_out=rolled,
        replaced_pods=watch.replaced_pods + (0 if rolled else len(fresh) - expected),
        tally=structs.replace(
            _tally(watch),
            newest=max(tally.newest, look.newest_pod_created_at),
            desired=look.desired_pods,
            awaited=awaited_pods - expected,
            evicted=max(tally.evicted, evicted_pods),
        ),
    )


def _with_use(watch: TargetWatch, use: ResourceUsage, at_seconds: float) -> TargetWatch:
    """What was used, as a point of the growth as long as it is of the same pods."""
    tally = _tally(watch)
    if use.problem:
        return structs.replace(watch, not_measurable=shorten(use.problem, _TEXT))
    if use.at == tally.measured_at:
        return watch
    pods = hashlib.sha256(",".join(use.pods).encode()).hexdigest()[:_DIGEST]
    points = (*(watch.memory_points if pods == tally.measured else ()), (at_seconds, use.memory_bytes))
    if len(points) > MOST_MEMORY_POINTS:
        points = points[::2]
    return structs.replace(
        watch,
        not_measurable="",
        memory_bytes=max(watch.memory_bytes or 0, use.memory_bytes),
        cpu_cores=max(watch.cpu_cores or 0.0, round(use.cpu_cores, 3)),
        tally=structs.replace(tally, measured_at=use.at, measured=pods, memory=points_text(points)),
    )


def _tally(watch: TargetWatch) -> WorkloadTally:
    return watch.tally or WorkloadTally()


def _containers(look: WorkloadLook) -> list[ContainerLook]:
    return [container for pod in look.pods for container in pod.containers]


def _most_ended(ends: dict[str, int]) -> dict[str, int]:
    """Those that have ended, as many as the record has place for."""
    some = sorted((item for item in ends.items() if item[1]), key=lambda item: (-item[1], item[0]))
    return dict(some[:MOST_RESTARTED_CONTAINERS])


def _images(pods: tuple[PodLook, ...]) -> tuple[str, ...]:
    return tuple(sorted({shorten(image, IMAGE_LENGTH) for pod in pods for image in pod.images}))


def _new_images(watch: TargetWatch, look: WorkloadLook) -> tuple[str, ...]:
    """Images that did not run at the start; where more ran than there is place for, that cannot be told."""
    if len(watch.images) >= MOST_IMAGES:
        return watch.new_images
    images = dict.fromkeys((*watch.new_images, *_images(look.pods)))
    return tuple(image for image in images if image not in watch.images)[:MOST_IMAGES]
