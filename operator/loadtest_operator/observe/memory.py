"""What the operator remembers between two looks. It may be lost at any moment: the next look asks for everything."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from loadtest_model.baseline.earlier_runs import Baseline
from loadtest_model.judgement.abort import AbortWatch
from loadtest_model.judgement.workload import TargetWatch
from loadtest_model.measurement.snapshot import Snapshot
from loadtest_model.measurement.timeline import Series, Timeline
from loadtest_model.protocol.last_word import decode_last_word
from loadtest_operator.facts.disruptions import Eviction
from loadtest_operator.facts.observation import Complaint, ContainerEnd, Observation
from loadtest_operator.observe.followers import Sight

Key = tuple[str, str]
"""A test's namespace and name."""

LISTENING_SECONDS: Final = 10.0
"""Between two questions that are further apart nobody listened, as in an outage of the API server."""


@dataclass
class RememberedPod:
    """One pod: its newest snapshot, whose seconds stand in the run's timeline, when it was last asked, on the monotonic
    clock, and for how long it has not answered. `container_end` is how its container did, and `eviction_reason` why it
    is being taken away, in case that the pod is gone by the next look.
    """

    index: int
    name: str
    asked_at: float
    silent_seconds: float = 0.0
    snapshot: Snapshot | None = None
    has_last_word: bool = False
    container_end: ContainerEnd | None = None
    eviction_reason: str = ""


@dataclass
class _RunMemory:
    """One run: its pods by their UID, their seconds in sum, what was found of the bounds that would abort it, of the
    target's workload, behind its Service and in Events, when what was last looked at, and the last look under load.
    `evictions` are those of the target's pods by their names, and `baseline` has the earlier runs to compare with.
    """

    pods: dict[str, RememberedPod] = field(default_factory=dict)
    timeline: Timeline = field(default_factory=Timeline)
    abort_watch: AbortWatch = field(default_factory=AbortWatch)
    last_looks: dict[str, float] = field(default_factory=dict)
    target_watch: TargetWatch | None = None
    sight: Sight | None = None
    last_look: Observation | None = None
    complaints: tuple[Complaint, ...] = ()
    evictions: dict[str, Eviction] = field(default_factory=dict)
    baseline: Baseline | None = None


