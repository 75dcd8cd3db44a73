"""Why the pods of a fleet do not run, as the Events about them say."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from loadtest_model.report.status import Phase
from loadtest_operator.cluster.api import EVENTS, Api, ApiError
from loadtest_operator.facts.observation import Complaint, ObservedJob, ObservedPod, ObservedTest
from loadtest_operator.observe.memory import Memory

_LOG: Final = logging.getLogger(__name__)

Json = dict[str, Any]

COMPLAINTS_SECONDS: Final = 2.0
"""How often it is read what Events say of pods that do not run."""
_MOST_ASKED_ABOUT: Final = 3


class ComplaintReader:
    """Reads the complaints about the pods of tests. `now` gives the time in UTC."""

    def __init__(self, api: Api, memory: Memory, now: Callable[[], datetime]) -> None:
        self._api = api
        self._memory = memory
        self._now = now

    async def read(
        self, test: ObservedTest, job: ObservedJob | None, pods: tuple[ObservedPod, ...]
    ) -> tuple[Complaint, ...]:
        """What Events say of a fleet that does not run yet: refusals of pods are told nowhere else.

        They are read now and then only: an API server reads all Events of a namespace to find those of one object.
        """
        recorded = test.record
        if job is None or job.plan is None or recorded.start is not None or recorded.phase is Phase.COMPLETED:
            return ()
        if (self._now() - job.created_at).total_seconds() < COMPLAINTS_SECONDS:
            # Most fleets run by then.
            return ()
        uid, run_id = test.identity.uid, job.run_id
        if not self._memory.claim_look(uid, run_id, "complaints", COMPLAINTS_SECONDS):
            return self._memory.complaints(uid, run_id)
        about = [job.uid] if len(pods) < job.plan.parallelism else []
        about += [pod.uid for pod in pods if not (pod.is_running or pod.has_ended)][:_MOST_ASKED_ABOUT]
        try:
            complaints = [await self._complaint(test.identity.namespace, each) for each in about]
        except ApiError as error:
            # What only explains a wait is no reason to do nothing else.
            _LOG.warning("%s: the Events about its pods were not read: %s", test.identity, error)
            return self._memory.complaints(uid, run_id)
        self._memory.keep_complaints(uid, run_id, tuple(complaint for complaint in complaints if complaint is not None))
        return self._memory.complaints(uid, run_id)

    async def _complaint(self, namespace: str, uid: str) -> Complaint | None:
        try:
            events = await self._api.list(EVENTS, namespace, fields=f"involvedObject.uid={uid},type=Warning")
        except ApiError as error:
            if error.is_forbidden:
                return None
            raise
        latest = max(events, key=_event_time, default=None)
        if latest is None:
            return None
        return Complaint(uid, latest.get("reason") or "", " ".join((latest.get("message") or "").split()))


def _event_time(event: Json) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])
