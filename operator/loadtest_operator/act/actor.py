"""Doing what was decided."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, assert_never

from msgspec import json

from loadtest_model.measurement.snapshot import HaltReason
from loadtest_model.protocol.commands import Ack, Arm, Halt, StartEncoder, TargetAddresses, Verb, control_address
from loadtest_model.report.labels import FINISHED_RUN_ANNOTATION
from loadtest_operator.act.follow_up import FollowUp
from loadtest_operator.cluster.api import CONFIG_MAPS, JOBS, LOADTESTS, NETWORK_POLICIES, Api, ApiError, PatchType
from loadtest_operator.cluster.pods import Command, CommandAnswer, PodClient
from loadtest_operator.decide import actions
from loadtest_operator.decide.actions import Action, ActionOutcome
from loadtest_operator.facts.observation import Observation, ObservedPod

_LOG: Final = logging.getLogger(__name__)
_KINDS: Final = {actions.DeleteJob: JOBS, actions.DeleteNetworkPolicy: NETWORK_POLICIES}

_URGENT_ACTIONS: Final = (actions.HaltFleet, actions.Drain)
"""No request that fails at the API server may hold these up."""


class Actor:
    """Executes actions. `clock` is monotonic, `now` the wall clock in UTC, `sleep` waits for seconds."""

    def __init__(
        self,
        api: Api,
        pods: PodClient,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        follow_up: FollowUp,
    ) -> None:
        self._api = api
        self._pods = pods
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._follow_up = follow_up

    async def perform(
        self, observation: Observation, requested_actions: tuple[Action, ...]
    ) -> tuple[ActionOutcome, ...]:
        """Do everything in order, but stop and halt pods first; what is to be said of it comes back.

        Raises ApiError if an outage or a conflict asks for another try.
        """
        ordered_actions = sorted(requested_actions, key=lambda action: not isinstance(action, _URGENT_ACTIONS))
        outcomes = [await self._perform(observation, action) for action in ordered_actions]
        return tuple(outcome for outcome in outcomes if outcome is not None)

    async def _perform(self, observation: Observation, action: Action) -> ActionOutcome | None:
        identity = observation.test.identity
        namespace, name = identity.namespace, identity.name
        match action:
            case actions.CreateJob():
                return await self._create_job(namespace, action)
            case actions.DeleteJob() | actions.DeleteNetworkPolicy():
                await self._api.delete(_KINDS[type(action)], namespace, action.name, action.uid)
            case actions.StartFleet():
                return await self._start(observation, action)
            case actions.BoundSkew():
                return await self._bound_skew(action)
            case actions.WriteResults():
                return await self._write_results(namespace, action)
            case actions.RemoveResults() | actions.ArchiveResults() | actions.SendMessages() | actions.DeleteTest():
                await self._follow_up.perform(observation, action)
            case actions.MarkFinished():
                # The UID keeps a test that was made anew under this name from being taken for one that has run.
                metadata = {"uid": identity.uid, "annotations": {FINISHED_RUN_ANNOTATION: action.run_id}}
                await self._api.patch(LOADTESTS, namespace, name, {"metadata": metadata})
            case actions.ObserveGeneration():
                status: dict[str, Any] = {"observedGeneration": action.generation}
                if action.conditions:
                    status["conditions"] = list(action.conditions)
                body = {"metadata": {"uid": identity.uid}, "status": status}
                await self._api.patch(LOADTESTS, namespace, f"{name}/status", body, PatchType.MERGE)
            case _:
                await self._command(observation, action)
        return None

    async def _command(self, observation: Observation, action: actions.Order) -> None:
        """Give pods a command of which no more is to be said than that it was refused."""
        match action:
            case actions.Verify():
                await self._tell(observation, Verb.VERIFY, action.pods)
            case actions.StartRest():
                await self._start_rest(observation, action)
            case actions.TellEndpoints():
                await self._tell_endpoints(observation, action)
            case actions.Conclude():
                await self._tell(observation, Verb.CONCLUDE, action.pods)
            case actions.Drain():
                await self._tell(observation, Verb.STOP, action.pods)
            case actions.HaltFleet():
                await self._halt(observation, action.pods, action.message)
            case actions.Acknowledge():
                await self._tell(observation, Verb.ACK, action.pods, _ack)
            case _:
                assert_never(action)

    async def _tell_endpoints(self, observation: Observation, action: actions.TellEndpoints) -> None:
        orders = {pod.uid: order for order in action.orders for pod in order.pods}

        def addresses(pod: ObservedPod) -> bytes:
            order = orders[pod.uid]
            age = 0.0 if action.known_at is None else max(0.0, self._clock() - action.known_at)
            return json.encode(
                TargetAddresses(
                    addresses=order.addresses,
                    more=order.more,
                    age_seconds=round(age, 6),
                    goes_first=order.goes_first,
                    proof_seconds=order.proof_seconds,
                )
            )

        pods = tuple(pod for order in action.orders for pod in order.pods)
        await self._tell(observation, Verb.ENDPOINTS, pods, addresses)

    async def _create_job(self, namespace: str, action: actions.CreateJob) -> ActionOutcome | None:
        objects = [(JOBS, action.manifest)]
        if action.network_policy is not None:
            objects.insert(0, (NETWORK_POLICIES, action.network_policy))
        for kind, manifest in objects:
            try:
                await self._api.create(kind, namespace, manifest)
            except ApiError as error:
                if error.already_exists:
                    continue
                if not error.is_final:
                    raise
                return actions.JobRefused(
                    error.message, of_network_policy=kind == NETWORK_POLICIES, is_invalid=error.is_invalid
                )
        return None

    async def _write_results(self, namespace: str, action: actions.WriteResults) -> ActionOutcome | None:
        """Create the results. Those that exist stay: whoever wrote them knew no less of a run that is over."""
        try:
            await self._api.create(CONFIG_MAPS, namespace, action.manifest)
        except ApiError as error:
            if error.already_exists:
                return actions.ResultsExist()
            if not error.is_final:
                raise
            return actions.ResultsNotWritten(error.message)
        return None

    async def _start(self, observation: Observation, action: actions.StartFleet) -> ActionOutcome:
        """Arm all, then start all at one instant; whoever does not confirm makes the whole fleet halt."""
        arm = json.encode(Arm(start_id=action.start_id, plan_hash=action.plan_hash))
        arming_at = self._clock()
        answers = await self._tell(observation, Verb.ARM, action.pods, lambda _: arm)
        unconfirmed_pods = _unconfirmed(action.pods, answers)
        lead_seconds = action.lead_after(self._clock() - arming_at)
        instant = self._clock() + lead_seconds
        at = self._now() + timedelta(seconds=lead_seconds)
        skew = 0.0
        if not unconfirmed_pods:
            order = self._start_order(observation, action.start_id, action.pods, instant)
            answers = await self._tell(observation, Verb.START, action.pods, order)
            unconfirmed_pods = _unconfirmed(action.pods, answers)
            # A pod counts from the arrival of its command, which lies between sending and answer.
            skew = max((answer.seconds for answer in answers), default=0.0) + max(0.0, self._clock() - instant)
        if unconfirmed_pods:
            await self._halt(observation, action.pods, f"no confirmation from {', '.join(unconfirmed_pods[:5])}")
        else:
            # The next look is to find the load begun, not about to begin.
            await self._sleep(max(0.0, instant - self._clock()))
        return actions.FleetStarted(at=at, skew_seconds=round(skew, 6), unconfirmed_pods=unconfirmed_pods)

    async def _start_rest(self, observation: Observation, action: actions.StartRest) -> None:
        """Start pods at once. Those that do not confirm are started at the next look, as long as there is time."""
        arm = json.encode(Arm(start_id=action.start_id, plan_hash=action.plan_hash))
        answers = await self._tell(observation, Verb.ARM, action.pods, lambda _: arm)
        armed_pods = tuple(pod for pod, answer in zip(action.pods, answers, strict=True) if answer.accepted)
        order = self._start_order(observation, action.start_id, action.fleet, self._clock())
        await self._tell(observation, Verb.START, armed_pods, order)

    async def _halt(self, observation: Observation, pods: tuple[ObservedPod, ...], message: str) -> None:
        halt = json.encode(Halt(reason=HaltReason.OPERATOR, message=message))
        await self._tell(observation, Verb.HALT, pods, lambda _: halt)

    def _start_order(
        self, observation: Observation, start_id: str, fleet: tuple[ObservedPod, ...], instant: float
    ) -> Callable[[ObservedPod], bytes]:
        """The command that has a pod of the fleet begin at an instant, with the time left when it is sent."""
        peers = tuple(control_address(_address(pod)) for pod in fleet)
        token = self._pods.halt_token(observation.test.identity.uid, observation.run_id)
        encoder = StartEncoder(start_id, peers, token)
        return lambda _: encoder.encode(max(0.0, instant - self._clock()))

    async def _bound_skew(self, action: actions.BoundSkew) -> ActionOutcome | None:
        """How far apart pods began at most; None if one does not tell.

        A pod says how long ago it began. Its answer was made between the request and its arrival here, so its beginning
        lies in an interval of this operator's clock.
        """
        intervals = await self._pods.load_beginnings([(_address(pod), pod.uid) for pod in action.pods])
        if not intervals or any(interval is None for interval in intervals):
            return None
        earliest = min(interval[0] for interval in intervals if interval is not None)
        latest = max(interval[1] for interval in intervals if interval is not None)
        at = self._now() - timedelta(seconds=self._clock() - earliest)
        return actions.SkewBounded(at=at, skew_seconds=round(latest - earliest, 6))

    async def _tell(
        self,
        observation: Observation,
        verb: Verb,
        pods: tuple[ObservedPod, ...],
        order: Callable[[ObservedPod], bytes] = lambda _: b"",
    ) -> list[CommandAnswer]:
        commands = [Command(_address(pod), verb, partial(order, pod)) for pod in pods]
        identity = observation.test.identity
        answers = await self._pods.send_commands(identity.uid, observation.run_id, commands)
        for pod, answer in zip(pods, answers, strict=True):
            if not answer.accepted:
                _LOG.warning("%s: pod %s did not take %s: %s", identity, pod.name, verb, answer.detail)
        return answers


def _address(pod: ObservedPod) -> str:
    if pod.ip is None:
        raise ValueError(f"pod {pod.name} has no address, so nothing can be said to it")
    return pod.ip


def _ack(pod: ObservedPod) -> bytes:
    return json.encode(Ack(sequence=pod.snapshot.sequence if pod.snapshot else 0))


def _unconfirmed(pods: tuple[ObservedPod, ...], answers: list[CommandAnswer]) -> tuple[str, ...]:
    return tuple(pod.name for pod, answer in zip(pods, answers, strict=True) if not answer.accepted)
