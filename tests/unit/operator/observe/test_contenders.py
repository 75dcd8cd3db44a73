"""Whose turn it is: the line is read once for all, and a start is safe however far the roster is behind."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from loadtest_model.reasons import Reason
from loadtest_model.report.labels import RUN_LABEL, UID_LABEL
from loadtest_operator.facts.names import TARGET_ANNOTATION
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import observed_test, run_id_of
from loadtest_operator.observe.contenders import Contenders, Urgency
from loadtest_operator.observe.identities import Identities, Resolve, resolve_host
from loadtest_operator.observe.identity_searches import FRESH_IDENTITY_SECONDS
from loadtest_operator.observe.memory import Key
from loadtest_operator.observe.roster import Roster
from loadtest_operator.policy.line import Limits, Turn
from support.fake_api import FakeApi
from support.operator_builders import NOW

Json = dict[str, Any]

URL = "http://192.0.2.7:8000/"
OTHER_URL = "http://192.0.2.8:8000/"
RUNNING = {"phase": "Running", "runId": "1", "planHash": "p"}
NO_LIMITS = Limits()
COMPLETED = {"phase": "Completed", "runId": "1", "planHash": "p"}
BUSY, FREE = Reason.TargetBusy, None


def a_test(uid: str, status: Json | None = None, url: str = URL, version: int = 1, **spec: Any) -> Json:
    metadata = {"namespace": "shop", "name": uid, "uid": uid, "resourceVersion": str(version), "generation": 2}
    return {
        "metadata": {**metadata, "creationTimestamp": "2026-03-01T11:00:00Z"},
        "spec": {"target": {"url": url}, "scenario": "light", **spec},
        "status": status or {},
    }


def a_child_of(uid: str, run_id: str = "1", target: str = "192.0.2.7", version: int = 1) -> Json:
    metadata = {"name": f"{uid}-0", "uid": f"child-of-{uid}", "resourceVersion": str(version)}
    return {
        "metadata": {
            **metadata,
            "labels": {UID_LABEL: uid, RUN_LABEL: run_id},
            "annotations": {TARGET_ANNOTATION: target},
        }
    }


class Line:
    """Contenders over objects that are there to be listed; `awake` are those that were woken."""

    def __init__(self, *tests: Json, limits: Limits = NO_LIMITS, resolve: Resolve = resolve_host) -> None:
        self.objects: dict[str, list[Json]] = {"loadtests": list(tests), "jobs": [], "pods": []}
        self.api = FakeApi(**self.objects)
        self.roster = Roster()
        self.seconds = 0.0
        identities = Identities(FakeApi(), (), "cluster.local", lambda: self.seconds, resolve)
        self.contenders = Contenders(self.api, self.roster, identities, (), limits, lambda: NOW)
        self.awake: list[str] = []
        self._woken = asyncio.Event()
        self.contenders.wake = self._wake

    def having(self, *, jobs: tuple[Json, ...] = (), pods: tuple[Json, ...] = ()) -> "Line":
        """The same with these Jobs and pods."""
        self.objects["jobs"] += jobs
        self.objects["pods"] += pods
        return self

    def _wake(self, key: Key) -> None:
        self.awake.append(key[1])
        self._woken.set()

    async def all_woken(self, *names: str) -> None:
        """Wait until these were woken."""
        while not set(names) <= set(self.awake):
            self._woken.clear()
            await self._woken.wait()

    async def reason_of(self, resource: Json) -> Reason | None:
        """Why a test has to wait that looks now, and is as it says; None where it is its turn."""
        return (await self._turn_of(resource)).reason

    async def place_of(self, resource: Json) -> int:
        """The place in line of a test that looks now, and is as it says."""
        return (await self._turn_of(resource)).place

    async def _turn_of(self, resource: Json) -> Turn:
        tests = self.objects["loadtests"]
        tests[:] = [resource if test["metadata"]["uid"] == resource["metadata"]["uid"] else test for test in tests]
        test = observed_test(resource)
        observation = Observation(test=test, now=NOW, run_id=run_id_of(test))
        return (await self.contenders.with_turn(observation)).turn

    async def woken(self) -> list[str]:
        """Who is woken by what the roster has heard since the last time."""
        self.awake.clear()
        await self.contenders.read()
        return list(self.awake)


def a_line_of(tests: int) -> Line:
    """One test runs, so many wait for its target."""
    waiting = [a_test(f"test-{number:03}") for number in range(tests)]
    return Line(a_test("0-runs", RUNNING), *waiting).having(pods=(a_child_of("0-runs"),))


@pytest.mark.parametrize("left_of_its_earlier_run", [(), (a_child_of("again"),)])
async def test_a_new_run_waits_for_others_whatever_is_left_of_the_earlier_one(
    left_of_its_earlier_run: tuple[Json, ...],
) -> None:
    asking = a_test("again", COMPLETED, runId="2")
    beside = a_test("beside", RUNNING, concurrency="Allow")

    line = Line(asking, beside).having(pods=(a_child_of("beside"), *left_of_its_earlier_run))

    assert await line.reason_of(asking) is BUSY


async def test_what_is_left_of_its_own_earlier_run_keeps_no_test_waiting() -> None:
    asking = a_test("again", COMPLETED, runId="2")

    assert await Line(asking).having(pods=(a_child_of("again"),)).reason_of(asking) is FREE


async def test_a_test_whose_url_cannot_be_read_keeps_no_other_from_its_turn() -> None:
    asking, odd = a_test("asks"), a_test("odd", url="http://a\u2100b/")

    assert await Line(odd, asking).reason_of(asking) is FREE


@pytest.mark.parametrize("spec", [{"suspend": True}, {"stop": True}], ids=["suspended", "stopped"])
async def test_a_test_that_does_not_want_to_start_keeps_no_other_from_its_turn(spec: Json) -> None:
    asking, aside = a_test("b"), a_test("a", **spec)

    assert await Line(aside, asking).reason_of(asking) is FREE


async def test_all_who_wait_share_one_reading_of_the_line() -> None:
    line = a_line_of(300)

    reasons = await asyncio.gather(*(line.reason_of(test) for test in line.objects["loadtests"][1:]))

    assert set(reasons) == {BUSY}
    assert line.api.requested_kinds == ["jobs", "pods", "loadtests"]


async def test_waiting_costs_nothing_until_something_changes() -> None:
    line = a_line_of(300)
    await line.contenders.read()
    del line.api.requested_kinds[:]

    for second in range(60):
        progress = {**RUNNING, "progress": {"elapsedSeconds": second}}
        line.roster.see_test(a_test("0-runs", progress, version=second + 2))
        assert await line.woken() == []

    assert line.api.requested_kinds == []


async def test_when_the_running_test_is_gone_the_next_is_woken_and_a_few_whose_place_is_told_otherwise() -> None:
    line = a_line_of(300)
    await line.contenders.read()

    line.roster.see_test(a_test("0-runs", COMPLETED, version=2))
    while_its_pods_live = await line.woken()
    line.roster.forget_child("child-of-0-runs")
    woken = await line.woken()

    assert while_its_pods_live == []
    assert "test-000" in woken
    assert len(woken) <= 13
    assert line.contenders.urgency(("shop", "test-000")) is Urgency.STARTS
    assert line.contenders.urgency(("shop", "test-001")) is Urgency.WAITS


NOT_THERE = {
    "type": "Verified",
    "status": "False",
    "reason": "ServiceNotFound",
    "message": "",
    "lastTransitionTime": "2026-03-01T11:00:00Z",
    "observedGeneration": 1,
}
WAITS_FOR_ITS_OWN = {"runId": "1", "phase": "Queued", "conditions": [NOT_THERE]}
CHANGES: dict[str, Callable[[Roster], object]] = {
    "is deleted": lambda roster: roster.forget_test("a"),
    "is suspended": lambda roster: roster.see_test(a_test("a", version=2, suspend=True)),
    "is stopped": lambda roster: roster.see_test(a_test("a", version=2, stop=True)),
    "has another target": lambda roster: roster.see_test(a_test("a", url=OTHER_URL, version=2)),
    "waits for its own": lambda roster: roster.see_test(a_test("a", WAITS_FOR_ITS_OWN, version=2)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_the_next_is_woken_when_the_one_before_it(change: Callable[[Roster], object]) -> None:
    line = Line(a_test("a"), a_test("b"))
    await line.contenders.read()

    change(line.roster)

    assert await line.woken() == ["b"]


async def test_a_test_that_need_not_wait_any_more_is_woken() -> None:
    line = a_line_of(2)
    await line.contenders.read()
    beside = a_test("test-001", version=2, concurrency="Allow")

    line.roster.see_test(beside)

    assert await line.woken() == ["test-001"]
    assert await line.reason_of(beside) is FREE


async def test_of_many_that_look_at_once_the_first_starts_though_nothing_is_to_be_seen_of_it_yet() -> None:
    tests = [a_test(f"test-{number:02}") for number in range(20)]
    line = Line(*tests)

    reasons = await asyncio.gather(*(line.reason_of(test) for test in reversed(tests)))

    assert reasons == [BUSY] * 19 + [FREE]


async def test_a_test_that_comes_before_one_whose_start_is_decided_waits_for_it() -> None:
    """As one that was suspended: it was made earlier, and nothing is to be seen yet of the one that starts."""
    starting, earlier = a_test("b"), a_test("a", suspend=True)
    line = Line(earlier, starting)
    assert await line.reason_of(starting) is FREE

    assert await line.reason_of(a_test("a", version=2)) is BUSY


async def test_a_test_that_had_something_else_to_wait_for_holds_its_target_once_its_start_is_decided() -> None:
    starting, behind = a_test("a", WAITS_FOR_ITS_OWN), a_test("b")
    line = Line(starting, behind)
    assert await line.reason_of(starting) is FREE

    assert await line.reason_of(behind) is BUSY


async def test_tests_of_other_targets_start_at_once_and_share_what_they_read() -> None:
    tests = [a_test(f"test-{number:03}", url=f"http://192.0.2.{number}:8000/") for number in range(1, 51)]
    line = Line(*tests)

    reasons = await asyncio.gather(*(line.reason_of(test) for test in tests))

    assert reasons == [FREE] * 50
    assert line.api.requested_kinds.count("jobs") <= 10


async def test_limits_hold_for_those_that_look_at_once() -> None:
    tests = [a_test(f"test-{number:03}", url=f"http://192.0.2.{number}:8000/") for number in range(1, 21)]
    line = Line(*tests, limits=Limits(tests=3))

    reasons = await asyncio.gather(*(line.reason_of(test) for test in tests))

    assert reasons == [FREE] * 3 + [Reason.TestLimitReached] * 17


@pytest.mark.parametrize("kind", ["jobs", "pods"])
async def test_no_test_starts_beside_one_that_the_watch_has_not_told_of(kind: str) -> None:
    """As after a change of the operator at work: what the other one made last is in no watch of this one."""
    asking = a_test("b")
    line = Line(asking)
    await line.contenders.read()
    line.objects[kind].append(a_child_of("elsewhere"))

    assert await line.reason_of(asking) is BUSY
    line.objects[kind].clear()
    line.roster.forget_child("child-of-elsewhere")
    assert await line.woken() == ["b"]
    assert await line.reason_of(asking) is FREE


async def test_no_test_starts_beside_one_whose_target_has_become_the_same() -> None:
    """The identities that the line was read with may be a minute old; those of a start are some seconds old at most."""
    addresses = frozenset({"192.0.2.9"})

    async def resolve(_host: str) -> frozenset[str]:
        return addresses

    asking, running = a_test("b", url="http://outside.example/"), a_test("0-runs", RUNNING)
    line = Line(running, asking, resolve=resolve).having(pods=(a_child_of("0-runs"),))
    await line.contenders.read()
    addresses = frozenset({"192.0.2.7"})
    line.seconds += FRESH_IDENTITY_SECONDS

    assert await line.reason_of(asking) is BUSY
    line.objects["pods"].clear()
    line.roster.see_test(a_test("0-runs", COMPLETED, version=2))
    line.roster.forget_child("child-of-0-runs")
    assert await line.woken() == ["b"]


async def test_what_the_line_has_just_looked_for_is_not_looked_for_again_at_the_start() -> None:
    look_ups: list[str] = []

    async def resolve(host: str) -> frozenset[str]:
        look_ups.append(host)
        return frozenset({"192.0.2.9"})

    asking = a_test("b", url="http://outside.example/")
    line = Line(asking, resolve=resolve)
    await line.contenders.read()
    line.seconds += FRESH_IDENTITY_SECONDS - 1

    assert await line.reason_of(asking) is FREE
    assert look_ups == ["outside.example"]


async def test_a_test_that_is_new_to_the_line_is_ranked_anew_and_not_woken() -> None:
    line = Line(a_test("a"))
    ranked: list[Key] = []
    line.contenders.rank_anew = ranked.append

    assert await line.woken() == []
    assert ranked == [("shop", "a")]
    assert line.contenders.urgency(("shop", "a")) is Urgency.STARTS


async def test_a_name_that_nobody_resolves_holds_up_no_test_of_another_target() -> None:
    never = asyncio.Event()

    async def resolve(_host: str) -> frozenset[str]:
        await never.wait()
        return frozenset()

    odd = [a_test(f"a-{number:03}", url=f"http://nowhere-{number}.example/") for number in range(600)]
    asking = a_test("b")
    line = Line(*odd, asking, resolve=resolve)

    async with asyncio.timeout(30):
        assert await line.reason_of(asking) is FREE
    never.set()


async def test_a_test_whose_target_is_found_late_takes_its_place_then() -> None:
    is_resolved = asyncio.Event()

    async def resolve(_host: str) -> frozenset[str]:
        await is_resolved.wait()
        return frozenset({"192.0.2.7"})

    first, second = a_test("a", url="http://late.example/"), a_test("b")
    line = Line(a_test("0-runs", RUNNING), first, second, resolve=resolve).having(pods=(a_child_of("0-runs"),))
    assert await line.reason_of(second) is BUSY
    running = asyncio.create_task(line.contenders.run())

    is_resolved.set()
    async with asyncio.timeout(30):
        await line.all_woken("a", "b")
    running.cancel()


async def test_a_start_that_came_to_nothing_is_the_next_ones() -> None:
    first, second = a_test("a"), a_test("b")
    line = Line(first, second)
    assert await line.reason_of(first) is FREE
    assert await line.reason_of(second) is BUSY

    line.roster.see_test(a_test("a", WAITS_FOR_ITS_OWN, version=2))
    line.contenders.release("a")

    assert await line.woken() == ["b"]
    assert await line.reason_of(second) is FREE


async def test_a_start_holds_its_target_until_its_job_is_to_be_seen_and_the_job_does_after_that() -> None:
    first, second = a_test("a"), a_test("b")
    line = Line(first, second)
    assert await line.reason_of(first) is FREE

    for _ in range(3):
        line.roster.touch()
        assert await line.reason_of(second) is BUSY
    line.objects["jobs"].append(a_child_of("a"))
    line.roster.see_child(a_child_of("a"), is_pod=False)
    assert await line.reason_of(second) is BUSY
    assert line.contenders.urgency(("shop", "a")) is Urgency.GATHERS
    line.objects["jobs"].clear()
    line.roster.see_test(a_test("a", COMPLETED, version=2))
    line.roster.forget_child("child-of-a")

    assert await line.woken() == ["b"]
    assert await line.reason_of(second) is FREE


async def test_a_test_that_was_suspended_since_it_was_looked_at_is_seen_as_it_is_when_it_starts() -> None:
    line = Line(a_test("a", version=2, suspend=True))
    earlier = observed_test(a_test("a"))

    observation = await line.contenders.with_turn(Observation(test=earlier, now=NOW, run_id="1"))

    assert observation.test.spec is not None
    assert observation.test.spec.suspend


async def test_a_test_that_is_gone_while_it_starts_holds_up_nobody() -> None:
    first, second = a_test("a"), a_test("b")
    line = Line(first, second)
    assert await line.reason_of(first) is FREE
    await line.contenders.read()

    line.roster.forget_test("a")

    assert await line.reason_of(second) is FREE


async def test_the_next_is_urgent_and_one_that_waits_for_its_own_is_not() -> None:
    line = Line(a_test("a"), a_test("b", WAITS_FOR_ITS_OWN, url=OTHER_URL), a_test("c", url=OTHER_URL, suspend=True))
    await line.contenders.read()

    assert [line.contenders.urgency(("shop", uid)) for uid in "abc"] == [Urgency.STARTS, Urgency.WAITS, Urgency.WAITS]


async def test_what_is_left_of_a_test_that_is_gone_holds_its_target() -> None:
    asking = a_test("b")

    assert await Line(asking).having(pods=(a_child_of("gone"),)).reason_of(asking) is BUSY


async def test_an_urgent_test_is_one_that_has_pods_or_a_run_under_way() -> None:
    tests = [a_test("loads", RUNNING), a_test("over", COMPLETED), a_test("ends", COMPLETED)]
    line = Line(*tests).having(jobs=(a_child_of("over"),), pods=(a_child_of("ends"),))
    await line.contenders.read()

    urgencies = {name: line.contenders.urgency(("shop", name)) for name in ("loads", "over", "ends", "unknown")}

    assert urgencies == {
        "loads": Urgency.RUNS, "over": Urgency.WAITS, "ends": Urgency.RUNS, "unknown": Urgency.WAITS,
    }  # fmt: skip


STARTED: Json = {**RUNNING, "start": {"startId": "s", "at": "2026-03-01T12:00:00Z"}}


@pytest.mark.parametrize(
    ("status", "spec", "urgency"),
    [
        ({**RUNNING, "phase": "Verifying"}, {}, Urgency.GATHERS),
        ({**RUNNING, "phase": "Verifying"}, {"stop": True}, Urgency.RUNS),
        (STARTED, {}, Urgency.RUNS),
        ({**STARTED, "phase": "Completed"}, {}, Urgency.RUNS),
    ],
    ids=["it gathers its pods", "it is to stop", "its load has begun", "it is over and its pods live"],
)
async def test_only_a_fleet_that_gathers_its_pods_can_wait(status: Json, spec: Json, urgency: Urgency) -> None:
    pod = a_child_of("a")
    pod["metadata"]["uid"] = "pod"
    line = Line(a_test("a", status, **spec)).having(jobs=(a_child_of("a"),), pods=(pod,))

    await line.contenders.read()

    assert line.contenders.urgency(("shop", "a")) is urgency


async def test_targets_that_are_found_one_after_the_other_by_tests_that_came_at_once_put_these_in_one_line() -> None:
    """They come while the line is read, so that nobody has looked for their targets when it has been."""
    names = {"http://other.example/": "other", "http://first.example/": "first", "http://second.example/": "second"}
    looked_for = {host: asyncio.Event() for host in names.values()}
    found = {host: asyncio.Event() for host in names.values()}

    async def resolve(url_host: str) -> frozenset[str]:
        host = url_host.partition(".")[0]
        looked_for[host].set()
        await found[host].wait()
        return frozenset({"192.0.2.7" if host != "other" else "192.0.2.9"})

    first, second = a_test("a", url="http://first.example/"), a_test("b", url="http://second.example/")
    line = Line(a_test("0-runs", RUNNING), a_test("other", url="http://other.example/"), resolve=resolve)
    line.having(pods=(a_child_of("0-runs"),))
    reading = asyncio.create_task(line.contenders.read())
    await looked_for["other"].wait()
    line.objects["loadtests"] += [first, second]
    for test in (first, second):
        line.roster.see_test(test)
    found["other"].set()
    await reading
    asking = [asyncio.create_task(line.reason_of(test)) for test in (first, second)]
    await looked_for["second"].wait()
    found["second"].set()
    await asking[1]
    found["first"].set()
    assert [await each for each in asking] == [BUSY, BUSY]

    await line.contenders.read()

    assert "b" in line.awake
    assert await line.place_of(second) == 2
