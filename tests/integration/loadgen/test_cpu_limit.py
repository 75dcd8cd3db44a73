"""A pod under a CPU limit that the kernel enforces: how it is measured, and what a refused verification says of it."""

from pathlib import Path

from http_target import running_target
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.snapshot import PodState, Refusal
from support.cpu_group import CpuGroup
from support.loadgen_plans import make_plan
from support.loadgen_pods import pod_process


async def test_a_pod_that_its_limit_keeps_from_the_cpu_blames_the_limit_and_not_the_target(
    tmp_path: Path, group: CpuGroup
) -> None:
    async with running_target() as target:
        plan = make_plan(target.url, batch_size=200_000, target={"timeout": "1s"})
        async with pod_process(plan, tmp_path, prefix=group.prefix) as pod:
            group.limit(0.02)
            await pod.verify()
            final = await pod.until_final()

    report = final.verification
    assert report is not None
    assert (report.refusal, report.cause) == (Refusal.THROTTLED, Cause.GENERATOR_THROTTLED)
    assert "by its CPU limit of 20m, and met a time-out: 127." in report.message
    assert report.hint.startswith("Raise spec.pod.resources.limits.cpu")
    assert final.generator.cpu_limit_cores == 0.02
    assert final.generator.throttled_share is not None
    assert final.generator.throttled_share > 0.5


async def test_a_pod_with_cpu_enough_is_not_throttled_and_knows_it(tmp_path: Path, group: CpuGroup) -> None:
    group.limit(4)
    async with running_target() as target, pod_process(make_plan(target.url), tmp_path, prefix=group.prefix) as pod:
        snapshot = await pod.verify()

    assert snapshot.state is PodState.VERIFIED
    assert (snapshot.generator.cpu_limit_cores, snapshot.generator.throttled_share) == (4.0, 0.0)
