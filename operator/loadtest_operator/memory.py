"""What the operator remembers between two looks. It may be lost at any moment: the next look asks for everything."""

from collections.abc import Callable
from dataclasses import dataclass

from loadtest_model.abort import Watch
from loadtest_model.aggregate import absorb
from loadtest_model.lastword import decode_last_word
from loadtest_model.snapshot import Snapshot


@dataclass
class Known:
    """One pod: its newest whole snapshot, and when it last answered (or was first asked), on the monotonic clock."""

    index: int
    name: str
    heard_at: float
    snapshot: Snapshot | None = None
    last_word: bool = False


class Memory:
    """Pods by their UID, for each test UID and run id, until the test is forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._runs: dict[tuple[str, str], dict[str, Known]] = {}
        self._watches: dict[tuple[str, str], Watch] = {}

    def pods(self, uid: str, run_id: str) -> dict[str, Known]:
        return self._runs.setdefault((uid, run_id), {})

    def hear(self, pod: Known, received: Snapshot) -> None:
        """Take in an answer of a pod."""
        pod.heard_at = self._clock()
        pod.snapshot = absorb(pod.snapshot, received)

    def pod(self, uid: str, run_id: str, pod_uid: str, index: int, name: str) -> Known:
        """What is known of a pod; of one not met before, nothing, from now on."""
        pods = self.pods(uid, run_id)
        if pod_uid not in pods:
            pods[pod_uid] = Known(index, name, self._clock())
        return pods[pod_uid]

    def watch(self, uid: str, run_id: str) -> Watch:
        """What was found of the bounds that would abort the run."""
        return self._watches.get((uid, run_id), Watch())

    def keep_watch(self, uid: str, run_id: str, watch: Watch) -> None:
        self._watches[(uid, run_id)] = watch

    def silent_seconds(self, pod: Known) -> float:
        return self._clock() - pod.heard_at

    def take_last_word(self, uid: str, run_id: str, pod_uid: str, index: int, name: str, message: str) -> bool:
        """Take in a termination message; False where it is none of ours or torn.

        The last word carries no seconds; those already known are kept beside its counts.
        """
        pod = self.pod(uid, run_id, pod_uid, index, name)
        word = decode_last_word(message) if message else None
        if word is not None and word.pod_uid == pod_uid:
            pod.snapshot = absorb(pod.snapshot, word)
            pod.last_word = True
        return pod.last_word

    def forget(self, uid: str) -> None:
        self._forget([key for key in (*self._runs, *self._watches) if key[0] == uid])

    def forget_other_runs(self, uid: str, run_id: str) -> None:
        self._forget([key for key in (*self._runs, *self._watches) if key[0] == uid and key[1] != run_id])

    def _forget(self, keys: list[tuple[str, str]]) -> None:
        for key in keys:
            self._runs.pop(key, None)
            self._watches.pop(key, None)
