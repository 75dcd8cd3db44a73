"""One turn for one LoadTest: observe, decide, act, and write the status if it says anything new."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from loadtest_model.report.afterwards import Afterwards
from loadtest_model.report.labels import TEST_LABEL, label_value
from loadtest_model.report.status import Phase, Status
from loadtest_model.spec import API_VERSION, KIND, Identity
from loadtest_operator.act import events
from loadtest_operator.act.actor import Actor
from loadtest_operator.act.orphans import remove_orphans
from loadtest_operator.cluster.api import EVENTS, JOBS, LOADTESTS, NETWORK_POLICIES, Api, ApiError, PatchType
from loadtest_operator.decide import Decision, Policy, decide, may_begin, urgent_orders, without_departed
from loadtest_operator.decide.actions import CreateJob, ObserveGeneration
from loadtest_operator.decide.afterwards import with_owed_messages
from loadtest_operator.decide.budget import essential
from loadtest_operator.decide.outcomes import with_outcomes
from loadtest_operator.decide.writing import status_to_write, with_afterwards
from loadtest_operator.facts.names import SELECTOR
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.facts.terminating import is_of_ending_namespace
from loadtest_operator.observe.contenders import Contenders
from loadtest_operator.observe.followers import RunKey, Sight
from loadtest_operator.observe.memory import Key, Memory
from loadtest_operator.observe.observer import Observer
from loadtest_operator.observe.roster import Roster
from loadtest_operator.program.metrics import RunMetrics
from loadtest_operator.ui.running import Turns

_LOG: Final = logging.getLogger(__name__)
_CONFLICT_SECONDS: Final = 0.2
"""After how long a test is looked at again that changed while it was looked at."""
_FOLLOWING_PHASES: Final = frozenset({Phase.STARTING, Phase.VERIFYING, Phase.RUNNING})
"""The phases in which the pods hear of the target's addresses."""

Json = dict[str, Any]


@dataclass(frozen=True)
class ReconcilerDependencies:
    """What a turn is made with. `clock` is monotonic, in seconds."""

    api: Api
    observer: Observer
    roster: Roster
    contenders: Contenders
    actor: Actor
    policy: Policy
    memory: Memory
    metrics: RunMetrics
    turns: Turns
    clock: Callable[[], float]


