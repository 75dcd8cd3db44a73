"""Looking: everything that belongs to a LoadTest, read afresh from the API server and from the pods."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from loadtest_model.judgement.workload import TargetWatch
from loadtest_model.report.status import Phase
from loadtest_operator.archive.archiver import Archiver
from loadtest_operator.cluster.api import (
    ADMISSION_BINDINGS,
    ADMISSION_POLICIES,
    LOADTESTS,
    Api,
    ApiError,
)
from loadtest_operator.cluster.pods import PodClient
from loadtest_operator.cluster.tokens import command_digests
from loadtest_operator.facts.destinations import Destinations
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.observation import (
    Observation,
    ObservedJob,
    ObservedPod,
    ObservedTest,
)
from loadtest_operator.facts.resources import (
    observed_test,
    run_id_of,
)
from loadtest_operator.facts.secret_access import (
    INSTALLED_BY_ADMIN,
    SecretAccess,
    access_under_policy,
    named_secrets,
    unchecked_access,
)
from loadtest_operator.facts.templates import ObservedTemplate
from loadtest_operator.facts.workload import WorkloadLook
from loadtest_operator.messages.ended_run import run_key
from loadtest_operator.messages.messenger import Messenger
from loadtest_operator.observe.children import Children
from loadtest_operator.observe.complaints import ComplaintReader
from loadtest_operator.observe.destinations import DestinationReader
from loadtest_operator.observe.earlier_runs import EarlierRuns
from loadtest_operator.observe.followers import Followers, RunKey, Sight
from loadtest_operator.observe.listening import Listener
from loadtest_operator.observe.memory import Memory
from loadtest_operator.observe.refusals import RefusalWatch
from loadtest_operator.observe.remains import RemainsReader, is_completed
from loadtest_operator.observe.service_names import ServiceNames
from loadtest_operator.observe.targets import TargetReader
from loadtest_operator.observe.templates import read_records_template

_LOG: Final = logging.getLogger(__name__)

Json = dict[str, Any]

ENDPOINTS_SECONDS: Final = 3.0
"""How often a target's endpoints are read from the Job to the end of a run if they cannot be watched."""

WORKLOAD_SECONDS: Final = 1.0
USE_SECONDS: Final = 5.0
"""How often at most the pods behind a target are looked at, and what they use."""


@dataclass(frozen=True, kw_only=True)
class ObserverDependencies:
    """What looking is done with. `now` gives the time in UTC, `clock` is monotonic, in seconds; `scrape_failed` hears
    of each pod that did not answer.

    `secret_policy` names the admission policy that checks who may name which Secret. It may be empty, or
    `INSTALLED_BY_ADMIN`.
    """

    api: Api
    pods: PodClient
    memory: Memory
    followers: Followers
    children: Children
    key: bytes
    cluster_domain: str
    secret_policy: str
    now: Callable[[], datetime]
    clock: Callable[[], float]
    scrape_failed: Callable[[], None]
    messenger: Messenger
    archiver: Archiver
    makes_network_policies: bool = True


