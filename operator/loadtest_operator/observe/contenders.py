"""Looking at the other tests: which run, which wait, and whether it is a test's turn."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from loadtest_model.report.status import ConditionType, Phase
from loadtest_model.spec import Concurrency
from loadtest_operator.cluster.api import JOBS, LOADTESTS, PODS, Api
from loadtest_operator.facts.names import RUN_LABEL, SELECTOR, TARGET_ANNOTATION
from loadtest_operator.facts.observation import Observation, ObservedTest
from loadtest_operator.facts.resources import is_left_behind, observed_test, owner_uid, run_id_of
from loadtest_operator.observe.identities import Identities
from loadtest_operator.policy.line import Contender, Limits, turn_of

Json = dict[str, Any]

_ALIVE: Final = "status.phase!=Succeeded,status.phase!=Failed"


@dataclass
class _Belongings:
    """What exists of one test: the runs that have a Job, the number of pods that live, and what these load."""

    runs: set[str] = field(default_factory=set)
    pods: int = 0
    target: set[str] = field(default_factory=set)


class Contenders:
    """Says whose turn it is, from what the API server holds at that moment and nothing else.

    `namespaces` empty means all; `now` gives the time in UTC. Two tests must not be asked for at once, unless the
    first has its Job before the second is asked for.
    """

    def __init__(
        self,
        api: Api,
        identities: Identities,
        namespaces: tuple[str, ...],
        limits: Limits,
        now: Callable[[], datetime],
    ) -> None:
        self._api = api
        self._identities = identities
        self._namespaces = namespaces
        self._limits = limits
        self._now = now

    async def with_turn(self, observation: Observation) -> Observation:
        """The observation with its turn, and with the test as it is now.

        Raises ApiError.
        """
        jobs, pods, tests = await asyncio.gather(
            self._list_everywhere(JOBS, SELECTOR, metadata_only=True),
            self._list_everywhere(PODS, SELECTOR, fields=_ALIVE, metadata_only=True),
            self._list_everywhere(LOADTESTS),
        )
        uid = observation.test.identity.uid
        belongings = self._belongings(jobs, pods)
        current_test = observation.test
        holders: list[Contender] = []
        waiting: list[Contender] = []
        for resource in tests:
            test = observed_test(resource)
            is_mine = test.identity.uid == uid
            if is_mine:
                current_test = test
            its = belongings.pop(test.identity.uid, _Belongings())
            holds, waits = claim_of(test, its.runs, its.pods)
            if not (holds or waits or is_mine) or test.spec is None:
                continue
            known_by = await self._identities.identities_of(
                test.spec.target.url, test.identity.namespace, test.spec.pod.host_aliases or ()
            )
            contender = Contender(
                uid=test.identity.uid,
                namespace=test.identity.namespace,
                name=test.identity.name,
                created_at=resource["metadata"]["creationTimestamp"],
                pods=max(its.pods, 0 if is_over(test) else test.spec.parallelism),
                target=known_by | its.target,
                is_exclusive=test.spec.concurrency == Concurrency.FORBID,
            )
            # The one that asks is in the line, even if it had something else to wait for until now, or if pods of an
            # earlier run of its own are still on their way out.
            (waiting if is_mine else holders if holds else waiting).append(contender)
        holders += [
            Contender("", "", "", "", remains.pods, frozenset(remains.target)) for remains in belongings.values()
        ]
        known_by = next((one.target for one in waiting if one.uid == uid), frozenset())
        turn = turn_of(uid, holders, waiting, self._limits)
        return replace(observation, test=current_test, turn=turn, target_identities=tuple(sorted(known_by)))

    def _belongings(self, jobs: list[Json], pods: list[Json]) -> dict[str, _Belongings]:
        belongings: dict[str, _Belongings] = defaultdict(_Belongings)
        for child in jobs:
            its = belongings[owner_uid(child)]
            its.runs.add((child["metadata"].get("labels") or {}).get(RUN_LABEL, ""))
            its.target |= target_identities_in(child)
        for child in pods:
            if is_left_behind(child, self._now()):
                continue
            its = belongings[owner_uid(child)]
            its.pods += 1
            its.target |= target_identities_in(child)
        return dict(belongings)

    async def _list_everywhere(
        self, kind: str, selector: str = "", *, fields: str = "", metadata_only: bool = False
    ) -> list[Json]:
        objects: list[Json] = []
        for namespace in self._namespaces or (None,):
            objects += await self._api.list(kind, namespace, selector, fields=fields, metadata_only=metadata_only)
        return objects


def claim_of(test: ObservedTest, runs: set[str], pods: int) -> tuple[bool, bool]:
    """Whether a test holds its target, and else whether it waits for its turn.

    It holds from its Job on until it has ended and its pods too. One that waits for something of its own, such as
    endpoints or a quota, or that is suspended, keeps nobody waiting.
    """
    run_id, recorded = run_id_of(test), test.record
    same_run = recorded.run_id == run_id
    has_begun = run_id in runs or (same_run and recorded.plan_hash is not None)
    if pods or (has_begun and not is_over(test)):
        return True, False
    spec = test.spec
    if spec is None or is_over(test) or test.is_deleting or spec.stop or spec.suspend:
        return False, False
    verified = recorded.condition(ConditionType.VERIFIED) if same_run else None
    return False, verified is None or not verified.is_false


def is_over(test: ObservedTest) -> bool:
    """Whether the run that the spec asks for is over."""
    run_id, recorded = run_id_of(test), test.record
    if recorded.run_id == run_id:
        return recorded.phase is Phase.COMPLETED
    return test.finished_run == run_id


def target_identities_in(resource: Json) -> set[str]:
    """What a Job's or a pod's annotation says that its target is known by."""
    text = (resource["metadata"].get("annotations") or {}).get(TARGET_ANNOTATION, "")
    return set(text.split())
