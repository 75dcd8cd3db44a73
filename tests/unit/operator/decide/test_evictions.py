"""Pods that somebody takes away: the target's are a warning, the fleet's a gap."""

from dataclasses import replace
from typing import Any

from loadtest_model.judgement.health import HealthLevel
from loadtest_model.measurement.snapshot import HaltReason, PodState
from loadtest_model.report.labels import RUN_LABEL, UID_LABEL
from loadtest_model.report.status import EVICTED_KEPT, ConditionType, Status
from loadtest_operator.decide import decide
from loadtest_operator.decide.watching import initial_watch, updated_watch
from loadtest_operator.facts.disruptions import Eviction, eviction_of, evictions_of
from loadtest_operator.facts.names import CONTAINER, INDEX_ANNOTATION
from loadtest_operator.facts.observation import Observation, ObservedPod
from loadtest_operator.observe.children import keep_last_word
from loadtest_operator.observe.listening import gone_pod
from loadtest_operator.observe.memory import Memory
from support.operator_builders import POLICY, START, a_halted_pod, a_pod, an_observation, next_observation, status_json
from support.workload_builders import CLIENTS, a_look, a_workload_pod

Json = dict[str, Any]
LATER, EARLIER = "2026-03-01T12:00:00Z", "2026-03-01T11:00:00Z"
TAKEN = Eviction(LATER, "clients-1", "EvictionByEvictionAPI", "Eviction API: evicting")


def a_pod_that_is_taken(reason: str = "EvictionByEvictionAPI", status: str = "True") -> Json:
    condition = {"type": "DisruptionTarget", "status": status, "reason": reason, "lastTransitionTime": LATER}
    told = {**condition, "message": "Eviction API: evicting"}
    return {"metadata": {"name": "clients-1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}, told]}}


def status_after(*evictions: Eviction, pods: tuple[ObservedPod, ...] = (), **fields: object) -> Status:
    running = pods or (a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING))
    status = decide(an_observation(*running, begun=True, evictions=evictions, **fields), POLICY).status
    assert status is not None
    return status


def a_look_under_load(evictions: tuple[Eviction, ...], *pods: Json) -> Observation:
    """A look at a load whose target's workload has these pods, as it had at the start."""
    look = a_look(*pods, desired=len(pods))
    fleet = (a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING))
    return an_observation(
        *fleet, begun=True, evictions=evictions, workload=look, target_watch=initial_watch(CLIENTS, look)
    )


def test_an_eviction_is_read_from_the_condition_of_its_pod() -> None:
    assert evictions_of([a_pod_that_is_taken(), {"metadata": {"name": "clients-2"}}]) == (TAKEN,)
    assert eviction_of(a_pod_that_is_taken(status="False")) is None
    assert TAKEN.explanation == "EvictionByEvictionAPI: Eviction API: evicting"


def test_a_node_that_ends_pods_for_want_of_memory_planned_nothing() -> None:
    pod = a_pod_that_is_taken("TerminationByKubelet")

    assert evictions_of([pod]) == ()
    assert eviction_of(pod) is not None


def test_an_evicted_pod_of_the_target_is_a_warning_that_names_it() -> None:
    status = status_after(TAKEN)

    assert status.evicted == ("clients-1 (EvictionByEvictionAPI)",)
    assert status.health is not None
    assert status.health.level is HealthLevel.WARNING
    said = "1 pod of the target was evicted while the load ran: clients-1 (EvictionByEvictionAPI)"
    assert status.health.evidence == (said,)


def test_what_was_evicted_before_the_load_is_none_of_its_business() -> None:
    assert EARLIER < START.at < LATER
    assert status_after(replace(TAKEN, at=EARLIER)).evicted == ()


def test_an_eviction_on_record_stays_one_and_counts_once() -> None:
    before = an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True, evictions=(TAKEN,))
    status = decide(before, POLICY).status
    assert status is not None
    assert status_json(status)["evicted"] == ["clients-1 (EvictionByEvictionAPI)"]

    for again in ((), (TAKEN,)):
        after = decide(replace(next_observation(before, decide(before, POLICY)), evictions=again), POLICY).status
        assert after is not None
        assert after.evicted == status.evicted


def test_a_few_of_many_evictions_are_named() -> None:
    many = tuple(replace(TAKEN, pod=f"clients-{number}") for number in range(3 * EVICTED_KEPT))

    assert len(status_after(*many).evicted) == EVICTED_KEPT


