"""The operator's own part of a look at a thousand pods, and of their start: the pods are in processes of their own."""

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from kubernetes.aio.client import Configuration
from msgspec import structs

from bench.operator.answering import KEY, RUN_ID, UID, address_of
from bench.operator.merging import STEP
from bench.operator.scenarios import Figure
from loadtest_model.plan import Plan, plan_hash
from loadtest_operator.act.actor import Actor
from loadtest_operator.cluster.api import Api
from loadtest_operator.cluster.pods import PodClient
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import StartFleet, Verify
from loadtest_operator.decide.writing import status_to_write
from loadtest_operator.facts.observation import ObservedPod
from loadtest_operator.facts.resources import PodReading
from loadtest_operator.observe.listening import Listener
from loadtest_operator.observe.memory import Memory
from localcluster.ports import free_second_octet
from support.archivers import a_follow_up
from support.builders import IDENTITY, a_plan
from support.operator_builders import POLICY, a_job, a_pod, an_observation

_PODS: Final = 1_000
_PROCESSES: Final = 4
_LOOKS: Final = 7


class Stopwatch:
    """CPU and clock seconds of parts, a list for each name."""

    def __init__(self) -> None:
        self.cpu: dict[str, list[float]] = {}
        self.clock: dict[str, list[float]] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        cpu, clock = time.process_time(), time.monotonic()
        yield
        self.cpu.setdefault(name, []).append(time.process_time() - cpu)
        self.clock.setdefault(name, []).append(time.monotonic() - clock)


@contextmanager
def answering_pods(prefix: str) -> Iterator[None]:
    """A thousand pods in other processes, at a lower priority."""
    share = _PODS // _PROCESSES
    command = [sys.executable, "-m", "bench.operator.answering"]
    processes = [
        subprocess.Popen(
            [*command, str(share * number), str(share), prefix], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for number in range(_PROCESSES)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)


async def look_and_start(plan: Plan, prefix: str, stopwatch: Stopwatch) -> None:
    fleet = [replace(a_pod(index), uid=str(index), ip=address_of(prefix, index)) for index in range(_PODS)]
    readings = [PodReading(pod) for pod in fleet]
    memory = Memory(time.monotonic)
    status: dict[str, object] = {}
    identity = structs.replace(IDENTITY, uid=UID)
    async with PodClient(KEY, time.monotonic) as pods, Api(Configuration()) as api:
        listener = Listener(pods, memory, lambda: print("a pod did not answer", file=sys.stderr))
        actor = Actor(api, pods, time.monotonic, lambda: datetime.now(UTC), asyncio.sleep, a_follow_up(api))
        observed: tuple[ObservedPod, ...] = ()
        for look in range(_LOOKS):
            name = "first look" if not look else "look"
            with stopwatch.part(f"{name}: all"):
                with stopwatch.part(f"{name}: asking"):
                    observed = await listener.ask_fleet(UID, RUN_ID, readings)
                with stopwatch.part(f"{name}: summing the seconds"):
                    series = memory.series(UID, RUN_ID, [pod.uid for pod in observed])
                observation = an_observation(*observed, begun=True, series=series, job=a_job(plan=plan))
                observation = replace(observation, test=replace(observation.test, identity=identity, status=status))
                with stopwatch.part(f"{name}: deciding"):
                    decision = decide(observation, POLICY)
                with stopwatch.part(f"{name}: status"):
                    assert decision.status is not None
                    status_to_write(decision.status, status, POLICY.progress_seconds, 60.0)
        for _ in range(3):
            with stopwatch.part("verify"):
                await actor.perform(observation, (Verify(observed),))
            with stopwatch.part("arm and start"):
                (outcome,) = await actor.perform(
                    observation,
                    (StartFleet(observed, "start-1", plan_hash(plan), lead_seconds=0.0, longest_lead_seconds=0.0),),
                )
            assert not outcome.unconfirmed_pods  # type: ignore[union-attr]
            stopwatch.clock.setdefault("skew", []).append(outcome.skew_seconds)  # type: ignore[union-attr]


def asking() -> list[Figure]:
    """CPU of the operator alone, for each part of a look at a thousand pods, and for telling all of them something."""
    plan = structs.replace(a_plan(), steps=(STEP,), parallelism=_PODS)
    stopwatch = Stopwatch()
    prefix = f"127.{free_second_octet()}"
    # As the operator does before it runs.
    gc.collect()
    gc.freeze()
    with answering_pods(prefix):
        asyncio.run(look_and_start(plan, prefix, stopwatch))
    figures = [
        Figure(f"{_PODS:,} pods apart: {name}, CPU", f"{1e3 * _median(values):.0f} ms")
        for name, values in stopwatch.cpu.items()
    ]
    return figures + [
        Figure(f"{_PODS:,} pods apart: {name}, clock", f"{1e3 * _median(values):.0f} ms")
        for name, values in stopwatch.clock.items()
    ]


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    for figure in asking():
        print(figure.name, figure.value)
