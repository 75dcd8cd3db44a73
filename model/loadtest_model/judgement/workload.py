"""What is seen of the workload behind a target while the load runs, and the signs of health that it shows."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.judgement.health import EVIDENCE_LENGTH, Health, HealthLevel, Sign
from loadtest_model.quantities import clip
from loadtest_model.values import WireValue

MOST_IMAGES: Final = 6
IMAGE_LENGTH: Final = 200
MOST_RESTARTED_CONTAINERS: Final = 32
MOST_MEMORY_POINTS: Final = 60
UNREADY_SECONDS: Final = 3.0
"""Shorter than this, a look that came at the wrong moment may be all there was."""

Image = Annotated[str, Meta(max_length=IMAGE_LENGTH)]
Count = Annotated[int, Meta(ge=0)]


class WorkloadTally(WireValue, frozen=True, kw_only=True):
    """What counting goes on from, whichever operator counts; gone once the test has completed.

    `ends` says how often each container had ended (those that never did are left out, by the beginning of the pod's UID
    and the container's name), `newest` when the newest pod was made, `revision` which template the pods were made from.
    `desired` pods were wanted at the last look; of those that scaling up asked for, and of those that come for the
    `evicted`, `awaited` have not come. `ready` were ready at the start. `seen_at` counts from the start of the load, as
    do the points of `memory`, see `points_text`; `measured_at` is the time of the newest measurement and `measured`
    says of which pods it is.
    """

    ends: Annotated[dict[str, Count], Meta(max_length=MOST_RESTARTED_CONTAINERS)] = {}
    newest: str = ""
    revision: str = ""
    desired: int = 0
    awaited: int = 0
    evicted: int = 0
    ready: int = 0
    seen_at: float = 0.0
    measured_at: str = ""
    measured: str = ""
    memory: Annotated[str, Meta(max_length=32 * MOST_MEMORY_POINTS)] = ""


class TargetWatch(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """The workload of `spec.target.workload` while the load ran."""

    workload: Annotated[str, Meta(max_length=300, description="Kind and name.")]
    pods: Annotated[Count, Meta(description="Its pods at the last look.")] = 0
    ready: Annotated[Count, Meta(description="Those of them that were ready.")] = 0
    restarts: Annotated[Count, Meta(description="How often its containers ended since the load began.")] = 0
    oom_kills: Annotated[Count, Meta(description="Those of the restarts that ran out of memory (OOMKilled).")] = 0
    replaced_pods: Annotated[
        Count, Meta(description="Pods that came in another's place since the load began, without a rollout.")
    ] = 0
    rolled_out: Annotated[
        bool, Meta(description="Whether pods of another revision came while the load ran, or were there at its start.")
    ] = False
    not_ready_seconds: Annotated[
        float, Meta(description="Seconds in which fewer pods were ready than at the start (or than are wanted now).")
    ] = 0.0
    images: Annotated[
        tuple[Image, ...], Meta(max_length=MOST_IMAGES, description="Image digests that ran at the start.")
    ] = ()
    new_images: Annotated[
        tuple[Image, ...], Meta(max_length=MOST_IMAGES, description="Other image digests that ran since.")
    ] = ()
    memory_bytes: Annotated[
        int | None, Meta(description="The most memory (working set) that its pods held together.")
    ] = None
    cpu_cores: Annotated[float | None, Meta(description="The most CPU that its pods used together.")] = None
    not_measurable: Annotated[
        str, Meta(max_length=256, description="Why memory and CPU were not measured, or not to the end.")
    ] = ""
    last_end: Annotated[str, Meta(max_length=256, description="How a container ended last.")] = ""
    problem: Annotated[str, Meta(max_length=256, description="Why the workload was not seen at the last look.")] = ""
    tally: Annotated[WorkloadTally | None, Meta(description="What counting goes on from while the test runs.")] = None

    @property
    def memory_points(self) -> tuple[tuple[float, int], ...]:
        """The memory as (seconds since the start, bytes), in the order of time, as long as it is of the same pods."""
        return points_of(self.tally.memory) if self.tally is not None else ()

    @property
    def crashes(self) -> tuple[str, ...]:
        """What is critical: the target, or a part of it, went down."""
        crashes = []
        if self.restarts:
            oom_clause = f", {self.oom_kills} of them out of memory (OOMKilled)" if self.oom_kills else ""
            last_end_clause = f"; the last: {self.last_end}" if self.last_end else ""
            times = "once" if self.restarts == 1 else f"{self.restarts} times"
            crashes.append(
                f"the target crashed: containers of {self.workload} ended {times}{oom_clause}{last_end_clause}"
            )
        if self.replaced_pods:
            pods = "pod was" if self.replaced_pods == 1 else "pods were"
            crashes.append(f"{self.replaced_pods} {pods} replaced in {self.workload} without a rollout")
        return tuple(crashes)


def points_text(points: Sequence[tuple[float, int]]) -> str:
    """Points of (seconds, bytes) in one line, such as `5:104857600 10:105906176`; a list would fill a screen."""
    return " ".join(f"{seconds:.0f}:{size}" for seconds, size in points)


def points_of(text: str) -> tuple[tuple[float, int], ...]:
    """The points that `points_text` wrote."""
    pairs = (pair.split(":") for pair in text.split())
    return tuple((float(seconds), int(size)) for seconds, size in pairs)


def target_health(watch: TargetWatch | None) -> Health:
    """The health that the workload tells of; its memory is judged like any other, see `memory_health`."""
    if watch is None:
        return Health()
    signs: list[Sign] = [(HealthLevel.CRITICAL, text) for text in watch.crashes]
    warnings = []
    if watch.not_ready_seconds >= UNREADY_SECONDS:
        warnings.append(
            f"fewer pods of {watch.workload} were ready than at the start for {watch.not_ready_seconds:.0f} s"
        )
    if watch.rolled_out:
        warnings.append(
            f"{watch.workload} was rolled out while the load ran, so what was measured is no single version"
        )
    if watch.new_images:
        warnings.append(f"other images ran in {watch.workload} than at the start: {', '.join(watch.new_images)}")
    if watch.problem:
        warnings.append(f"{watch.workload} was not seen to the end: {watch.problem}")
    signs += [(HealthLevel.WARNING, text) for text in warnings]
    level = signs[0][0] if signs else HealthLevel.GOOD
    return Health(level=level, evidence=tuple(clip(text, EVIDENCE_LENGTH) for _, text in signs))
