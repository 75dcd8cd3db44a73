"""Listening: the pods of a run with what they measured, the present ones asked and the others remembered."""

import dataclasses
from collections.abc import Callable, Iterable

from loadtest_model.measurement.snapshot import Snapshot
from loadtest_operator.cluster.pods import MOST_AT_ONCE, PodClient
from loadtest_operator.cluster.side_by_side import side_by_side
from loadtest_operator.facts.observation import ContainerEnd, ObservedPod
from loadtest_operator.facts.resources import PodReading
from loadtest_operator.observe.memory import Memory, RememberedPod


class Listener:
    """Asks pods. `scrape_failed` hears of each that had answered before and did not now."""

    def __init__(self, pods: PodClient, memory: Memory, scrape_failed: Callable[[], None]) -> None:
        self._pods = pods
        self._memory = memory
        self._scrape_failed = scrape_failed

    async def ask_fleet(self, uid: str, run_id: str, readings: list[PodReading]) -> tuple[ObservedPod, ...]:
        """The pods with what they measured: the present ones are asked, the others remembered."""

        async def ask(reading: PodReading) -> ObservedPod:
            return await self._ask_pod(uid, run_id, reading)

        present = {pod.uid: pod for pod in await side_by_side(readings, ask, MOST_AT_ONCE)}
        remembered = self._memory.pods(uid, run_id)
        gone_pods = [
            gone_pod(pod_uid, record, run_id) for pod_uid, record in remembered.items() if pod_uid not in present
        ]
        return choose_pods_by_index([*gone_pods, *present.values()])

    async def _ask_pod(self, uid: str, run_id: str, reading: PodReading) -> ObservedPod:
        pod = reading.pod
        if pod.container_end is not None:
            message = reading.termination_message
            last_word = self._memory.take_last_word(uid, run_id, pod.uid, pod.index, pod.name, message)
            record = self._memory.remember_pod(uid, run_id, pod.uid, pod.index, pod.name)
            container_end = dataclasses.replace(pod.container_end, has_last_word=last_word)
            return dataclasses.replace(pod, container_end=container_end, snapshot=record.snapshot)
        if not pod.is_running or pod.ip is None:
            return pod
        record = self._memory.remember_pod(uid, run_id, pod.uid, pod.index, pod.name)

        async def take(received: Snapshot) -> None:
            if received.pod_uid == pod.uid:
                await self._memory.take_answer(uid, run_id, record, received)

        received = await self._pods.snapshot(pod.ip, record.snapshot.sequence if record.snapshot else 0, take)
        reachable = received is not None and received.pod_uid == pod.uid
        if not reachable and record.snapshot is not None:
            # Before its first answer a pod is still starting.
            self._scrape_failed()
        return dataclasses.replace(
            pod,
            snapshot=record.snapshot,
            is_reachable=reachable,
            silent_seconds=0.0 if reachable else self._memory.record_silence(record),
        )


def choose_pods_by_index(pods: Iterable[ObservedPod]) -> tuple[ObservedPod, ...]:
    """Of several pods of one index the one that loaded the target: a replacement must not hide what it measured."""
    by_index: dict[int, ObservedPod] = {}
    for pod in sorted(pods, key=_weight):
        if pod.index >= 0:
            by_index[pod.index] = pod
    return tuple(by_index[index] for index in sorted(by_index))


def gone_pod(pod_uid: str, record: RememberedPod, run_id: str) -> ObservedPod:
    """A pod of which only what was heard of it is left."""
    return ObservedPod(
        index=record.index,
        name=record.name,
        uid=pod_uid,
        ip=None,
        run_id=run_id,
        is_gone=True,
        container_end=_remembered_end(record),
        eviction_reason=record.eviction_reason,
        snapshot=record.snapshot,
    )


def _remembered_end(record: RememberedPod) -> ContainerEnd | None:
    """How the container of a pod that is gone ended, as far as an event told before."""
    if record.container_end is not None:
        return dataclasses.replace(record.container_end, has_last_word=record.has_last_word)
    return ContainerEnd(exit_code=-1, reason="Deleted", has_last_word=True) if record.has_last_word else None


def _weight(pod: ObservedPod) -> tuple[bool, bool, bool]:
    return (pod.snapshot is not None and bool(pod.snapshot.steps), pod.snapshot is not None, not pod.has_ended)
