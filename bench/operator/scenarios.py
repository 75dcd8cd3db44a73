"""What is measured, a function for each scenario, which gives the lines of a table."""

import asyncio
import time
from dataclasses import dataclass
from itertools import count
from typing import Final

from bench.operator.stage import LOADTESTS, NAMESPACE, Json, Stage, wait_until
from loadtest_model.plan.exposure import STOP_SECONDS

_LOOK_SECONDS: Final = 2.0
_JOBS: Final = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity, in words and with its unit; `bound` is what it was to reach, empty where nothing was."""

    name: str
    value: str
    bound: str = ""


async def idle(stage: Stage) -> list[Figure]:
    """The operator with nothing to do, alone and beside pods that are none of its business."""
    alone = await _resident_after_start(stage)
    foreign = 5_000
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    gate = asyncio.Semaphore(16)

    async def make(number: int) -> None:
        async with gate:
            await stage.call("POST", path, _foreign_pod(number))

    await asyncio.gather(*(make(number) for number in range(foreign)))
    with_foreign_pods = await _resident_after_start(stage)
    stage.operator.kill()
    await stage.call("DELETE", path)
    return [
        Figure("idle memory", f"{alone / 1e6:.0f} MB", "90 MB"),
        Figure(f"idle memory beside {foreign:,} foreign pods", f"{with_foreign_pods / 1e6:.0f} MB", "90 MB"),
    ]


async def _resident_after_start(stage: Stage) -> int:
    stage.operator.kill()
    stage.operator.start()
    await asyncio.sleep(10)
    return stage.operator.resident_bytes


def _foreign_pod(number: int) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"foreign-{number}", "labels": {"app": "foreign"}},
        "spec": {"containers": [{"name": "main", "image": "foreign", "env": [{"name": "A", "value": "x" * 500}]}]},
    }


async def start_and_violation(stage: Stage, pods: int) -> list[Figure]:
    """From apply to load; then one pod meets a violation while the operator is dead."""
    name = f"fleet-{next(_numbers)}"
    stage.operator.kill()
    stage.operator.start()
    await asyncio.sleep(5)
    applied_at = time.monotonic()
    await stage.apply(name, pods, pods, 120)
    await wait_until("all pods run", lambda: len(stage.node.running_since) == pods, 120)
    last_running = max(stage.node.running_since.values())
    engines = [pod.engine for pod in stage.node.pods.values()]
    await wait_until("all load", lambda: all(engine.began_ns for engine in engines), 120)
    load_starts = [engine.began_ns / 1e9 for engine in engines]
    starts = [pod.start_ns / 1e9 for pod in stage.node.pods.values()]
    await asyncio.sleep(3)
    status = await stage.status(name)
    stage.operator.kill()
    violation_at = time.monotonic()
    engines[pods // 2].break_promise()
    await wait_until("all have stopped", lambda: all(engine.ended_ns for engine in engines), 60)
    stop_seconds = max(engine.ended_ns for engine in engines) / 1e9 - violation_at
    stage.operator.start()
    final_status = await _wait_until_completed(stage, name)
    await stage.delete(name)
    return [
        Figure(f"{pods:,} pods: apply to the last pod running", f"{last_running - applied_at:.1f} s"),
        Figure(f"{pods:,} pods: from the last pod running to load", f"{max(load_starts) - last_running:.1f} s", "5 s"),
        Figure(f"{pods:,} pods: first to last instant to begin", f"{1e3 * (max(starts) - min(starts)):.1f} ms"),
        Figure(f"{pods:,} pods: its bound, the skew in the status", f"{1e3 * status['start']['skewSeconds']:.0f} ms"),
        Figure(
            f"{pods:,} pods: violation in one, operator dead, to the last stopped",
            f"{stop_seconds:.2f} s",
            f"{STOP_SECONDS:g} s",
        ),
        Figure(f"{pods:,} pods: verdict after that, by a restarted operator", str(final_status["verdict"]), "Failed"),
    ]


async def _wait_until_completed(stage: Stage, name: str) -> Json:
    deadline = time.monotonic() + 120
    while True:
        status = await stage.status(name)
        if status.get("phase") == "Completed":
            return status
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} did not complete: {status}")
        await asyncio.sleep(0.5)


async def polling(stage: Stage, pods: int, seconds: float) -> list[Figure]:
    """What looking at a large fleet costs the operator while it loads."""
    name = f"fleet-{next(_numbers)}"
    stage.operator.kill()
    stage.operator.start()
    await stage.apply(name, pods, pods, seconds + 30)
    await wait_until("all pods run", lambda: len(stage.node.running_since) == pods, 300)
    engines = [pod.engine for pod in stage.node.pods.values()]
    last_running = max(stage.node.running_since.values())
    await wait_until("all load", lambda: all(engine.began_ns for engine in engines), 120)
    load_delay = max(engine.began_ns for engine in engines) / 1e9 - last_running
    await asyncio.sleep(5)
    skew_seconds = (await stage.status(name))["start"]["skewSeconds"]
    writes, cpu, turns, start_seconds = await _usage(stage)
    await asyncio.sleep(seconds)
    writes_after, cpu_after, turns_after, end_seconds = await _usage(stage)
    resident = stage.operator.resident_bytes
    await stage.delete(name)
    elapsed_seconds, turn_count = end_seconds - start_seconds, turns_after - turns
    return [
        Figure(f"{pods:,} pods: from the last pod running to load", f"{load_delay:.1f} s"),
        Figure(f"{pods:,} pods: skew in the status", f"{1e3 * skew_seconds:.0f} ms"),
        Figure(f"{pods:,} pods under load: operator", f"{(cpu_after - cpu) / elapsed_seconds:.2f} cores", "1 core"),
        Figure(f"{pods:,} pods under load: CPU a turn", f"{1e3 * (cpu_after - cpu) / turn_count:.0f} ms"),
        Figure(
            f"{pods:,} pods under load: time between turns",
            f"{elapsed_seconds / turn_count:.1f} s",
            f"{_LOOK_SECONDS:g} s",
        ),
        Figure(f"{pods:,} pods under load: memory", f"{resident / 1e6:.0f} MB"),
        Figure(
            f"{pods:,} pods under load: API writes", f"{(writes_after - writes) / elapsed_seconds:.2f} /s", "0.2 /s"
        ),
    ]


async def resource_requests(stage: Stage, pods: int, seconds: float) -> list[Figure]:
    """What the chart asks for the operator is taken from: the operator at rest, and with one test of some size."""
    resident = await _resident_after_start(stage)
    _, cpu, _, start_seconds = await _usage(stage)
    await asyncio.sleep(seconds)
    _, cpu_after, _, end_seconds = await _usage(stage)
    at_rest = [
        Figure("at rest: operator", f"{1e3 * (cpu_after - cpu) / (end_seconds - start_seconds):.1f} millicores"),
        Figure("at rest: memory", f"{resident / 1e6:.0f} MB"),
    ]
    return [*at_rest, *await polling(stage, pods, seconds)]


async def _usage(stage: Stage) -> tuple[float, float, float, float]:
    turns = stage.operator.metric("loadtest_operator_reconcile_seconds_count")
    return await stage.writes(), stage.operator.cpu_seconds, turns, time.monotonic()


async def many_tests(stage: Stage, tests: int, pods: int) -> list[Figure]:
    """Many tests at once, each of a target of its own, from apply to verdict."""
    load_seconds = 30.0
    stage.operator.kill()
    stage.operator.start()
    await asyncio.sleep(5)
    names = [f"test-{number}" for number in range(tests)]
    writes, cpu = await stage.writes(), stage.operator.cpu_seconds
    control_plane_cpu = stage.control_plane_cpu_seconds()
    applied_at = time.monotonic()
    for number, name in enumerate(names, start=1):
        target = {"url": f"http://127.0.1.{number}:8000/"}
        await stage.apply(name, pods, pods, load_seconds, target=target, concurrency="Forbid")
    applied_writes = tests
    node = stage.node
    await wait_until("all pods run", lambda: len(node.running_since) == tests * pods, 300)
    running_at, running_cpu = time.monotonic(), stage.operator.cpu_seconds - cpu
    control_plane_cpu = stage.control_plane_cpu_seconds() - control_plane_cpu
    last_job_at, last_pod_at = max(node.jobs_since.values()), max(node.pods_since.values())
    engines = [pod.engine for pod in stage.node.pods.values()]
    await wait_until("all load", lambda: all(engine.began_ns for engine in engines), 120)
    loading_at = time.monotonic()
    # What tells of the start is a transition, and over by then.
    await asyncio.sleep(4)
    steady_writes, steady_start = await stage.writes(), time.monotonic()
    await asyncio.sleep(max(1.0, load_seconds - 12))
    steady_writes, steady_seconds = await stage.writes() - steady_writes, time.monotonic() - steady_start
    items: list[Json] = []
    deadline = time.monotonic() + 120
    while len([item for item in items if item["status"]["phase"] == "Completed"]) < tests:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all completed: {[item['status'].get('phase') for item in items]}")
        await asyncio.sleep(1)
        items = (await stage.call("GET", f"{LOADTESTS}/namespaces/{NAMESPACE}/loadtests"))["items"]
    completed_at = time.monotonic()
    verdicts = [item["status"]["verdict"] for item in items]
    skews = [item["status"]["start"]["skewSeconds"] for item in items]
    total = await stage.writes() - writes - applied_writes
    cpu_spent = stage.operator.cpu_seconds - cpu
    jobs = (await stage.call("GET", _JOBS))["items"]
    stage.operator.kill()
    for name in names:
        await stage.call("DELETE", f"{LOADTESTS}/namespaces/{NAMESPACE}/loadtests/{name}")
    await wait_until("the pods are gone", lambda: not stage.live_pods(), 60)
    by_hand = await _same_jobs_by_hand(stage, jobs, tests * pods)
    label = f"{tests} tests of {pods:,} pods"
    return [
        Figure(f"{label}: first apply to the last Job made", f"{last_job_at - applied_at:.1f} s", "5 s"),
        Figure(f"{label}: first apply to the last pod made", f"{last_pod_at - applied_at:.1f} s"),
        Figure(f"{label}: first apply to all pods running", f"{running_at - applied_at:.1f} s", "5 s"),
        Figure(f"the same {tests} Jobs without an operator: first to last Job made", f"{by_hand.job_seconds:.1f} s"),
        Figure(f"the same {tests} Jobs without an operator: first Job to all pods running", f"{by_hand.seconds:.1f} s"),
        Figure(f"{label}: until all pods run, in times of that", f"{(running_at - applied_at) / by_hand.seconds:.2f}"),
        Figure(f"{label}: until all pods run, CPU of the operator", f"{running_cpu:.2f} s"),
        Figure(f"{label}: until all pods run, CPU of the control plane", f"{control_plane_cpu:.2f} s"),
        Figure(
            f"the same {tests} Jobs without an operator: CPU of the control plane", f"{by_hand.control_plane_cpu:.2f} s"
        ),
        Figure(f"{label}: from then to all loading", f"{loading_at - running_at:.1f} s"),
        Figure(f"{label}: end of the last load to all verdicts", f"{completed_at - loading_at - load_seconds:.1f} s"),
        Figure(f"{label}: passed", f"{verdicts.count('Passed')}", str(tests)),
        Figure(f"{label}: worst skew in a status", f"{1e3 * max(skews):.0f} ms"),
        Figure(f"{label}: API writes of a running test", f"{steady_writes / tests / steady_seconds:.2f} /s", "0.2 /s"),
        Figure(f"{label}: API writes of a whole test", f"{total / tests:.0f}"),
        Figure(f"{label}: operator", f"{cpu_spent / (completed_at - applied_at):.2f} cores"),
    ]


@dataclass(frozen=True, slots=True)
class _ByHand:
    """Seconds until the last Job is made and until all pods run, and the control plane's CPU seconds until then."""

    job_seconds: float
    seconds: float
    control_plane_cpu: float


