"""Deciding from the common start to the end, and after it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from msgspec import structs

from loadtest_model.judgement.health import HealthLevel
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.cause_counts import CauseCount, Example
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import HaltReason, PodState, Refusal, RefusedAddress
from loadtest_model.plan import plan_hash
from loadtest_model.report.afterwards import Afterwards
from loadtest_model.report.status import STATUS_LIMIT_BYTES, ConditionType, Phase, Status
from loadtest_operator.decide import Decision, decide
from loadtest_operator.decide.actions import (
    Acknowledge,
    BoundSkew,
    DeleteJob,
    Drain,
    FleetStarted,
    HaltFleet,
    MarkFinished,
    ObserveGeneration,
    SkewBounded,
    StartFleet,
    StartRest,
    WriteResults,
)
from loadtest_operator.decide.budget import within_limit
from loadtest_operator.decide.outcomes import with_outcomes
from loadtest_operator.facts.observation import ContainerEnd, Observation, ObservedPod, RecordedStatus
from loadtest_operator.facts.resources import rfc3339
from support.operator_builders import (
    NOW,
    PLAN,
    POLICY,
    PROOF,
    START,
    VIOLATION,
    a_fleet_spec,
    a_halted_pod,
    a_job,
    a_killed_pod,
    a_measured_step,
    a_new_observation,
    a_pending_pod,
    a_pod,
    a_silent_pod,
    a_snapshot,
    a_test,
    an_observation,
    decide_end,
    decide_on_record,
    next_observation,
)


def status_of(decision: Decision) -> Status:
    assert decision.status is not None
    return decision.status


def decided(observation: Observation) -> Status:
    return status_of(decide(observation, POLICY))


def mark(status: Status, kind: ConditionType) -> tuple[str, str]:
    condition = status.condition(kind)
    assert condition is not None
    return condition.status, condition.reason


def a_violating_pod(index: int) -> ObservedPod:
    return a_halted_pod(index, HaltReason.VIOLATION, violation=VIOLATION)


def test_a_confirmed_start_stands_in_the_status_with_its_skew() -> None:
    observation = an_observation(a_pod(0, PodState.ARMED), a_pod(1, PodState.ARMED), begun=True)
    decision = decide(observation, POLICY)

    after = with_outcomes(observation, decision, (FleetStarted(at=NOW, skew_seconds=0.004),), POLICY)

    status = status_of(after)
    assert [type(action) for action in decision.actions] == [StartFleet]
    assert (status.phase, mark(status, ConditionType.RUNNING)) == (Phase.RUNNING, ("True", "Started"))
    assert status.start == structs.replace(START, at=rfc3339(NOW), skew_seconds=0.004)
    assert status.started_at == rfc3339(NOW)


def test_a_pod_that_misses_the_start_halts_the_run() -> None:
    observation = an_observation(a_pod(0, PodState.ARMED), a_pod(1, PodState.ARMED), begun=True)
    missed = FleetStarted(at=NOW, skew_seconds=0.0, unconfirmed_pods=("heavy-1-1",))
    after = with_outcomes(observation, decide(observation, POLICY), (missed,), POLICY)

    halted = (a_pod(0, PodState.RUNNING), a_halted_pod(1, HaltReason.OPERATOR))
    following = decide(next_observation(observation, after, pods=halted), POLICY)

    assert mark(status_of(after), ConditionType.RUNNING) == ("False", "StartMissed")
    start = status_of(after).start
    assert start is not None
    assert start.skew_seconds is None
    (action,) = following.actions
    assert isinstance(action, HaltFleet)
    assert [pod.index for pod in action.pods] == [0]
    assert mark(status_of(following), ConditionType.RUNNING) == ("False", "StartMissed")


def test_a_restarted_operator_that_finds_half_a_start_halts_the_run() -> None:
    decision = decide_on_record(an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.ARMED), begun=True))

    (action,) = decision.actions
    assert isinstance(action, HaltFleet)
    assert mark(status_of(decision), ConditionType.RUNNING) == ("False", "StartMissed")


def a_loading_pod(index: int, seconds: float) -> ObservedPod:
    """A pod whose load began so long ago."""
    snapshot = a_snapshot(index, PodState.RUNNING, elapsed_seconds=seconds)
    return replace(a_pod(index, PodState.RUNNING), snapshot=snapshot)


def without_skew(observation: Observation) -> Observation:
    """The same where the operator that started the fleet could not write down its skew."""
    start = structs.replace(START, skew_seconds=None)
    record = structs.replace(observation.test.record, start=start)
    return replace(observation, test=replace(observation.test, record=record))


@pytest.mark.parametrize("state", [PodState.ARMED, PodState.VERIFIED])
def test_an_operator_that_comes_in_time_starts_the_pods_that_the_one_before_did_not(state: PodState) -> None:
    pods = (a_loading_pod(0, 5.9), a_pod(1, state))

    decision = decide(without_skew(an_observation(*pods, begun=True)), POLICY)

    assert decision.actions == (StartRest(pods[1:], pods, START.start_id, plan_hash(PLAN)),)
    assert mark(status_of(decision), ConditionType.RUNNING) == ("True", "Started")


@pytest.mark.parametrize("seconds", [6.1, 30.0])
def test_a_pod_is_not_started_later_than_a_tenth_of_the_shortest_step(seconds: float) -> None:
    decision = decide_on_record(an_observation(a_loading_pod(0, seconds), a_pod(1, PodState.ARMED), begun=True))

    assert [type(action) for action in decision.actions] == [HaltFleet]
    assert mark(status_of(decision), ConditionType.RUNNING) == ("False", "StartMissed")
    assert "nor within 6 s after them" in status_of(decision).message


def test_no_pod_is_started_late_in_a_fleet_that_is_not_complete() -> None:
    decision = decide(
        an_observation(a_loading_pod(0, 1.0), a_pod(1, PodState.ARMED, is_reachable=False), begun=True), POLICY
    )

    assert decision.actions == ()


def test_a_skew_that_nobody_kept_is_asked_for_once_every_pod_loads() -> None:
    pods = (a_loading_pod(0, 2.0), a_loading_pod(1, 1.5))
    observation = without_skew(an_observation(*pods, begun=True))
    decision = decide(observation, POLICY)

    after = with_outcomes(observation, decision, (SkewBounded(at=NOW, skew_seconds=0.52),), POLICY)

    assert decision.actions == (BoundSkew(pods),)
    assert status_of(after).start == structs.replace(START, at=rfc3339(NOW), skew_seconds=0.52)
    assert decide(next_observation(observation, after), POLICY).actions == ()


def test_the_skew_is_not_asked_for_before_the_common_start() -> None:
    observation = without_skew(an_observation(a_loading_pod(0, 0.0), a_loading_pod(1, 1.5), begun=True))

    assert decide(observation, POLICY).actions == ()


def test_while_the_load_runs_the_status_tells_how_far_it_is() -> None:
    decision = decide(an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True), POLICY)

    status = status_of(decision)
    assert decision.actions == ()
    assert decision.requeue_seconds == POLICY.scrape_seconds
    assert (status.phase, mark(status, ConditionType.RUNNING)) == (Phase.RUNNING, ("True", "Started"))
    assert status.progress is not None
    assert (status.progress.percent, status.progress.virtual_users, status.progress.errors) == (50.0, 2, 0)
    assert status.progress.p95_seconds == pytest.approx(1.0, rel=0.01)
    assert [result.passed for result in status.thresholds] == [True, True, True, True]


def test_a_violation_halts_every_pod_that_still_loads() -> None:
    decision = decide(an_observation(a_violating_pod(0), a_pod(1, PodState.RUNNING), begun=True), POLICY)

    (action,) = decision.actions
    assert isinstance(action, HaltFleet)
    assert [pod.index for pod in action.pods] == [1]
    assert status_of(decision).phase is Phase.STOPPING


def test_a_violation_ends_failed_whatever_else_was_lost() -> None:
    status = status_of(decide_end(an_observation(a_violating_pod(0), a_killed_pod(1), begun=True)))

    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.FAILED)
    assert mark(status, ConditionType.SUCCEEDED) == ("False", "Violation")
    assert mark(status, ConditionType.COMPLETED) == ("True", "Failed")
    assert mark(status, ConditionType.STALLED) == ("True", "Violation")


@pytest.mark.parametrize(
    "lost",
    [
        a_killed_pod(1),
        a_pod(1, PodState.RUNNING, is_running=False, is_reachable=False, is_gone=True),
        a_silent_pod(1, POLICY.lost_seconds),
        a_pending_pod(1),
    ],
    ids=["killed", "gone", "silent", "pending again"],
)
def test_a_lost_pod_halts_the_rest(lost: ObservedPod) -> None:
    decision = decide_on_record(an_observation(a_pod(0, PodState.RUNNING), lost, begun=True))

    (action,) = decision.actions
    assert isinstance(action, HaltFleet)
    assert [pod.index for pod in action.pods] == [0]
    assert mark(status_of(decision), ConditionType.RUNNING) == ("False", "PodLost")


def test_an_index_without_a_trace_under_load_is_a_lost_pod() -> None:
    decision = decide_on_record(an_observation(a_pod(0, PodState.RUNNING), begun=True))

    assert [type(action) for action in decision.actions] == [HaltFleet]
    assert mark(status_of(decision), ConditionType.RUNNING) == ("False", "PodLost")


def test_a_pod_that_is_silent_for_a_moment_is_not_lost() -> None:
    pods = (a_pod(0, PodState.RUNNING), a_silent_pod(1, POLICY.lost_seconds - 1))

    decision = decide(an_observation(*pods, begun=True), POLICY)

    assert decision.actions == ()
    assert status_of(decision).phase is Phase.RUNNING


def test_a_run_with_a_lost_pod_ends_inconclusive_and_names_it() -> None:
    pods = (a_halted_pod(0, HaltReason.OPERATOR), a_killed_pod(1))

    status = status_of(decide_end(an_observation(*pods, begun=True)))

    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)
    assert mark(status, ConditionType.SUCCEEDED) == ("False", "PodLost")
    assert mark(status, ConditionType.COMPLETED) == ("True", "Inconclusive")
    assert mark(status, ConditionType.RESULTS_COMPLETE) == ("False", "ResultsMissing")
    assert "heavy-1-1 (exit code 137, Error)" in status.message


def test_an_end_waits_for_the_last_snapshot_of_every_pod_that_can_still_give_one() -> None:
    decision = decide(an_observation(a_pod(0, PodState.RUNNING), a_killed_pod(1), begun=True), POLICY)

    assert status_of(decision).phase is Phase.STOPPING
    assert not any(isinstance(action, WriteResults) for action in decision.actions)


def test_a_cause_on_record_outlives_what_it_was_found_from() -> None:
    observation = an_observation(a_pod(0, PodState.RUNNING), a_killed_pod(1), begun=True)
    stopping = decide(observation, POLICY)

    back = (a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING))
    following = decide(next_observation(observation, stopping, pods=back), POLICY)

    assert [type(action) for action in following.actions] == [HaltFleet]


def test_a_violation_halts_the_rest_before_it_is_on_record() -> None:
    decision = decide(an_observation(a_violating_pod(0), a_pod(1, PodState.RUNNING), begun=True), POLICY)

    assert [type(action) for action in decision.actions] == [HaltFleet]


def test_no_pod_that_is_lost_later_takes_the_place_of_a_finding_on_record() -> None:
    observation = an_observation(a_violating_pod(0), a_pod(1, PodState.RUNNING), begun=True)
    violated = decide(observation, POLICY)
    restarted = next_observation(observation, violated, pods=(a_killed_pod(0, None), a_pod(1, PodState.RUNNING)))

    assert mark(decided(restarted), ConditionType.RUNNING) == ("False", "Violation")


def test_a_stop_on_record_stands_when_the_spec_no_longer_asks_for_it() -> None:
    pods = (a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING))
    stopped = an_observation(*pods, begun=True, spec=a_fleet_spec(stop=True))
    reverted = next_observation(stopped, decide(stopped, POLICY))
    reverted = replace(reverted, test=replace(reverted.test, spec=a_fleet_spec(stop=False)))

    assert [type(action) for action in decide(reverted, POLICY).actions] == [Drain]
    drained = (a_pod(0, PodState.DONE), a_pod(1, PodState.DONE))
    assert decided(replace(reverted, pods=drained)).verdict is Verdict.INCONCLUSIVE


def test_a_stop_that_drained_the_load_is_told_although_nothing_is_on_record() -> None:
    unfinished = a_snapshot(0, PodState.RUNNING).steps
    pods = [a_pod(index, snapshot=a_snapshot(index, PodState.DONE, steps=unfinished)) for index in (0, 1)]

    status = decided(an_observation(*pods, begun=True, spec=a_fleet_spec(stop=True)))

    assert (status.verdict, mark(status, ConditionType.SUCCEEDED)[1]) == (Verdict.INCONCLUSIVE, "Stopped")


def test_a_load_that_not_every_pod_finished_is_never_passed() -> None:
    short = a_snapshot(1, PodState.DONE, steps=a_snapshot(1, PodState.RUNNING).steps)

    status = decided(an_observation(a_pod(0, PodState.DONE), a_pod(1, snapshot=short), begun=True))

    assert (status.verdict, mark(status, ConditionType.SUCCEEDED)[1]) == (Verdict.INCONCLUSIVE, "LoadUnfinished")
    assert "1 of 2 pods" in status.message


def test_a_stop_drains_the_load() -> None:
    pods = (a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING))

    decision = decide_on_record(an_observation(*pods, begun=True, spec=a_fleet_spec(stop=True)))

    (action,) = decision.actions
    assert isinstance(action, Drain)
    assert [pod.index for pod in action.pods] == [0, 1]
    assert status_of(decision).phase is Phase.STOPPING


def test_a_drained_run_ends_inconclusive_with_all_its_results() -> None:
    observation = an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True)
    observation = replace(observation, test=replace(observation.test, spec=a_fleet_spec(stop=True)))
    stopping = decide(observation, POLICY)

    done = (a_pod(0, PodState.DONE), a_pod(1, PodState.DONE))
    status = status_of(decide_end(next_observation(observation, stopping, pods=done)))

    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)
    assert mark(status, ConditionType.SUCCEEDED) == ("False", "Stopped")
    assert mark(status, ConditionType.RESULTS_COMPLETE) == ("True", "AllPodsReported")


def test_a_violation_while_draining_halts_instead() -> None:
    pods = (a_violating_pod(0), a_pod(1, PodState.RUNNING))

    decision = decide(an_observation(*pods, begun=True, spec=a_fleet_spec(stop=True)), POLICY)

    assert [type(action) for action in decision.actions] == [HaltFleet]


def test_a_stop_that_comes_after_the_last_upload_changes_nothing() -> None:
    pods = (a_pod(0, PodState.DONE), a_pod(1, PodState.DONE))

    status = decided(an_observation(*pods, begun=True, spec=a_fleet_spec(stop=True)))

    assert status.verdict is Verdict.PASSED


def test_a_run_whose_every_pod_is_done_passes_and_keeps_its_results() -> None:
    decision = decide_end(an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True))

    (action,) = decision.actions
    assert isinstance(action, WriteResults)
    status = status_of(decision)
    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.PASSED)
    assert status.progress is not None
    assert status.progress.percent == 100.0
    assert status.health is not None
    assert status.health.level is HealthLevel.GOOD
    assert status.summary is not None
    assert (status.summary.requests.accepted, status.summary.records.confirmed) == (100, 100_000)
    assert status.results is not None
    assert status.results.config_map == action.manifest["metadata"]["name"]
    assert {kind: mark(status, kind)[0] for kind in ConditionType} == {
        ConditionType.VERIFIED: "Unknown",
        ConditionType.RUNNING: "False",
        ConditionType.RESULTS_COMPLETE: "True",
        ConditionType.COMPLETED: "True",
        ConditionType.SUCCEEDED: "True",
        ConditionType.READY: "True",
        ConditionType.STALLED: "False",
    } | {ConditionType.VERIFIED: "True"}


def test_a_run_that_fails_by_its_errors_tells_what_to_do_about_the_first_of_them() -> None:
    measured = a_snapshot(0, PodState.DONE).steps[0]
    failed = Counts(due=100, sent=100, accepted=50, rejected=50)
    example = Example(address="10.0.0.5:8000", status=504, text="answered 504: <html>" + 180 * "x")
    causes = {Cause.PROXY_TIMEOUT: CauseCount(count=50, shortest_seconds=60, longest_seconds=60.2, example=example)}
    step = structs.replace(measured, total=failed, judged=failed, errors={ErrorKind.SERVER_ERROR: 50}, causes=causes)
    pods = [
        a_pod(index, snapshot=a_snapshot(index, PodState.DONE, steps=(step,)), is_reachable=True) for index in (0, 1)
    ]

    status = within_limit(decided(an_observation(*pods, begun=True)))

    assert status.verdict is Verdict.FAILED
    assert status.message.startswith("threshold error_rate < 1% is breached: measured 50.00%. The proxy's time-out. ")
    assert "proxy_read_timeout" in status.message
    assert status.summary is not None
    assert [each.cause for each in status.summary.diagnoses] == [Cause.PROXY_TIMEOUT, Cause.HIGH_ERROR_RATE]
    assert len(msgspec.json.encode(status)) <= STATUS_LIMIT_BYTES


def test_an_early_finisher_waits_for_the_slowest() -> None:
    decision = decide(an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.RUNNING), begun=True), POLICY)

    assert status_of(decision).phase is Phase.RUNNING
    assert decision.actions == ()


def test_a_last_word_is_as_good_as_an_answer() -> None:
    ended = ContainerEnd(exit_code=0, reason="Completed", has_last_word=True)
    gone = a_pod(1, PodState.DONE, is_running=False, is_reachable=False, container_end=ended)

    status = decided(an_observation(a_pod(0, PodState.DONE), gone, begun=True))

    assert status.verdict is Verdict.PASSED


def test_a_start_on_record_without_its_job_is_inconclusive() -> None:
    status = status_of(decide_end(an_observation(job=None, begun=True)))

    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)


def test_a_job_that_took_too_long_ends_the_run() -> None:
    job = a_job(failure="DeadlineExceeded", failure_message="Job was active longer than specified deadline")
    pods = (a_halted_pod(0, HaltReason.SIGNAL), a_halted_pod(1, HaltReason.SIGNAL))

    status = decided(an_observation(*pods, begun=True, job=job))

    assert mark(status, ConditionType.SUCCEEDED) == ("False", "JobDeadlineExceeded")


def test_a_defect_of_the_generator_is_told_as_such() -> None:
    pods = (a_pod(0, PodState.RUNNING), a_halted_pod(1, HaltReason.DEFECT, message="KeyError"))

    decision = decide(an_observation(*pods, begun=True), POLICY)

    assert mark(status_of(decision), ConditionType.RUNNING) == ("False", "GeneratorDefect")


def test_pods_terminated_from_outside_end_the_run_inconclusive() -> None:
    pods = (a_pod(0, PodState.RUNNING), a_halted_pod(1, HaltReason.SIGNAL))

    decision = decide(an_observation(*pods, begun=True), POLICY)

    assert mark(status_of(decision), ConditionType.RUNNING) == ("False", "PodLost")


# After the end.


def completed_look(*pods: ObservedPod, **fields: object) -> Observation:
    """A look at a test whose end stands in its status."""
    observation = an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True)
    return replace(next_observation(observation, decide_end(observation)), pods=pods, **fields)  # type: ignore[arg-type]


def test_after_the_end_the_pods_are_let_go_and_the_run_is_marked_as_finished() -> None:
    decision = decide(completed_look(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE)), POLICY)

    marked, acknowledged = decision.actions
    assert marked == MarkFinished("1")
    assert isinstance(acknowledged, Acknowledge)
    assert [pod.index for pod in acknowledged.pods] == [0, 1]
    assert decision.status is None


def test_a_finished_test_with_nothing_left_of_it_is_left_alone() -> None:
    observation = completed_look()
    marked = replace(observation, test=replace(observation.test, finished_run="1"), job=None)

    assert decide(marked, POLICY) == Decision(afterwards=Afterwards(), is_settled=True)


def test_a_pod_that_comes_back_after_the_end_is_halted() -> None:
    decision = decide(completed_look(a_pod(0, PodState.RUNNING)), POLICY)

    assert HaltFleet in [type(action) for action in decision.actions]


@pytest.mark.parametrize(
    ("pod", "seconds_later", "removed"),
    [
        (a_pending_pod(1), 0.0, True),
        (a_silent_pod(1, 90.0), 0.0, False),
        (a_silent_pod(1, 90.0), POLICY.deadlines.linger_seconds + 1, True),
        (a_pod(1, PodState.DONE), 0.0, False),
    ],
    ids=["never ran", "silent", "silent for long", "lingering"],
)
def test_what_will_not_end_by_itself_is_removed_with_its_job(
    pod: ObservedPod, seconds_later: float, removed: bool
) -> None:
    look = completed_look(pod, now=NOW + timedelta(seconds=seconds_later))

    decision = decide(look, POLICY)

    assert any(isinstance(action, DeleteJob) for action in decision.actions) is removed


def test_a_changed_spec_after_the_end_is_acknowledged_by_its_generation_alone() -> None:
    look = completed_look()

    decision = decide(replace(look, test=replace(look.test, generation=2)), POLICY)

    (observed,) = [action for action in decision.actions if isinstance(action, ObserveGeneration)]
    assert observed.generation == 2
    # kubectl waits for a condition that is of the newest generation.
    assert [condition["type"] for condition in observed.conditions] == [kind.value for kind in ConditionType]
    assert {condition["observedGeneration"] for condition in observed.conditions} == {2}
    assert decision.status is None


def test_another_run_id_starts_a_completed_test_anew() -> None:
    look = completed_look()
    again = replace(
        look,
        test=replace(look.test, spec=a_fleet_spec(runId="2")),
        run_id="2",
        job=None,
        endpoints=a_new_observation().endpoints,
    )

    status = decided(again)

    assert (status.phase, status.run_id, status.verdict) == (Phase.STARTING, "2", None)
    assert mark(status, ConditionType.COMPLETED) == ("False", "InProgress")
    assert status.start is None


def test_a_resource_restored_without_its_status_does_not_run_again() -> None:
    restored = a_new_observation(test=replace(a_test(), finished_run="1"))

    decision = decide(restored, POLICY)

    assert decision.actions == ()
    assert status_of(decision).phase is Phase.COMPLETED
    assert mark(status_of(decision), ConditionType.SUCCEEDED) == ("False", "FinishedEarlier")


@pytest.mark.parametrize(
    ("elapsed_seconds", "next_look_seconds"), [(10, 2.0), (59, 1.0), (60, 0.25), (61, 1.0), (90, 2.0)]
)
def test_the_end_of_the_load_is_looked_for_more_closely(elapsed_seconds: float, next_look_seconds: float) -> None:
    loading = a_snapshot(0, PodState.RUNNING, elapsed_seconds=elapsed_seconds)

    decision = decide(
        an_observation(a_pod(0, snapshot=loading, is_reachable=True), a_pod(1, PodState.RUNNING), begun=True), POLICY
    )

    assert decision.requeue_seconds == next_look_seconds


@pytest.mark.parametrize("state", [PodState.RUNNING, PodState.DONE])
def test_the_instant_of_the_start_is_told_although_the_write_that_kept_it_was_lost(state: PodState) -> None:
    observation = an_observation(a_pod(0, state), a_pod(1, state), begun=True)
    recorded = structs.replace(observation.test.record, started_at=None)

    status = decided(replace(observation, test=replace(observation.test, record=recorded)))

    elapsed = timedelta(seconds=30 if state is PodState.RUNNING else 60)
    assert status.started_at == rfc3339(NOW - elapsed)


def test_a_violation_on_record_fails_the_test_also_for_an_operator_that_never_met_the_pod() -> None:
    observation = an_observation(a_violating_pod(0), a_pod(1, PodState.RUNNING), begun=True)
    look = next_observation(
        observation, decide(observation, POLICY), pods=(a_killed_pod(0, None), a_killed_pod(1, None))
    )

    status = decided(look)

    assert (status.verdict, mark(status, ConditionType.SUCCEEDED)) == (Verdict.FAILED, ("False", "Violation"))


def test_what_an_earlier_run_left_on_record_says_nothing_of_a_new_one() -> None:
    look = completed_look()
    new_run = replace(look.test, spec=a_fleet_spec(runId="2"))
    job_made_and_not_yet_on_record = replace(
        look, test=new_run, run_id="2", job=a_job(name="heavy-2", run_id="2"), pods=(a_pending_pod(0),)
    )

    status = decided(job_made_and_not_yet_on_record)

    assert (status.phase, status.run_id, status.start) == (Phase.STARTING, "2", None)


def test_another_run_of_a_restored_resource_may_start() -> None:
    restored = a_new_observation(test=replace(a_test(a_fleet_spec(runId="2")), finished_run="1"), run_id="2")

    assert decide(restored, POLICY) == Decision(actions=(MarkFinished(None),))
    assert decided(replace(restored, test=replace(restored.test, finished_run=None))).phase is Phase.STARTING


# What holds at every look.

EVERY_LOOK: list[Callable[[], Observation]] = [
    a_new_observation,
    lambda: an_observation(a_pending_pod(0), a_pending_pod(1)),
    lambda: an_observation(a_pod(0, PodState.VERIFIED), a_pod(1, PodState.VERIFIED)),
    lambda: an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True),
    lambda: an_observation(a_violating_pod(0), a_pod(1, PodState.RUNNING), begun=True),
    lambda: an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True),
]


@pytest.mark.parametrize("look", EVERY_LOOK)
def test_every_status_names_the_generation_it_was_made_for(look: Callable[[], Observation]) -> None:
    observation = look()
    later = replace(observation, test=replace(observation.test, generation=7))

    status = decided(later)

    assert status.observed_generation == 7
    assert {condition.observed_generation for condition in status.conditions} == {7}


@pytest.mark.parametrize("look", EVERY_LOOK)
def test_looking_twice_at_the_same_thing_moves_no_transition_time(look: Callable[[], Observation]) -> None:
    observation = look()
    first = decide(observation, POLICY)

    later = next_observation(observation, first, now=NOW + timedelta(seconds=1))
    second = decide(replace(later, job=observation.job), POLICY)

    if second.status is not None:
        assert _transitions(second.status, status_of(first)) == {}


def _transitions(new_status: Status, old: Status) -> dict[ConditionType, str]:
    """The conditions that kept their status and yet changed their time."""
    held = {condition.type: condition for condition in old.conditions}
    return {
        condition.type: condition.last_transition_time
        for condition in new_status.conditions
        if held[condition.type].status == condition.status
        and held[condition.type].last_transition_time != condition.last_transition_time
    }


def test_a_status_that_cannot_be_read_starts_from_what_the_children_show() -> None:
    observation = an_observation(a_pod(0, PodState.WAITING), a_pod(1, PodState.WAITING))
    spoiled = replace(observation, test=replace(observation.test, record=RecordedStatus()))

    assert decided(spoiled).phase is Phase.VERIFYING


def test_the_snapshot_of_a_pod_that_is_gone_still_counts() -> None:
    gone = a_pod(1, PodState.HALTED, is_running=False, is_reachable=False, is_gone=True)
    gone = replace(gone, snapshot=a_snapshot(1, PodState.RUNNING))

    decision = decide(an_observation(a_halted_pod(0, HaltReason.OPERATOR), gone, begun=True), POLICY)

    assert sum(step.total.accepted for step in decision.aggregate.steps) == 50


def test_new_addresses_that_were_refused_are_named_in_the_reasons_and_the_condition() -> None:
    refused = RefusedAddress(
        address="10.0.0.9:8000",
        refusal=Refusal.MARKER_MISSING,
        cause=Cause.MARKER_MISSING,
        message="10.0.0.9:8000 (canary, 1 row): answered 200 without load_test_mode",
    )
    step = structs.replace(a_measured_step(), errors={ErrorKind.NO_ADDRESS: 20})
    proof = structs.replace(PROOF, refused_addresses=(refused,), unverified=(refused.address,))
    pods = tuple(
        replace(
            a_pod(index, PodState.DONE), snapshot=a_snapshot(index, PodState.DONE, steps=(step,), verification=proof)
        )
        for index in range(2)
    )

    status = decided(an_observation(*pods, begun=True))
    verified = status.condition(ConditionType.VERIFIED)

    assert (status.verdict, mark(status, ConditionType.SUCCEEDED)) == ("Failed", ("False", "LoadTestHeaderIgnored"))
    assert status.reasons[0].startswith(refused.message)
    assert verified is not None
    assert refused.message in verified.message
    assert "restarted, moved or scaled down" not in status.message