def test_more_evictions_than_are_named_are_all_counted() -> None:
    many = tuple(replace(TAKEN, pod=f"clients-{number}") for number in range(EVICTED_KEPT + 2))

    status = status_after(*many)

    assert status.health is not None
    assert status.health.evidence[0].startswith(f"{EVICTED_KEPT + 2} pods of the target were evicted")


def test_evictions_on_record_beyond_those_that_are_named_stay_counted_by_another_operator() -> None:
    many = tuple(replace(TAKEN, pod=f"clients-{number}") for number in range(EVICTED_KEPT + 2))
    before = a_look_under_load(many, *(a_workload_pod(f"{n}", created="10:00:00") for n in range(2)))
    after = decide(
        replace(next_observation(before, decide(before, POLICY)), evictions=(), target_watch=None), POLICY
    ).status

    assert after is not None
    assert after.health is not None
    assert after.health.evidence[0].startswith(f"{EVICTED_KEPT + 2} pods of the target were evicted")


def test_pods_that_come_for_many_evicted_ones_have_replaced_none() -> None:
    count = EVICTED_KEPT + 2
    many = tuple(replace(TAKEN, pod=f"clients-{number}") for number in range(count))
    before = a_look_under_load((), *(a_workload_pod(f"{n}", created="10:00:00") for n in range(count)))
    again = next_observation(before, decide(before, POLICY))
    come = a_look(*(a_workload_pod(f"{count + n}", created="10:01:00") for n in range(count)), desired=count)
    status = decide(replace(again, evictions=many, workload=come), POLICY).status

    assert status is not None
    assert status.target is not None
    assert status.health is not None
    assert (status.target.replaced_pods, status.health.level) == (0, HealthLevel.WARNING)


def test_evictions_are_remembered_when_their_pods_are_gone() -> None:
    memory = Memory(lambda: 100.0)
    other = replace(TAKEN, pod="clients-2")

    assert memory.add_evictions("u", "1", (other,)) == (other,)
    assert memory.add_evictions("u", "1", (replace(TAKEN, at=EARLIER),)) == (replace(TAKEN, at=EARLIER), other)
    assert memory.add_evictions("u", "1", (TAKEN,)) == (replace(TAKEN, at=EARLIER), other)


def test_an_ended_run_says_what_was_evicted() -> None:
    status = status_after(TAKEN, pods=(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE)))

    assert status.verdict == "Passed"
    assert status.evicted == ("clients-1 (EvictionByEvictionAPI)",)


def test_the_message_of_a_drained_fleet_names_the_eviction() -> None:
    gone = replace(a_halted_pod(0, HaltReason.SIGNAL), eviction_reason=TAKEN.explanation)

    status = status_after(pods=(gone, a_halted_pod(1, HaltReason.OPERATOR)))

    condition = status.condition(ConditionType.SUCCEEDED)
    assert condition is not None
    assert (status.verdict, condition.status) == ("Inconclusive", "False")
    assert "was evicted (EvictionByEvictionAPI: Eviction API: evicting)" in condition.message


def test_why_a_pod_was_taken_away_is_known_when_it_is_gone() -> None:
    memory = Memory(lambda: 100.0)
    pod = a_pod_that_is_taken()
    pod["metadata"] |= {
        "uid": "p0",
        "labels": {UID_LABEL: "u", RUN_LABEL: "1"},
        "annotations": {INDEX_ANNOTATION: "0"},
    }
    pod["status"] |= {"phase": "Running", "containerStatuses": [{"name": CONTAINER, "state": {"running": {}}}]}

    keep_last_word(pod, memory)

    assert gone_pod("p0", memory.pods("u", "1")["p0"], "1").eviction_reason == TAKEN.explanation


def test_pods_that_come_for_evicted_ones_have_replaced_none() -> None:
    old, new, another = (a_workload_pod(f"{n}", created=f"10:0{n}:00") for n in range(3))
    taken = a_workload_pod("0", created="10:00:00")
    taken["metadata"]["deletionTimestamp"] = LATER
    taken["status"]["conditions"] += a_pod_that_is_taken()["status"]["conditions"][1:]
    look = a_look(taken, new)
    assert [eviction.pod for eviction in look.evictions] == ["clients-0"]

    evicted = updated_watch(initial_watch(CLIENTS, a_look(old)), look, 2.0, len(look.evictions))
    again = updated_watch(evicted, look, 4.0, len(look.evictions))
    deleted = updated_watch(again, a_look(another), 6.0, len(look.evictions))

    assert [an_observation.replaced_pods for an_observation in (evicted, again, deleted)] == [0, 0, 1]