class Observer:
    """Makes observations."""

    def __init__(self, means: ObserverDependencies) -> None:
        self._means = means
        self._api = means.api
        self._memory = means.memory
        self._listener = Listener(means.pods, means.memory, means.scrape_failed)
        refusals, names = RefusalWatch(means.clock), ServiceNames(means.cluster_domain)
        self._targets = TargetReader(means.api, names, refusals)
        self._earlier_runs = EarlierRuns(means.api, means.memory)
        self._complaints = ComplaintReader(means.api, means.memory, means.now)
        self._remains = RemainsReader(means.api, means.archiver, makes_network_policies=means.makes_network_policies)
        self._destinations = DestinationReader(means.api, names, refusals)

    def with_latest_endpoints(self, observation: Observation) -> Observation:
        """The look with what has changed behind the target meanwhile: asking the pods may take seconds."""
        sight = self._means.followers.latest_sight(observation.test.identity.uid, observation.run_id)
        if sight is None or observation.endpoints is None:
            return observation
        evictions = self._memory.add_evictions(observation.test.identity.uid, observation.run_id, sight.evictions)
        return replace(
            observation,
            endpoints=sight.endpoints,
            endpoints_known_at=sight.known_at,
            evictions=evictions,
        )

    def stop_following(self, uid: str) -> None:
        """Stop following the target of the test with this UID, which is gone."""
        self._means.followers.stop(uid)
        self._means.children.forget(uid)

    def distrust(self, uid: str) -> None:
        """More is known of the test with this UID than was observed: the next look lists what belongs to it."""
        self._means.children.distrust(uid)

    async def observe(self, namespace: str, name: str) -> Observation | None:
        """The test of this name and what belongs to it; None where there is no such test.

        Raises ApiError.
        """
        resource = await self._api.get(LOADTESTS, namespace, name)
        if resource is None:
            return None
        test = observed_test(resource)
        uid, run_id = test.identity.uid, run_id_of(test)
        replaced = self._memory.remember((namespace, name), uid)
        if replaced is not None:
            self.stop_following(replaced)
        jobs, readings = await self._means.children.of(test.identity, run_id if _must_have_job(test, run_id) else None)
        job_of_run = next((job for job in jobs if job.run_id == run_id), None)
        now = self._means.now()
        readings = [reading.at(now) for reading in readings]
        pods = await self._listener.ask_fleet(
            uid, run_id, [reading for reading in readings if reading.pod.run_id == run_id]
        )
        needs_endpoints = _needs_endpoints(test, job_of_run, run_id)
        sight: Sight | None = None
        if _follows_endpoints(test, job_of_run):
            sight = await self._follow_target(test, run_id, pods)
        else:
            self._means.followers.stop(uid)
        endpoints = sight.endpoints if sight else None
        if needs_endpoints:
            endpoints = await self._targets.endpoints(test)
        destinations, api_server = (
            await self._surroundings(test, endpoints) if needs_endpoints else (Destinations(), ())
        )
        target_watch = self._memory.target_watch(uid, run_id)
        workload = await self._workload(test, run_id, pods, target_watch) if job_of_run or needs_endpoints else None
        evictions = (*(sight.evictions if sight else ()), *(workload.evictions if workload else ()))
        others = [
            reading.pod for reading in readings if reading.pod.run_id != run_id and not reading.pod.is_left_behind
        ]
        return Observation(
            test=test,
            now=self._means.now(),
            run_id=run_id,
            job=job_of_run,
            other_jobs=tuple(job for job in jobs if job.run_id != run_id),
            other_pods_active=any(pod.container_end is None for pod in others),
            pods=pods,
            series=self._memory.series(uid, run_id, [pod.uid for pod in pods]),
            endpoints=endpoints,
            endpoints_known_at=sight.known_at if sight else None,
            evictions=self._memory.add_evictions(uid, run_id, evictions),
            workload=workload,
            target_watch=target_watch,
            destinations=destinations,
            network_policies=await self._remains.network_policies(test, run_id),
            api_server=api_server,
            records_template=await self._records_template(test, job_of_run),
            secret_access=await self._secret_access(test) if needs_endpoints else SecretAccess(),
            command_digests=command_digests(self._means.key, uid, run_id),
            abort_watch=self._memory.abort_watch(uid, run_id),
            complaints=await self._complaints.read(test, job_of_run, pods),
            results=await self._remains.results(test, run_id),
            archives_results=self._means.archiver.is_on,
            webhooks=self._means.messenger.rules(),
            message_ends=self._means.messenger.ends(run_key(uid, run_id, test.record.completed_at or "")),
            baseline=None if is_completed(test, run_id) else await self._earlier_runs.baseline(test, job_of_run),
        )

    async def _surroundings(
        self, test: ObservedTest, endpoints: Endpoints | None
    ) -> tuple[Destinations, tuple[str, ...]]:
        """Where else the pods connect to, and what they never may: not asked for while the target is not there."""
        if endpoints is None or endpoints.problem:
            return Destinations(), ()
        # Each may wait for a right that has just been granted.
        return await asyncio.gather(self._destinations.destinations(test), self._targets.api_server())

    async def _follow_target(self, test: ObservedTest, run_id: str, pods: tuple[ObservedPod, ...]) -> Sight | None:
        """What stands behind the target of a run, as it was seen last: by a watch, or else read now and then."""
        identity = test.identity
        host = self._targets.service(test)
        if host is None:
            return None
        run = RunKey(identity.namespace, identity.name, identity.uid, run_id)
        sight = self._means.followers.follow(run, host)
        last_sight = self._memory.sight(identity.uid, run_id)
        if sight is None and (
            (pods and _may_be_last_look(pods))
            or self._memory.claim_look(identity.uid, run_id, "endpoints", ENDPOINTS_SECONDS)
        ):
            read = await self._targets.endpoints_under_load(test)
            if read is not None and (last_sight is None or read != last_sight.endpoints):
                sight = Sight(read, self._means.clock())
        if sight is not None:
            self._memory.keep_sight(identity.uid, run_id, sight)
        return sight or last_sight

    async def _workload(
        self, test: ObservedTest, run_id: str, pods: tuple[ObservedPod, ...], remembered_watch: TargetWatch | None
    ) -> WorkloadLook | None:
        """The target's workload: before there is a fleet, when it is verified, and while it loads."""
        if test.spec is None or test.spec.target.workload is None or test.record.phase is Phase.COMPLETED:
            return None
        uid = test.identity.uid
        if not pods:
            return await self._targets.workload(test)
        if not all(pod.snapshot is not None and pod.snapshot.verification is not None for pod in pods):
            return None
        has_begun = test.record.start is not None
        must_be_fresh = not has_begun or _may_be_last_look(pods)
        if not must_be_fresh and not self._memory.claim_look(uid, run_id, "workload", WORKLOAD_SECONDS):
            return None
        target_watch = remembered_watch or test.record.target
        newest = target_watch.tally.newest if target_watch is not None and target_watch.tally is not None else ""
        with_use = has_begun and self._memory.claim_look(uid, run_id, "use", USE_SECONDS)
        return await self._targets.workload_under_load(test, newest, with_use=with_use)

    async def _records_template(self, test: ObservedTest, job: ObservedJob | None) -> ObservedTemplate | None:
        """The columns that the plan is made with: until there is a Job, and where it is gone before the end."""
        if job is not None or test.record.phase is Phase.COMPLETED:
            return None
        return await read_records_template(self._api, test)

    async def _secret_access(self, test: ObservedTest) -> SecretAccess:
        name = self._means.secret_policy
        if name == INSTALLED_BY_ADMIN or test.spec is None or not named_secrets(test.spec):
            return SecretAccess()
        if not name:
            return unchecked_access("the installation does without the policy that would")
        try:
            policy = await self._api.get(ADMISSION_POLICIES, None, name)
            binding = await self._api.get(ADMISSION_BINDINGS, None, name)
        except ApiError as error:
            if error.is_forbidden:
                return unchecked_access(f"the operator may not look for ValidatingAdmissionPolicy {name}")
            raise
        return access_under_policy(name, policy, binding, test.created_at)


def _must_have_job(test: ObservedTest, run_id: str) -> bool:
    """Whether a Job of the run is on record."""
    recorded = test.record
    return recorded.run_id == run_id and recorded.plan_hash is not None and recorded.phase is not Phase.COMPLETED


def _needs_endpoints(test: ObservedTest, job: ObservedJob | None, run_id: str) -> bool:
    recorded = test.record
    is_settled = recorded.run_id == run_id and (recorded.phase is Phase.COMPLETED or recorded.plan_hash is not None)
    return job is None and not is_settled


def _may_be_last_look(pods: tuple[ObservedPod, ...]) -> bool:
    """Whether this look may be what the run is judged by, so that all of it must be fresh."""
    return all(pod.has_last_snapshot or pod.has_ended for pod in pods)


def _follows_endpoints(test: ObservedTest, job: ObservedJob | None) -> bool:
    """Whether there is a run at addresses that are a Service's, and so may change."""
    is_over = test.record.phase is Phase.COMPLETED
    return not is_over and job is not None and job.plan is not None and bool(job.plan.target.addresses)
