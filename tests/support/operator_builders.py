"""What the operator's decisions are made from, in short forms for tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import Counts, Second
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.snapshot import (
    HaltReason,
    PodState,
    ProofLevel,
    Refusal,
    Snapshot,
    VerificationReport,
    Violation,
)
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, compile_plan, plan_hash
from loadtest_model.report.status import Phase, Status, StatusStart
from loadtest_model.report.summary import Summary, summarize
from loadtest_model.spec import Spec
from loadtest_operator.decide import Decision, Policy, decide
from loadtest_operator.decide.writing import written_form
from loadtest_operator.facts.endpoints import Endpoints
from loadtest_operator.facts.mounts import secret_places
from loadtest_operator.facts.observation import (
    ContainerEnd,
    Observation,
    ObservedJob,
    ObservedPod,
    ObservedTest,
    RecordedStatus,
)
from loadtest_operator.facts.resources import recorded_status, rfc3339
from loadtest_operator.manifests import PodDefaults
from support.builders import IDENTITY, a_spec

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
POLICY = Policy(
    pods=PodDefaults(image="loadgen:1", image_pull_policy="IfNotPresent", resources={}, starting_seconds=300)
)
ADDRESSES = Endpoints(("10.0.0.5:8000",))
START = StatusStart(start_id="start-1", at=rfc3339(NOW - timedelta(seconds=20)), skew_seconds=0.004)
PROOF = VerificationReport(
    level=ProofLevel.ACKNOWLEDGED, message="acknowledged", addresses=("10.0.0.5:8000",), uploads=4, rows=1_006
)
REFUSAL = VerificationReport(
    level=ProofLevel.NONE,
    refusal=Refusal.MARKER_MISSING,
    message="10.0.0.5:8000 answered 200 without load_test_mode.",
    hint="Honour X-Load-Test.",
    canary_ids=("CANARY1",),
    uploads=2,
    rows=1,
)
VIOLATION = Violation(
    kind=ErrorKind.MARKER_MISSING,
    address="10.0.0.5:8000",
    status=200,
    rows=1_000,
    first_client_id="C1",
    message="answered 200 without load_test_mode",
)


def a_fleet_spec(**fields: Any) -> Spec:
    """Two pods and two virtual users for a minute."""
    load = {"batchSize": 1_000, "virtualUsers": 2, "duration": "60s"}
    return a_spec(**{"scenario": "custom", "load": load, "parallelism": 2, **fields})


def a_fleet_plan(spec: Spec | None = None) -> Plan:
    fleet_spec = spec or a_fleet_spec()
    return compile_plan(fleet_spec, IDENTITY, addresses=ADDRESSES.addresses, places=secret_places(fleet_spec.target))


PLAN = a_fleet_plan()
NOTHING_RECORDED = RecordedStatus()


def a_test(spec: Spec | None = None, recorded: RecordedStatus = NOTHING_RECORDED, **fields: Any) -> ObservedTest:
    test_fields = {"finished_run": None, **fields}
    return ObservedTest(
        identity=IDENTITY,
        generation=1,
        resource_version="10",
        spec=spec or a_fleet_spec(),
        spec_error="",
        record=recorded,
        **test_fields,
    )


def a_job(*, age_seconds: float = 30.0, **fields: Any) -> ObservedJob:
    job = ObservedJob(
        name="heavy-1",
        uid="job-1",
        run_id="1",
        is_owned=True,
        created_at=NOW - timedelta(seconds=age_seconds),
        plan=PLAN,
    )
    return replace(job, **fields)


def a_snapshot(index: int, state: PodState, **fields: Any) -> Snapshot:
    """A pod's snapshot; one that verified carries the proof, one that loaded has accepted 50 uploads in 1 s each."""
    is_proven = state not in (PodState.WAITING, PodState.VERIFYING, PodState.REFUSED)
    has_finished = state in (PodState.LOADED, PodState.CONCLUDING, PodState.DONE)
    has_loaded = has_finished or state is PodState.RUNNING
    snapshot = Snapshot(
        schema=1,
        pod_index=index,
        pod_uid=f"pod-{index}",
        sequence=7,
        state=state,
        plan_hash=plan_hash(PLAN),
        verification=PROOF if is_proven else REFUSAL if state is PodState.REFUSED else None,
        steps=(a_measured_step(finished=has_finished),) if has_loaded else (),
        elapsed_seconds=60.0 if has_finished else 30.0 if has_loaded else 0.0,
        virtual_users=1 if state is PodState.RUNNING else 0,
        final=state.is_end,
    )
    return structs.replace(snapshot, **fields)


