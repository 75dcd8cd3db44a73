"""The roster: all tests, and the Jobs and pods that exist of them, as the line sees them.

Watches feed it, and so does whatever is read or written beside them, so nobody has to list all tests to know who waits.
A watch may be behind, or miss that something is gone. So lists correct the roster: what it knew of before a list began
and the list does not have is gone.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loadtest_operator.facts.observation import ObservedTest
from loadtest_operator.facts.pods import has_ended
from loadtest_operator.facts.resources import observed_test
from loadtest_operator.observe.line_entries import Belongings, Child, Entry, child_of, entry_of
from loadtest_operator.observe.memory import Key

Json = dict[str, Any]


@dataclass(frozen=True)
class _Record:
    """Something known: since which moment of the roster, and at which version."""

    moment: int
    version: str


class Roster:
    """All tests by UID, and what exists of them. `changed` is set whenever the line may have changed with it."""

    def __init__(self) -> None:
        self._tests: dict[str, Entry] = {}
        self._keys: dict[Key, str] = {}
        self._children: dict[str, Child] = {}
        self._child_counts: Counter[str] = Counter()
        self._pod_counts: Counter[str] = Counter()
        self._records: dict[str, _Record] = {}
        self._own_writes: dict[str, str] = {}
        self._departed: dict[str, int] = {}
        self._moment = 0
        self._former_mark = 0
        self.version = 0
        self.changed = asyncio.Event()

    @property
    def tests(self) -> Iterable[Entry]:
        return self._tests.values()

    def test(self, uid: str) -> Entry | None:
        return self._tests.get(uid)

    def uid_of(self, key: Key) -> str | None:
        """The UID that a name belongs to, or belonged to last, until it is forgotten."""
        return self._keys.get(key)

    def key_of(self, uid: str) -> Key | None:
        entry = self._tests.get(uid)
        return None if entry is None else entry.key

    def belongings(self, now: datetime) -> dict[str, Belongings]:
        """What exists of each test, by its UID; without the pods that nobody will ever remove."""
        of_tests: dict[str, Belongings] = defaultdict(Belongings)
        for child in self._children.values():
            if child.is_pod and child.is_left_behind(now):
                continue
            its = of_tests[child.owner]
            its.target |= child.target
            if child.is_pod:
                its.pods += 1
            else:
                its.runs.add(child.run_id)
        return dict(of_tests)

    def has_children(self, uid: str) -> bool:
        """Whether anything exists of a test."""
        return self._child_counts[uid] > 0

    def has_job(self, uid: str, run_id: str) -> bool:
        """Whether a Job of a test's run exists."""
        return self._child_counts[uid] > 0 and any(
            not child.is_pod and (child.owner, child.run_id) == (uid, run_id) for child in self._children.values()
        )

    def has_pods(self, uid: str) -> bool:
        """Whether pods of a test live."""
        return self._pod_counts[uid] > 0

    def mark(self) -> int:
        """The moment before a list begins, to `replace` with."""
        return self._moment

    def see_test(self, resource: Json) -> bool:
        """Take in a test as it is; gives whether this version of it was not known yet."""
        metadata = resource["metadata"]
        if not self._is_news(metadata):
            return False
        self.see_observed(observed_test(resource))
        return True

    def see_own_write(self, resource: Json) -> None:
        """Take in a test as this operator has just written it."""
        metadata = resource["metadata"]
        self._own_writes[metadata["uid"]] = metadata["resourceVersion"]
        self.see_test(resource)

    def is_own_write(self, metadata: Json) -> bool:
        """Whether a version of a test is the last that this operator wrote."""
        version: str = metadata["resourceVersion"]
        return self._own_writes.get(metadata["uid"]) == version

    def see_observed(self, test: ObservedTest) -> None:
        """The same of a test that was read already."""
        uid, version = test.identity.uid, test.resource_version
        if not self._is_news({"uid": uid, "resourceVersion": version}):
            return
        self._record(uid, version)
        entry = entry_of(test)
        self._keys[entry.key] = uid
        if self._tests.get(uid) != entry:
            self._tests[uid] = entry
            self.touch()

    def forget_test(self, uid: str) -> None:
        """A test is gone; its name stays known until `forget_key`."""
        self._own_writes.pop(uid, None)
        if self._forget(uid) and self._tests.pop(uid, None) is not None:
            self.touch()

    def forget_key(self, key: Key) -> None:
        """There is no test of this name."""
        uid = self._keys.pop(key, None)
        if uid is not None:
            self.forget_test(uid)

    def see_child(self, resource: Json, *, is_pod: bool) -> None:
        """Take in a Job or a pod as it is."""
        metadata = resource["metadata"]
        if is_pod and has_ended(resource):
            self.forget_child(metadata["uid"])
            return
        if not self._is_news(metadata):
            return
        self._record(metadata["uid"], metadata["resourceVersion"])
        child = child_of(resource, is_pod=is_pod)
        former = self._children.get(metadata["uid"])
        if former == child:
            return
        if former is not None:
            self._count(former, -1)
        self._children[metadata["uid"]] = child
        self._count(child, 1)
        self.touch()

    def forget_child(self, uid: str) -> None:
        """A Job or a pod is gone, or a pod has ended."""
        if not self._forget(uid):
            return
        child = self._children.pop(uid, None)
        if child is not None:
            self._count(child, -1)
            self.touch()

    def replace_tests(self, resources: Iterable[Json], mark: int) -> set[Key]:
        """Take in a list of all tests that was begun at a mark; gives the names of those that it told something of."""
        news = set[Key]()
        listed_uids = set[str]()
        for resource in resources:
            metadata = resource["metadata"]
            listed_uids.add(metadata["uid"])
            if self.see_test(resource):
                news.add((metadata["namespace"], metadata["name"]))
        for uid in self._absent(list(self._tests), listed_uids, mark):
            news.add(self._tests[uid].key)
            self.forget_test(uid)
        self._forget_departed()
        self._former_mark = mark
        return news

    def replace_children(self, resources: Iterable[Json], mark: int, *, are_pods: bool) -> None:
        """The same of all Jobs, or of all pods that live."""
        listed_uids = set[str]()
        for resource in resources:
            listed_uids.add(resource["metadata"]["uid"])
            self.see_child(resource, is_pod=are_pods)
        known_uids = [uid for uid, child in self._children.items() if child.is_pod == are_pods]
        for uid in self._absent(known_uids, listed_uids, mark):
            self.forget_child(uid)

    def touch(self) -> None:
        """The line may have changed."""
        self.version += 1
        self.changed.set()

    def _count(self, child: Child, change: int) -> None:
        for counts in (self._child_counts, self._pod_counts) if child.is_pod else (self._child_counts,):
            counts[child.owner] += change
            if not counts[child.owner]:
                del counts[child.owner]

    def _is_news(self, metadata: Json) -> bool:
        uid = metadata["uid"]
        record = self._records.get(uid)
        return uid not in self._departed and (record is None or is_newer(metadata["resourceVersion"], record.version))

    def _record(self, uid: str, version: str) -> None:
        self._moment += 1
        self._records[uid] = _Record(self._moment, version)

    def _forget(self, uid: str) -> bool:
        """A list that is under way may still have it; gives whether it was known."""
        self._moment += 1
        self._departed[uid] = self._moment
        return self._records.pop(uid, None) is not None

    def _absent(self, known_uids: Iterable[str], listed_uids: set[str], mark: int) -> Iterator[str]:
        return (uid for uid in known_uids if uid not in listed_uids and self._records[uid].moment <= mark)

    def _forget_departed(self) -> None:
        """No list that began before the one before this list is still under way."""
        self._departed = {uid: moment for uid, moment in self._departed.items() if moment > self._former_mark}


def is_newer(version: str, known_version: str) -> bool:
    """Whether a resource version comes after another; where they are no numbers, whether it is another one."""
    if version.isdecimal() and known_version.isdecimal():
        return int(version) > int(known_version)
    return version != known_version