class Reconciler:
    """Turns for LoadTests by (namespace, name). Everything it needs is read afresh, but who stands in line before.

    `bell` asks for a turn.
    """

    def __init__(self, parts: ReconcilerDependencies, bell: Callable[[Key], None]) -> None:
        self._api = parts.api
        self._observer = parts.observer
        self._contenders = parts.contenders
        self._roster = parts.roster
        self._actor = parts.actor
        self._policy = parts.policy
        self._memory = parts.memory
        self._metrics = parts.metrics
        self._turns = parts.turns
        self._clock = parts.clock
        self._wrote_at: dict[str, float] = {}
        self._request_turn = bell

    async def reconcile(self, key: Key) -> float | None:
        """One turn. Returns after how many seconds the next is due, None if only an event calls for one.

        Raises ApiError if the API server is out of reach or refuses.
        """
        namespace, name = key
        observation = await self._observer.observe(namespace, name)
        if observation is None:
            await self._clean_up(namespace, name)
            return None
        identity, run_id = observation.test.identity, observation.run_id
        self._memory.forget_other_runs(identity.uid, run_id)
        if may_begin(observation):
            version = observation.test.resource_version
            observation = await self._contenders.with_turn(observation)
            if observation.test.resource_version != version:
                # Only the test was read again. Its new target or its Job, made by another operator, was not looked at.
                self._contenders.release(identity.uid)
                return _CONFLICT_SECONDS
            if self._roster.has_job(identity.uid, run_id):
                self._contenders.release(identity.uid)
                self._observer.distrust(identity.uid)
                return _CONFLICT_SECONDS
        decision = await self._decide_and_act(observation)
        if observation.job is None and not any(isinstance(action, CreateJob) for action in decision.actions):
            self._contenders.release(identity.uid)
        self._metrics.show(observation, decision)
        self._turns.show(observation, decision)
        if decision.status is not None and not await self._write(observation, decision.status):
            return _CONFLICT_SECONDS
        if any(isinstance(action, ObserveGeneration) for action in decision.actions):
            await self._announce(observation, events.change_after_the_end(observation))
        if decision.afterwards is not None and not await self._write_afterwards(observation, decision.afterwards):
            return _CONFLICT_SECONDS
        is_settled = decision.is_settled or decision.requeue_seconds is None
        if is_settled and observation.test.record.phase is Phase.COMPLETED:
            self._memory.forget_runs(identity.uid)
        return decision.requeue_seconds

    async def push_endpoints(self, run: RunKey, sight: Sight) -> None:
        """Push the changed endpoints of a run's target to its pods at once, and ask for a turn for the rest."""
        last = self._memory.last_look(run.uid, run.run_id)
        if last is not None:
            current = without_departed(replace(last, endpoints=sight.endpoints, endpoints_known_at=sight.known_at))
            self._memory.keep_look(current, running=True)
            try:
                await self._actor.perform(current, urgent_orders(current, self._policy))
            except ApiError as error:
                _LOG.warning("%s: the pods were not told of the endpoints yet: %s", last.test.identity, error)
        self._request_turn((run.namespace, run.name))

    async def _decide_and_act(self, observation: Observation) -> Decision:
        observation = self._observer.with_latest_endpoints(observation)
        decision = decide(observation, self._policy)
        if decision.abort_watch is not None:
            self._memory.keep_abort_watch(observation.test.identity.uid, observation.run_id, decision.abort_watch)
        if decision.target_watch is not None:
            self._memory.keep_target_watch(observation.test.identity.uid, observation.run_id, decision.target_watch)
        running = observation.job is not None and (
            decision.status is None or decision.status.phase in _FOLLOWING_PHASES
        )
        self._memory.keep_look(observation, running=running)
        outcomes = await self._actor.perform(observation, decision.actions)
        return with_owed_messages(observation, with_outcomes(observation, decision, outcomes, self._policy))

    @property
    def child_kinds(self) -> tuple[str, ...]:
        """The kinds that are removed when their LoadTest is gone."""
        return (JOBS,) if self._policy.network_policies is None else (JOBS, NETWORK_POLICIES)

    async def _write(self, observation: Observation, status: Status) -> bool:
        """Replace the status, unless the resource has changed since it was read; say whether that went well."""
        identity = observation.test.identity
        since_write_seconds = self._clock() - self._wrote_at.get(identity.uid, -math.inf)
        body = status_to_write(status, observation.test.status, self._policy.progress_seconds, since_write_seconds)
        if body is None:
            return True
        try:
            await self._apply_or_shorten(observation, status, body)
        except ApiError as error:
            if error.is_outdated:
                _LOG.info("%s: changed while it was looked at; looking again", identity)
                return False
            raise
        recorded = observation.test.record
        if recorded.phase is not status.phase:
            _LOG.info("%s: %s: %s", identity, status.phase, status.message)
        for announcement in events.announcements(recorded, status):
            await self._announce(observation, announcement)
        return True

    async def _write_afterwards(self, observation: Observation, afterwards: Afterwards) -> bool:
        """Write what changes after the end, and leave the rest of the status; say whether that went well."""
        test = observation.test
        body = with_afterwards(test.status, afterwards)
        if body == test.status:
            return True
        try:
            await self._apply(test.identity, test.resource_version, body)
        except ApiError as error:
            if error.is_outdated:
                return False
            if error.reason != "Invalid" and not error.names_unknown_field:
                raise
            _LOG.warning("%s: the status does not say what follows the end: %s", test.identity, error)
        for announcement in events.failures_after_the_end(test.record, afterwards):
            await self._announce(observation, announcement)
        return True

    async def _apply_or_shorten(self, observation: Observation, status: Status, body: Json) -> None:
        """A status that the schema refuses is a defect, or the CRD is older than the operator; the test ends anyway."""
        identity, version = observation.test.identity, observation.test.resource_version
        try:
            await self._apply(identity, version, body)
        except ApiError as error:
            if error.reason != "Invalid" and not error.names_unknown_field:
                raise
            _LOG.error("%s: the status was refused, so only its essentials are written: %s", identity, error)
            shorter = status_to_write(essential(status), observation.test.status, self._policy.progress_seconds)
            if shorter is not None:
                await self._apply(identity, version, shorter)

    async def _apply(self, identity: Identity, resource_version: str, status: Json) -> None:
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {
                "name": identity.name,
                "namespace": identity.namespace,
                "resourceVersion": resource_version,
            },
            "status": status,
        }
        changed = await self._api.patch(LOADTESTS, identity.namespace, f"{identity.name}/status", body, PatchType.APPLY)
        self._roster.see_own_write(changed)
        self._wrote_at[identity.uid] = self._clock()

    async def _announce(self, observation: Observation, announcement: events.Announcement) -> None:
        """Events are for people; that one cannot be kept is no reason to stop."""
        namespace = observation.test.identity.namespace
        try:
            await self._api.create(
                EVENTS, namespace, events.manifest(observation, announcement, rfc3339(observation.now))
            )
        except ApiError as error:
            if not error.already_exists and not is_of_ending_namespace(error.message):
                _LOG.warning("%s: an Event was not taken: %s", observation.test.identity, error)

    async def _clean_up(self, namespace: str, name: str) -> None:
        """A test that is gone: what it owned is the garbage collector's; what was orphaned is removed here."""
        self._roster.forget_key((namespace, name))
        self._metrics.forget(namespace, name)
        self._turns.forget((namespace, name))
        uid = self._memory.forget((namespace, name))
        if uid is not None:
            self._observer.stop_following(uid)
            self._wrote_at.pop(uid, None)
        for kind in self.child_kinds:
            children = await self._api.list(kind, namespace, f"{SELECTOR},{TEST_LABEL}={label_value(name)}")
            uids = (
                {test["metadata"]["uid"] for test in await self._api.list(LOADTESTS, namespace)} if children else set()
            )
            await remove_orphans(self._api, kind, children, uids)
