"""Taking, keeping and letting go of the Lease that says which of several operators is at work."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from loadtest_operator.cluster.api import LEASES, Api, ApiError
from loadtest_operator.facts.names import MANAGED_BY, MANAGED_BY_LABEL
from loadtest_operator.leading.election import (
    LEASE_SECONDS,
    POLL_SECONDS,
    RENEW_SECONDS,
    REQUEST_SECONDS,
    Holding,
    Lease,
    Sighting,
    TakeLease,
    WaitForLease,
    after_conflict,
    candidate_action,
    loss_reason,
    next_sighting,
)

_LOG: Final = logging.getLogger(__name__)

Json = dict[str, Any]


@dataclass(frozen=True)
class LeadershipDependencies:
    """What an election needs of the world. `clock` is monotonic and counts a suspended machine's time too; `end` ends
    the process and does not return; `beat` hears that a candidate still looks."""

    clock: Callable[[], float]
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    end: Callable[[str], None]
    beat: Callable[[], None]


class Leadership:
    """One operator's part in the election. `identity` is this process's own, never used before."""

    def __init__(
        self, api: Api, namespace: str, name: str, identity: str, dependencies: LeadershipDependencies
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._dependencies = dependencies
        self._holding: Holding | None = None
        self._lease_object: Json = {}

    def check(self) -> None:
        """End the process if it may no longer act. Whatever changes anything asks this right before."""
        if self._holding is not None and (why := loss_reason(self._holding, self._dependencies.clock())):
            self._dependencies.end(why)

    @asynccontextmanager
    async def lead(self) -> AsyncIterator[None]:
        """Wait until this operator is the one at work, stay it while the context is open, and let go after it."""
        await self._win()
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep())
            try:
                yield
            finally:
                keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await keeping
                await self._release()

    async def _win(self) -> None:
        sighting: Sighting | None = None
        last_message = ""
        while self._holding is None:
            self._dependencies.beat()
            pause = POLL_SECONDS
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    raw = await self._api.get(LEASES, self._namespace, self._name)
                sighting = next_sighting(sighting, _lease(raw), self._dependencies.clock())
                last_message = _log_change(last_message, logging.INFO, _waiting_message(sighting.lease))
                match candidate_action(sighting, self._dependencies.clock()):
                    case WaitForLease(seconds):
                        pause = seconds
                    case TakeLease() as take:
                        await self._take(raw, take)
            except (ApiError, TimeoutError) as error:
                # A conflict among them: somebody else was quicker, or its holder still lives.
                last_message = _log_change(
                    last_message, _level(error), f"the Lease {self._name} could not be had: {error or 'no answer'}"
                )
            if self._holding is None:
                await self._dependencies.sleep(pause)
        _LOG.info("at work as %s", self._identity)

    async def _take(self, raw: Json | None, take: TakeLease) -> None:
        sent_at = self._dependencies.clock()
        moment = _timestamp(self._dependencies.now())
        spec = {"acquireTime": moment, "leaseTransitions": take.transitions}
        lease_object = await self._write(raw, take.version, spec)
        self._lease_object = lease_object
        self._holding = Holding(
            Lease(self._identity, lease_object["metadata"]["resourceVersion"], take.transitions), sent_at
        )

    async def _keep(self) -> None:
        pause = RENEW_SECONDS
        while self._holding is not None:
            await self._dependencies.sleep(min(pause, max(0.0, self._holding.ends_at - self._dependencies.clock())))
            self.check()
            try:
                await self._renew(self._holding)
                pause = RENEW_SECONDS
            except (ApiError, TimeoutError) as error:
                _LOG.warning("the Lease %s was not renewed: %s", self._name, error or "no answer")
                pause = POLL_SECONDS

    async def _renew(self, holding: Holding) -> None:
        sent_at = self._dependencies.clock()
        try:
            # No longer than we may act: a renewal that hangs must not outlast our time.
            async with asyncio.timeout(min(REQUEST_SECONDS, max(0.0, holding.ends_at - sent_at))):
                lease_object = await self._write(self._lease_object, holding.lease.version, {})
        except ApiError as error:
            if not error.is_outdated:
                raise
            await self._look_again(holding)
            return
        self._lease_object = lease_object
        self._holding = holding.with_renewal(lease_object["metadata"]["resourceVersion"], sent_at)

    async def _look_again(self, holding: Holding) -> None:
        async with asyncio.timeout(min(REQUEST_SECONDS, max(0.0, holding.ends_at - self._dependencies.clock()))):
            raw = await self._api.get(LEASES, self._namespace, self._name)
        consequence = after_conflict(holding, _lease(raw))
        if isinstance(consequence, str):
            self._dependencies.end(consequence)
            return
        self._lease_object = raw or {}
        self._holding = consequence

    async def _release(self) -> None:
        """Let somebody else begin at once. What this operator did has ended by now."""
        holding, self._holding = self._holding, None
        if holding is None or loss_reason(holding, self._dependencies.clock()):
            return
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                # Read again, since a renewal that was cut short may have arrived.
                raw = await self._api.get(LEASES, self._namespace, self._name)
                consequence = after_conflict(holding, _lease(raw))
                if isinstance(consequence, Holding):
                    await self._write(raw, consequence.lease.version, {}, holder="")
                    _LOG.info("let go of the Lease %s", self._name)
        except (ApiError, TimeoutError) as error:
            _LOG.warning("the Lease %s runs out by itself: %s", self._name, error or "no answer")

    async def _write(self, raw: Json | None, version: str | None, spec: Json, holder: str | None = None) -> Json:
        """Write the Lease: make it, or change the one that still has `version`."""
        # The times are for people to read; no operator acts on another's.
        fields = {
            **((raw or {}).get("spec") or {}),
            **spec,
            "holderIdentity": self._identity if holder is None else holder,
            "leaseDurationSeconds": int(LEASE_SECONDS),
            "renewTime": _timestamp(self._dependencies.now()),
        }
        if version is None:
            metadata: Json = {"name": self._name, "labels": {MANAGED_BY_LABEL: MANAGED_BY}}
            manifest = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": fields}
            return await self._api.create(LEASES, self._namespace, manifest)
        metadata = {**(raw or {})["metadata"], "resourceVersion": version}
        return await self._api.replace(
            LEASES, self._namespace, self._name, {**(raw or {}), "metadata": metadata, "spec": fields}
        )


def _lease(raw: Json | None) -> Lease | None:
    if raw is None:
        return None
    spec = raw.get("spec") or {}
    return Lease(
        holder=spec.get("holderIdentity") or "",
        version=raw["metadata"]["resourceVersion"],
        transitions=spec.get("leaseTransitions") or 0,
    )


def _waiting_message(lease: Lease | None) -> str:
    if lease is None:
        return "waiting for a Lease that somebody may have removed"
    return f"ready to take over from {lease.holder}" if lease.holder else "taking a Lease that nobody holds"


def _log_change(before: str, level: int, message: str) -> str:
    """Say something unless it was said last; what is looked at every second is not told every second."""
    if message != before:
        _LOG.log(level, "%s", message)
    return message


def _level(error: ApiError | TimeoutError) -> int:
    return logging.INFO if isinstance(error, ApiError) and error.status == 409 else logging.WARNING


def _timestamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
