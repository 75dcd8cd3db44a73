"""What the line needs to know: of each test, and of each Job and pod that exists of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from loadtest_model.report.labels import RUN_LABEL
from loadtest_model.report.status import ConditionType, Phase
from loadtest_model.spec import Concurrency
from loadtest_model.spec.pod import HostAlias
from loadtest_operator.facts.names import TARGET_ANNOTATION
from loadtest_operator.facts.observation import ObservedTest
from loadtest_operator.facts.resources import is_left_behind, owner_uid, rfc3339, run_id_of
from loadtest_operator.observe.memory import Key

Json = dict[str, Any]
TargetKey = tuple[str, str, tuple[HostAlias, ...]]
"""A target as its test names it: by a URL, from a namespace, with the aliases of its pods."""


@dataclass(frozen=True)
class Entry:
    """A test as the line sees it. `has_begun`, `has_started` and `is_over` are about the Job, the load and the end of
    the run that the spec asks for.

    `holds_place` is false of one that is suspended, stopped or deleted, or has something of its own to wait for: it
    keeps nobody waiting. So does one whose spec cannot be read, which has no URL.
    """

    uid: str
    namespace: str
    name: str
    created_at: str
    run_id: str
    url: str = ""
    aliases: tuple[HostAlias, ...] = ()
    pods: int = 0
    is_exclusive: bool = True
    has_begun: bool = False
    has_started: bool = False
    is_over: bool = False
    holds_place: bool = False

    @property
    def key(self) -> Key:
        return self.namespace, self.name

    @property
    def target(self) -> TargetKey:
        return self.url, self.namespace, self.aliases


@dataclass(frozen=True)
class Child:
    """A Job, or a pod that lives: whose it is, of which run, and what it loads."""

    owner: str
    run_id: str
    is_pod: bool
    target: frozenset[str]
    deleted_at: str | None = None

    def is_left_behind(self, now: datetime) -> bool:
        return is_left_behind(self.deleted_at, now)


@dataclass
class Belongings:
    """What exists of one test: the runs that have a Job, the number of pods that live, and what these load."""

    runs: set[str] = field(default_factory=set)
    pods: int = 0
    target: set[str] = field(default_factory=set)


def entry_of(test: ObservedTest) -> Entry:
    """What the line needs to know of a test."""
    run_id, record, spec = run_id_of(test), test.record, test.spec
    is_same_run = record.run_id == run_id
    entry = Entry(
        uid=test.identity.uid,
        namespace=test.identity.namespace,
        name=test.identity.name,
        created_at=rfc3339(test.created_at),
        run_id=run_id,
        is_over=record.phase is Phase.COMPLETED if is_same_run else test.finished_run == run_id,
        has_begun=is_same_run and record.plan_hash is not None,
        has_started=is_same_run and record.start is not None,
    )
    if spec is None:
        return entry
    verified = record.condition(ConditionType.VERIFIED) if is_same_run else None
    waits_for_itself = verified is not None and verified.is_false
    return replace(
        entry,
        url=spec.target.url,
        aliases=tuple(spec.pod.host_aliases or ()),
        pods=spec.parallelism,
        is_exclusive=spec.concurrency == Concurrency.FORBID,
        holds_place=not (test.is_deleting or spec.stop or spec.suspend or waits_for_itself),
    )


def child_of(resource: Json, *, is_pod: bool) -> Child:
    """A Job, or a pod that lives, as the line sees it."""
    metadata = resource["metadata"]
    identities = (metadata.get("annotations") or {}).get(TARGET_ANNOTATION, "")
    return Child(
        owner=owner_uid(resource),
        run_id=(metadata.get("labels") or {}).get(RUN_LABEL, ""),
        is_pod=is_pod,
        target=frozenset(identities.split()),
        deleted_at=metadata.get("deletionTimestamp"),
    )
