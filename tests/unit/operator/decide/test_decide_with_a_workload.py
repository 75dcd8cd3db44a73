"""A test that names its target's workload: what it waits for, what is put on record, and what comes of it."""

from dataclasses import replace

import msgspec
from msgspec import structs

from loadtest_model.judgement.health import HealthLevel
from loadtest_model.judgement.workload import (
    IMAGE_LENGTH,
    MOST_IMAGES,
    MOST_MEMORY_POINTS,
    MOST_RESTARTED_CONTAINERS,
    TargetWatch,
    WorkloadTally,
    points_text,
)
from loadtest_model.measurement.snapshot import HaltReason, PodState
from loadtest_model.reasons import Reason
from loadtest_model.report.status import STATUS_LIMIT_BYTES, Phase, Status
from loadtest_model.spec import Spec
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import CreateJob
from loadtest_operator.decide.budget import within_limit
from loadtest_operator.decide.writing import status_to_write
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.workload import WorkloadLook
from support.operator_builders import (
    POLICY,
    PROOF,
    a_fleet_spec,
    a_halted_pod,
    a_new_observation,
    a_pod,
    an_observation,
    next_observation,
    status_json,
)
from support.workload_builders import a_container, a_look, a_workload_pod

URL = "http://django.shop.svc:8000/clients/upload/process/"
OOM = {"exitCode": 137, "reason": "OOMKilled"}
WELL, CRASHED = a_look(a_workload_pod()), a_look(a_workload_pod("aaaaaaaa-1", a_container(restarts=1, last_end=OOM)))


def a_watching_spec() -> Spec:
    target = {"url": URL, "workload": {"kind": "Deployment", "name": "clients"}}
    return a_fleet_spec(target=target)


def verified(look: WorkloadLook | None) -> Observation:
    pods = (a_pod(0, PodState.VERIFIED), a_pod(1, PodState.VERIFIED))
    return an_observation(*pods, spec=a_watching_spec(), workload=look)


def loading(look: WorkloadLook | None, **fields: object) -> Observation:
    """What the look after the start shows, with the record that was written before it."""
    before = verified(WELL)
    begun = next_observation(before, decide(before, POLICY), workload=look, **fields)
    return replace(begun, pods=(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING)))


def status_of(observation: Observation) -> Status:
    decision = decide(observation, POLICY)
    assert decision.status is not None
    return decision.status


def test_a_test_waits_for_its_workload() -> None:
    missing = WorkloadLook(problem=Reason.WorkloadNotFound, message="there is no Deployment/clients in namespace shop")

    decision = decide(a_new_observation(a_watching_spec(), workload=missing), POLICY)

    assert decision.status is not None
    assert decision.status.phase is Phase.QUEUED
    assert decision.status.message == missing.message
    assert not decision.actions


def test_a_test_whose_workload_has_pods_starts() -> None:
    (action,) = decide(a_new_observation(a_watching_spec(), workload=WELL), POLICY).actions

    assert isinstance(action, CreateJob)


def test_what_everything_is_counted_from_is_written_with_the_start() -> None:
    status = status_of(verified(CRASHED))

    assert status.start is not None
    assert status.target is not None
    assert status.target.tally is not None
    assert status.target.tally.ends == {"aaaaaaaa/django": 1}


def test_nothing_starts_before_the_workload_was_seen() -> None:
    status = status_of(verified(None))

    assert status.start is None
    assert status.message == "every pod is verified; Deployment/clients was not looked at yet"


def test_pods_that_waited_in_vain_for_the_workload_say_what_they_waited_for() -> None:
    missing = WorkloadLook(problem=Reason.WorkloadNotFound, message="there is no Deployment/clients in namespace shop")
    late = [
        replace(pod, snapshot=structs.replace(pod.snapshot, verification=PROOF))
        for pod in (a_halted_pod(0, HaltReason.BARRIER), a_halted_pod(1, HaltReason.BARRIER))
        if pod.snapshot is not None
    ]

    status = status_of(replace(verified(missing), pods=tuple(late)))

    assert (status.verdict, status.reasons[0]) == (
        "Inconclusive",
        "there is no Deployment/clients in namespace shop; the verified pods waited for it in vain",
    )


def test_a_crash_under_load_shows_in_status_and_health_and_is_remembered() -> None:
    decision = decide(loading(CRASHED), POLICY)

    assert decision.status is not None
    assert decision.status.target is not None
    assert (decision.status.target.restarts, decision.status.target.oom_kills) == (1, 1)
    assert decision.status.health is not None
    assert decision.status.health.level is HealthLevel.CRITICAL
    assert decision.target_watch == decision.status.target


def test_an_ended_test_keeps_what_was_seen_and_not_what_counting_goes_on_from() -> None:
    ended = replace(loading(CRASHED), pods=(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE)))

    status = status_of(ended)

    assert status.verdict == "Failed"
    assert status.target is not None
    assert (status.target.restarts, status.target.tally) == (1, None)
    assert status.target is not None
    assert status.target.restarts == 1


def test_a_crash_is_written_at_once_and_mere_movement_is_not() -> None:
    quiet = loading(a_look(a_workload_pod(ready=False)))
    held = status_json(status_of(quiet))
    crashed = replace(quiet, workload=CRASHED)

    assert status_to_write(status_of(loading(WELL)), held, POLICY.progress_seconds) is None
    assert status_to_write(status_of(crashed), held, POLICY.progress_seconds) is not None


def test_memory_that_grows_by_the_metrics_api_warns_and_is_the_targets_memory() -> None:
    growing = tuple((5.0 * number, 100_000_000 + 2_000_000 * number) for number in range(30))
    begun = loading(WELL)
    held = begun.test.record.target
    assert held is not None
    assert held.tally is not None
    tally = structs.replace(held.tally, memory=points_text(growing))

    status = status_of(replace(begun, target_watch=structs.replace(held, tally=tally)))

    assert status.health is not None
    assert status.health.level is HealthLevel.WARNING
    assert "target memory grows: from 95 MiB" in status.health.evidence[0]


def test_the_largest_record_of_a_workload_fits_into_the_status() -> None:
    images = tuple(f"{number}{'x' * (IMAGE_LENGTH - 1)}" for number in range(MOST_IMAGES))
    tally = WorkloadTally(
        ends={f"{number:08}/{'c' * 31}": 1_000 for number in range(MOST_RESTARTED_CONTAINERS)},
        newest="2026-03-01T12:00:00Z",
        revision="5d59d67564",
        memory=points_text([(10_000.0 + number, 10**11 + number) for number in range(MOST_MEMORY_POINTS)]),
    )
    target = TargetWatch(workload="Deployment/" + "w" * 253, images=images, new_images=images, tally=tally)
    running = status_of(loading(WELL))

    status = within_limit(structs.replace(running, target=target))

    assert len(msgspec.json.encode(status)) <= STATUS_LIMIT_BYTES
    assert status.target is not None
    assert status.target.tally is not None
    assert status.target.tally.ends == tally.ends