async def _same_jobs_by_hand(stage: Stage, jobs: list[Json], pods: int) -> _ByHand:
    """What Kubernetes alone needs for the same Jobs.

    The Job controller asks the API server 20 times a second, unless kube-controller-manager is told otherwise.
    """
    node = stage.node
    node.forget()
    began_at, control_plane_cpu = time.monotonic(), stage.control_plane_cpu_seconds()
    for number, job in enumerate(jobs):
        template = job["spec"]["template"]
        labels = {key: value for key, value in template["metadata"]["labels"].items() if not _is_of_a_job(key)}
        spec = {key: value for key, value in job["spec"].items() if key not in ("selector", "ttlSecondsAfterFinished")}
        body = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": f"by-hand-{number}", "labels": labels},
            "spec": {**spec, "template": {**template, "metadata": {**template["metadata"], "labels": labels}}},
        }
        await stage.call("POST", _JOBS, body)
    await wait_until("all pods run", lambda: len(node.running_since) == pods, 300)
    running_at, control_plane_cpu = time.monotonic(), stage.control_plane_cpu_seconds() - control_plane_cpu
    last_job_at = max(node.jobs_since.values())
    await stage.call("DELETE", _JOBS, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"})
    await wait_until("the pods are gone", lambda: not stage.live_pods(), 60)
    return _ByHand(last_job_at - began_at, running_at - began_at, control_plane_cpu)


def _is_of_a_job(label: str) -> bool:
    return label in ("controller-uid", "job-name") or label.startswith("batch.kubernetes.io/")