class Memory:
    """Runs by the test's UID and the run id, until the test is forgotten; and which UID was met under which name."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._uids: dict[Key, str] = {}
        self._runs: dict[tuple[str, str], _RunMemory] = {}

    @property
    def keys(self) -> frozenset[Key]:
        """The tests that were remembered and not forgotten yet."""
        return frozenset(self._uids)

    def remember(self, key: Key, uid: str) -> str | None:
        """Remember a test. An earlier test of this name is forgotten, and its UID is returned."""
        before = self._uids.get(key, uid)
        self._uids[key] = uid
        if before == uid:
            return None
        self.forget_runs(before)
        return before

    def forget(self, key: Key) -> str | None:
        """Forget the test of this name and its runs. Returns the UID that it had, None if no such test was known."""
        uid = self._uids.pop(key, None)
        if uid is not None:
            self.forget_runs(uid)
        return uid

    def pods(self, uid: str, run_id: str) -> dict[str, RememberedPod]:
        return self._run(uid, run_id).pods

    def record_answer(self, uid: str, run_id: str, pod: RememberedPod, received: Snapshot) -> None:
        """Record the answer of a pod."""
        pod.asked_at = self._clock()
        pod.silent_seconds = 0.0
        pod.snapshot = self._run(uid, run_id).timeline.add_snapshot(received)

    async def take_answer(self, uid: str, run_id: str, pod: RememberedPod, received: Snapshot) -> None:
        """Record the answer of a pod without holding up others for long, however many seconds it has."""
        for _ in self._run(uid, run_id).timeline.add_in_pieces(received):
            await asyncio.sleep(0)
        self.record_answer(uid, run_id, pod, received)

    def remember_pod(self, uid: str, run_id: str, pod_uid: str, index: int, name: str) -> RememberedPod:
        """What is remembered of a pod. A pod that was not known is remembered from now on."""
        pods = self.pods(uid, run_id)
        if pod_uid not in pods:
            pods[pod_uid] = RememberedPod(index, name, self._clock())
        return pods[pod_uid]

    def series(self, uid: str, run_id: str, pod_uids: Collection[str]) -> Series:
        """The seconds of these pods in sum."""
        return self._run(uid, run_id).timeline.series(pod_uids)

    def abort_watch(self, uid: str, run_id: str) -> AbortWatch:
        """What was found of the bounds that would abort the run."""
        return self._run(uid, run_id).abort_watch

    def keep_abort_watch(self, uid: str, run_id: str, watch: AbortWatch) -> None:
        self._run(uid, run_id).abort_watch = watch

    def target_watch(self, uid: str, run_id: str) -> TargetWatch | None:
        """What was seen of the target's workload."""
        return self._run(uid, run_id).target_watch

    def keep_target_watch(self, uid: str, run_id: str, target: TargetWatch) -> None:
        self._run(uid, run_id).target_watch = target

    def sight(self, uid: str, run_id: str) -> Sight | None:
        """What was seen last behind the target's Service while the load ran."""
        return self._run(uid, run_id).sight

    def keep_sight(self, uid: str, run_id: str, sight: Sight) -> None:
        self._run(uid, run_id).sight = sight

    def add_evictions(self, uid: str, run_id: str, observed_evictions: Collection[Eviction]) -> tuple[Eviction, ...]:
        """Add evictions of the target's pods. Returns all evictions so far, the oldest first."""
        evictions = self._run(uid, run_id).evictions
        for each in observed_evictions:
            evictions.setdefault(each.pod, each)
        return tuple(sorted(evictions.values()))

    def last_look(self, uid: str, run_id: str) -> Observation | None:
        """The last look at a load that runs; None if it does not, as far as is known."""
        run = self._runs.get((uid, run_id))
        return None if run is None else run.last_look

    def keep_look(self, observation: Observation, *, running: bool) -> None:
        run = self._run(observation.test.identity.uid, observation.run_id)
        run.last_look = observation if running else None

    def complaints(self, uid: str, run_id: str) -> tuple[Complaint, ...]:
        """What Events said, when they were read last, of pods that did not run."""
        return self._run(uid, run_id).complaints

    def keep_complaints(self, uid: str, run_id: str, complaints: tuple[Complaint, ...]) -> None:
        self._run(uid, run_id).complaints = complaints

    def baseline(self, uid: str, run_id: str) -> Baseline | None:
        """The earlier runs that the run is compared with; None if nobody has looked for them."""
        return self._run(uid, run_id).baseline

    def keep_baseline(self, uid: str, run_id: str, baseline: Baseline) -> None:
        self._run(uid, run_id).baseline = baseline

    def claim_look(self, uid: str, run_id: str, what: str, every_seconds: float) -> bool:
        """Whether a look at something is due; if so, the next one is not before so many seconds have passed."""
        looked_at, now = self._run(uid, run_id).last_looks, self._clock()
        if what in looked_at and now - looked_at[what] < every_seconds:
            return False
        looked_at[what] = now
        return True

    def record_silence(self, pod: RememberedPod) -> float:
        """Record that a pod did not answer. Returns for how many seconds it has been silent while it was asked."""
        now = self._clock()
        pod.silent_seconds += min(now - pod.asked_at, LISTENING_SECONDS)
        pod.asked_at = now
        return pod.silent_seconds

    def take_last_word(self, uid: str, run_id: str, pod_uid: str, index: int, name: str, message: str) -> bool:
        """Take in a termination message; False if it is none of ours or torn.

        The last word carries no seconds; those already known are kept beside its counts.
        """
        pod = self.remember_pod(uid, run_id, pod_uid, index, name)
        word = decode_last_word(message) if message else None
        if word is not None and word.pod_uid == pod_uid:
            pod.snapshot = self._run(uid, run_id).timeline.add_snapshot(word)
            pod.has_last_word = True
        return pod.has_last_word

    def forget_runs(self, uid: str) -> None:
        self._runs = {key: run for key, run in self._runs.items() if key[0] != uid}

    def forget_other_runs(self, uid: str, run_id: str) -> None:
        self._runs = {key: run for key, run in self._runs.items() if key[0] != uid or key[1] == run_id}

    def _run(self, uid: str, run_id: str) -> _RunMemory:
        return self._runs.setdefault((uid, run_id), _RunMemory())