def a_measured_step(accepted: int = 50, *, finished: bool = True) -> StepAggregate:
    """The step of a minute, at its end or half way."""
    counts = Counts(
        due=accepted,
        sent=accepted,
        accepted=accepted,
        records_sent=accepted * 1_000,
        records_confirmed=accepted * 1_000,
        bytes_sent=accepted * 100_000,
    )
    times = sketch_of([1_000_000_000] * accepted)
    return StepAggregate(
        step=0,
        total=counts,
        judged=counts,
        response=times,
        service=times,
        seconds=(Second(second=0, counts=counts, virtual_users=2, ended=accepted, answers=accepted),),
        load_seconds=60.0 if finished else 30.0,
        finished_pods=finished,
    )


def a_pod(index: int, state: PodState | None = None, **fields: Any) -> ObservedPod:
    """A running pod that answered just now, in a state; without one it has not answered yet."""
    snapshot = None if state is None else a_snapshot(index, state)
    pod = ObservedPod(
        index=index,
        name=f"heavy-1-{index}",
        uid=f"pod-{index}",
        ip=f"10.0.1.{index}",
        run_id="1",
        is_running=True,
        snapshot=snapshot,
        is_reachable=snapshot is not None,
    )
    return replace(pod, **fields)


def a_pending_pod(index: int, waits_for: str = "ContainerCreating") -> ObservedPod:
    return a_pod(index, is_running=False, ip=None, waits_for=waits_for)


def a_halted_pod(index: int, reason: HaltReason, **fields: Any) -> ObservedPod:
    pod = a_pod(index, PodState.HALTED)
    return replace(pod, snapshot=a_snapshot(index, PodState.HALTED, halt_reason=reason, **fields))


def a_killed_pod(index: int, last_state: PodState | None = PodState.RUNNING, exit_code: int = 137) -> ObservedPod:
    """A pod whose process ended without a last word, last seen in a state."""
    pod = a_pod(index, last_state)
    end = ContainerEnd(exit_code=exit_code, reason="Error")
    return replace(pod, is_running=False, is_reachable=False, has_crashed=True, container_end=end)


def a_silent_pod(index: int, seconds: float, state: PodState | None = PodState.RUNNING) -> ObservedPod:
    return replace(a_pod(index, state), is_reachable=False, silent_seconds=seconds)


def a_run_result(*steps: StepAggregate, plan: Plan = PLAN) -> tuple[Aggregate, Summary]:
    """What a run came to, and its summary."""
    aggregate = Aggregate(steps=steps, pods=2)
    judgement = judge(Facts(plan=plan, aggregate=aggregate))
    return aggregate, summarize(plan, aggregate, judgement, PROOF, START.at)


def an_observation(*pods: ObservedPod, **fields: Any) -> Observation:
    """An observation of a run whose Job was made, with these pods; `begun=True` puts a start on record."""
    has_begun = fields.pop("begun", False)
    spec = fields.pop("spec", None)
    phase = Phase.RUNNING if has_begun else Phase.VERIFYING
    recorded = RecordedStatus(
        observed_generation=1,
        phase=phase,
        run_id="1",
        plan_hash=plan_hash(PLAN),
        start=START if has_begun else None,
        started_at=START.at if has_begun else None,
    )
    observation_fields = {
        "test": a_test(spec, recorded),
        "now": NOW,
        "run_id": "1",
        "job": a_job(),
        "pods": pods,
        **fields,
    }
    return Observation(**observation_fields)


def a_new_observation(spec: Spec | None = None, **fields: Any) -> Observation:
    """An observation of a test that nothing was done about yet."""
    observation_fields = {"test": a_test(spec), "now": NOW, "run_id": "1", "endpoints": ADDRESSES, **fields}
    return Observation(**observation_fields)


def next_observation(observation: Observation, decision: Decision, **fields: Any) -> Observation:
    """What the next look shows when the decision's status was written, with other changes."""
    assert decision.status is not None
    written_status = status_json(decision.status)
    recorded = recorded_status(written_status)
    test = replace(observation.test, record=recorded, status=written_status)
    return replace(observation, test=test, **fields)


def decide_end(observation: Observation) -> Decision:
    """What is decided once the verdict of the first look is on record; that look does nothing but write it."""
    judging = decide(observation, POLICY)
    assert judging.actions == ()
    assert judging.status is not None
    assert judging.status.verdict is not None
    return decide(next_observation(observation, judging), POLICY)


def decide_on_record(observation: Observation) -> Decision:
    """What is decided once the cause that the first look finds is on record; that look does nothing but write it."""
    first_look = decide(observation, POLICY)
    assert first_look.actions == ()
    assert first_look.requeue_seconds == 0.0
    return decide(next_observation(observation, first_look), POLICY)


def status_json(status: Status) -> dict[str, Any]:
    return written_form(status)
