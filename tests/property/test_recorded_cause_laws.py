"""Whatever ends a run, one lost write of its status or one lost act changes nothing about its verdict."""

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

import msgspec
import pytest

from loadtest_model.measurement.snapshot import HaltReason
from loadtest_model.spec import Spec
from support.operator_builders import a_fleet_spec
from support.simulated_runs import Disturbance, SimulatedRun

ABORTING: Final = a_fleet_spec(abort={"thresholds": ["p95 < 20s"], "after": "10s"})
ONLY_VERIFYING: Final = a_fleet_spec(verification={"only": True})


def a_climbing_spec(**capacity: float) -> Spec:
    """Four plateaus, of which the third does not hold if an upload takes a second on the first."""
    load = {"batchSize": 1_000, "capacity": {"to": 8, "factor": 2, "plateau": "15s", **capacity}}
    return a_fleet_spec(scenario="capacity", load=load, thresholds=["p95 < 2500ms"])


class Story(NamedTuple):
    """What happens in a run, and what it comes to."""

    happen: Callable[[SimulatedRun], None]
    end: tuple[str, str]
    spec: Spec = a_fleet_spec()
    response_seconds: float = 1.0


def is_loading_for(run: SimulatedRun, seconds: float) -> bool:
    return bool(run.pods) and run.pods[0].load_begin is not None and run.now >= run.pods[0].load_begin + seconds


def nothing(_run: SimulatedRun) -> None:
    """The run goes its way."""


def a_person_stops_it(run: SimulatedRun) -> None:
    """`spec.stop` is set under load, and a tool reverts it as soon as the status tells of the stop."""
    is_stopped = is_loading_for(run, 20) and run.reason_to_stop is None
    run.spec = msgspec.structs.replace(run.spec, stop=is_stopped)


def a_person_stops_it_before_the_load(run: SimulatedRun) -> None:
    is_verified = bool(run.pods) and run.pods[0].verified_at is not None
    run.spec = msgspec.structs.replace(run.spec, stop=is_verified and run.reason_to_stop is None)


def a_pod_is_killed(run: SimulatedRun) -> None:
    if is_loading_for(run, 20):
        run.pods[1].kill(run.now)


def a_pod_is_terminated(run: SimulatedRun) -> None:
    if is_loading_for(run, 20):
        run.pods[1].halt(run.now, HaltReason.SIGNAL)


def a_pod_is_killed_once_a_cause_is_on_record(run: SimulatedRun) -> None:
    if run.reason_to_stop not in (None, "NotStarted"):
        run.pods[1].kill(run.now)


def a_person_stops_it_and_a_pod_is_killed(run: SimulatedRun) -> None:
    a_person_stops_it(run)
    if run.reason_to_stop == "Stopped":
        run.pods[1].kill(run.now)


def a_promise_is_broken(run: SimulatedRun) -> None:
    """The pod that sees it halts itself and its peers."""
    if is_loading_for(run, 20) and not run.pods[0].state.is_end:
        run.pods[0].is_violated = True
        run.pods[0].halt(run.now, HaltReason.VIOLATION)
        run.pods[1].halt(run.now, HaltReason.PEER)


def the_job_is_deleted(run: SimulatedRun) -> None:
    if is_loading_for(run, 20) and not run.is_job_deleted:
        run.is_job_deleted = True
        for pod in run.pods:
            pod.halt(run.now, HaltReason.SIGNAL)
            pod.leave()


STORIES: Final = {
    "nothing": Story(nothing, ("Passed", "Passed")),
    "stopped": Story(a_person_stops_it, ("Inconclusive", "Stopped")),
    "stopped before the load": Story(a_person_stops_it_before_the_load, ("Inconclusive", "Stopped")),
    "stopped, and a pod killed": Story(a_person_stops_it_and_a_pod_is_killed, ("Inconclusive", "Stopped")),
    "a pod killed": Story(a_pod_is_killed, ("Inconclusive", "PodLost")),
    "a pod terminated": Story(a_pod_is_terminated, ("Inconclusive", "PodLost")),
    "aborted": Story(nothing, ("Failed", "Aborted"), ABORTING, 25.0),
    "aborted, and a pod killed": Story(
        a_pod_is_killed_once_a_cause_is_on_record, ("Failed", "Aborted"), ABORTING, 25.0
    ),
    "climbed": Story(nothing, ("Passed", "Passed"), a_climbing_spec()),
    "climbed to the top": Story(nothing, ("Passed", "Passed"), a_climbing_spec(), 0.1),
    "climbed too low": Story(nothing, ("Failed", "CapacityTooLow"), a_climbing_spec(required=4)),
    "climbed, and a pod killed": Story(
        a_pod_is_killed_once_a_cause_is_on_record, ("Inconclusive", "PodLost"), a_climbing_spec()
    ),
    "violated": Story(a_promise_is_broken, ("Failed", "Violation")),
    "only verified": Story(nothing, ("Passed", "OnlyVerified"), ONLY_VERIFYING),
    "only verified, and a pod killed": Story(
        a_pod_is_killed_once_a_cause_is_on_record, ("Passed", "OnlyVerified"), ONLY_VERIFYING
    ),
    "job deleted": Story(the_job_is_deleted, ("Inconclusive", "JobGone")),
}


@cache
def undisturbed_run(name: str) -> SimulatedRun:
    story = STORIES[name]
    run = SimulatedRun(spec=story.spec, happen=story.happen, response_seconds=story.response_seconds)
    run.run()
    return run


@pytest.mark.parametrize("forgets", [False, True], ids=["the same operator", "another operator"])
@pytest.mark.parametrize("name", STORIES)
def test_with_any_single_write_of_the_status_lost_the_verdict_is_the_same(name: str, forgets: bool) -> None:
    end = STORIES[name].end
    undisturbed = undisturbed_run(name)
    disturbances = [Disturbance(lost_write=number, forgets=forgets) for number in range(1, undisturbed.writes + 1)]

    assert undisturbed.end == end
    assert {each.lost_write: undisturbed.disturbed(each).run() for each in disturbances} == {
        each.lost_write: end for each in disturbances
    }


@pytest.mark.parametrize("forgets", [False, True], ids=["the same operator", "another operator"])
@pytest.mark.parametrize("name", STORIES)
def test_with_any_single_act_lost_the_verdict_is_the_same(name: str, forgets: bool) -> None:
    end = STORIES[name].end
    undisturbed = undisturbed_run(name)
    disturbances = [Disturbance(lost_act=number, forgets=forgets) for number in range(1, undisturbed.acts + 1)]

    assert {each.lost_act: undisturbed.disturbed(each).run() for each in disturbances} == {
        each.lost_act: end for each in disturbances
    }
