"""What Events say of pods that do not run."""

import time
from typing import Any

from builders import IDENTITY
from held_objects import HeldObjects
from loadtest_operator.manifests import job
from loadtest_operator.memory import Memory
from loadtest_operator.observation import Complaint
from loadtest_operator.observe import COMPLAINTS_SECONDS, Means, Observer
from loadtest_operator.pods import PodClient
from operator_builders import NOW, PLAN, POLICY, a_fleet_spec

Json = dict[str, Any]

QUOTA: Json = {
    "metadata": {"name": "heavy.1", "creationTimestamp": "2026-03-01T12:00:00Z"},
    "reason": "FailedCreate",
    "message": "exceeded quota",
}
TEST: Json = {
    "metadata": {
        "namespace": IDENTITY.namespace,
        "name": IDENTITY.name,
        "uid": IDENTITY.uid,
        "resourceVersion": "1",
        "creationTimestamp": "2026-03-01T12:00:00Z",
    },
    "spec": {"target": {"url": "http://192.0.2.7/"}, "scenario": "light", "parallelism": 2},
}


def a_job() -> Json:
    made = job(PLAN, a_fleet_spec(), POLICY.pods)
    made["metadata"] |= {"uid": "job-1", "creationTimestamp": "2026-03-01T12:00:00Z"}
    return made


async def test_events_are_read_now_and_then_and_what_they_said_is_known_in_between() -> None:
    clock = [100.0]
    async with HeldObjects(loadtests=[TEST], jobs=[a_job()], events=[QUOTA]) as api:
        memory, pods = Memory(lambda: clock[0]), PodClient(b"key", time.monotonic)
        means = Means(api, pods, memory, b"k" * 32, "cluster.local", "", lambda: NOW, lambda: None)
        observer, told = Observer(means), []
        for _ in range(4):
            look = await observer.observe(IDENTITY.namespace, IDENTITY.name)
            assert look is not None
            told.append(look.complaints)
            clock[0] += COMPLAINTS_SECONDS / 2

        assert told == [(Complaint("job-1", "FailedCreate", "exceeded quota"),)] * 4
        assert api.listed.count("events") == 2
