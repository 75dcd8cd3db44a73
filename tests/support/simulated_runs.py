"""A whole run without a cluster: decisions against a model of the pods and of the API server, in virtual time.

Any single write of the status can be lost, and any single act, with or without what the operator remembers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from msgspec import structs

from loadtest_model.judgement.abort import AbortWatch
from loadtest_model.measurement.sketch import merged_sketch, sketch_of
from loadtest_model.measurement.snapshot import HaltReason, PodState, Snapshot
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.spec import Scenario, Spec
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import (
    Acknowledge,
    Action,
    ActionOutcome,
    CreateJob,
    DeleteJob,
    Drain,
    FleetStarted,
    HaltFleet,
    MarkFinished,
    ResultsExist,
    StartFleet,
    Verify,
    WriteResults,
)
from loadtest_operator.decide.outcomes import with_outcomes
from loadtest_operator.decide.writing import status_to_write
from loadtest_operator.facts.observation import ContainerEnd, Observation, ObservedPod, RecordedStatus
from loadtest_operator.facts.resources import recorded_status
from support.operator_builders import (
    ADDRESSES,
    NOW,
    POLICY,
    VIOLATION,
    a_fleet_plan,
    a_job,
    a_measured_step,
    a_pod,
    a_snapshot,
    a_test,
)

LOAD_SECONDS: Final = 60.0
PLATEAU_SECONDS: Final = 15.0
DRAIN_SECONDS: Final = 0.5
BACK_OFF_SECONDS: Final = 2.0
MOST_LOOKS: Final = 200
LEAD_SECONDS: Final = 0.5
SLOW_POLICY: Final = replace(POLICY, scrape_seconds=5.0, progress_seconds=20.0)
"""Fewer looks and writes of mere progress, which are all alike."""


@dataclass
class ModelPod:
    """A pod that verifies within a second, loads for a minute, and does as it is told.

    With `climbs` it climbs in plateaus, each of which takes twice as long for an upload as the one before.
    """

    index: int
    response_seconds: float
    state: PodState = PodState.WAITING
    verified_at: float | None = None
    load_begin: float | None = None
    load_end: float | None = None
    drain_end: float | None = None
    halt_reason: HaltReason | None = None
    is_violated: bool = False
    exit_code: int | None = None
    has_last_word: bool = False
    climbs: bool = False

    def advance(self, now: float) -> None:
        if self.exit_code is not None:
            return
        if self.verified_at is not None and self.state is PodState.VERIFYING and now >= self.verified_at:
            self.state = PodState.VERIFIED
        if self.state is PodState.ARMED and self.load_begin is not None and now >= self.load_begin:
            self.state = PodState.RUNNING
        if self.state is PodState.RUNNING and self.load_begin is not None:
            natural_end = self.load_begin + LOAD_SECONDS
            end = natural_end if self.drain_end is None else min(natural_end, self.drain_end)
            if now >= end:
                self.state, self.load_end = PodState.DONE, end

    def obey(self, order: Verify | Drain | HaltFleet | Acknowledge, now: float) -> None:
        match order:
            case Verify() if self.state is PodState.WAITING:
                self.state, self.verified_at = PodState.VERIFYING, now + 1.0
            case Drain():
                self.drain_end = now + DRAIN_SECONDS
            case HaltFleet():
                self.halt(now, HaltReason.OPERATOR)
            case Acknowledge():
                self.leave()

    def halt(self, now: float, reason: HaltReason) -> None:
        if self.exit_code is None and not self.state.is_end:
            self.state, self.load_end, self.halt_reason = PodState.HALTED, now, reason

    def kill(self, now: float) -> None:
        """The process ends without a word."""
        if self.exit_code is None and not self.state.is_end:
            self.exit_code, self.load_end = 137, now

    def leave(self) -> None:
        """The process ends after its last word."""
        if self.exit_code is None and self.state.is_end:
            self.exit_code, self.has_last_word = 0, True

    def snapshot(self, now: float) -> Snapshot:
        snapshot = a_snapshot(
            self.index,
            self.state,
            sequence=int(now * 1000),
            halt_reason=self.halt_reason,
            violation=VIOLATION if self.is_violated else None,
            steps=(),
            elapsed_seconds=0.0,
        )
        if self.load_begin is None or now < self.load_begin:
            return snapshot
        end = now if self.load_end is None else self.load_end
        elapsed = max(0.0, min(end - self.load_begin, LOAD_SECONDS))
        return structs.replace(snapshot, steps=(self._step(elapsed),), elapsed_seconds=elapsed)

    def _step(self, elapsed: float) -> StepAggregate:
        if self.climbs:
            return self._climbed_step(elapsed)
        uploads = max(1, int(elapsed))
        step = a_measured_step(uploads, finished=self.state is PodState.DONE and self.drain_end is None)
        times = sketch_of([int(self.response_seconds * 1e9)] * uploads)
        return structs.replace(step, response=times, service=times, load_seconds=elapsed)

    def _climbed_step(self, elapsed: float) -> StepAggregate:
        plateaus = []
        for number in range(int(min(elapsed, LOAD_SECONDS - 1) // PLATEAU_SECONDS) + 1):
            seconds = min(PLATEAU_SECONDS, elapsed - number * PLATEAU_SECONDS)
            step = a_measured_step(max(1, 4 * int(seconds)), finished=seconds >= PLATEAU_SECONDS - 1e-6)
            times = sketch_of([int(self.response_seconds * 2**number * 1e9)] * step.judged.accepted)
            plateaus.append(structs.replace(step, response=times, service=times, seconds=(), load_seconds=seconds))
        whole = a_measured_step(
            sum(plateau.judged.accepted for plateau in plateaus),
            finished=self.state is PodState.DONE and self.drain_end is None,
        )
        times = merged_sketch([plateau.response for plateau in plateaus])
        return structs.replace(whole, response=times, service=times, plateaus=tuple(plateaus), load_seconds=elapsed)


@dataclass
class Disturbance:
    """What goes wrong in a run: the write or the act of these numbers is lost, counted from 1.

    `forgets` says that the operator is another one afterwards, which remembers nothing.
    """

    lost_write: int | None = None
    lost_act: int | None = None
    forgets: bool = False


@dataclass
class SimulatedRun:
    """One run of a test. `happen` is called before each look with what has become of it so far."""

    spec: Spec
    happen: Callable[["SimulatedRun"], None]
    disturbance: Disturbance = field(default_factory=Disturbance)
    response_seconds: float = 1.0
    now: float = 0.0
    has_results: bool = False
    status: dict[str, Any] = field(default_factory=dict)
    has_job: bool = False
    is_job_deleted: bool = False
    writes: int = 0
    acts: int = 0
    finished_run: str | None = None
    abort_watch: AbortWatch = field(default_factory=AbortWatch)
    pods: list[ModelPod] = field(default_factory=list)
    remembered: dict[int, Snapshot] = field(default_factory=dict)
    compiled: tuple[Spec, Plan] | None = None
    checkpoints: list["SimulatedRun"] = field(default_factory=list)
    """The run as it stood before each look."""

    def disturbed(self, disturbance: Disturbance) -> "SimulatedRun":
        """The run with a disturbance, from the look in which that comes: until then it went as it did without one."""
        before = [
            run
            for run in self.checkpoints
            if (disturbance.lost_write is None or run.writes < disturbance.lost_write)
            and (disturbance.lost_act is None or run.acts < disturbance.lost_act)
        ]
        return replace(before[-1]._copy(), disturbance=disturbance)

    def _copy(self) -> "SimulatedRun":
        """The run as it stands. The values in it are frozen, or are replaced as a whole."""
        pods = [replace(pod) for pod in self.pods]
        return replace(self, pods=pods, remembered=dict(self.remembered), checkpoints=[])

    @property
    def reason_to_stop(self) -> str | None:
        """The cause on record."""
        for condition in self.status.get("conditions", ()):
            if condition["type"] == "Running" and condition["status"] == "False":
                return str(condition["reason"])
        return None

    @property
    def end(self) -> tuple[str, str]:
        """The verdict, and the reason of the condition Succeeded."""
        (succeeded,) = [each for each in self.status["conditions"] if each["type"] == "Succeeded"]
        return self.status["verdict"], succeeded["reason"]

    def run(self) -> tuple[str, str]:
        """Go through all looks until the test has ended and its pods are gone."""
        for _ in range(MOST_LOOKS):
            self.checkpoints.append(self._copy())
            for pod in self.pods:
                pod.advance(self.now)
            self.happen(self)
            next_look = self._look()
            if next_look is None:
                return self.end
            self.now += max(0.05, next_look)
        raise AssertionError(f"the run has not ended: {self.status}")

    def _look(self) -> float | None:
        """One turn; gives after how long the next one is due, None when all is over."""
        observation = self._observation()
        decision = decide(observation, SLOW_POLICY)
        self.abort_watch = decision.abort_watch or self.abort_watch
        outcomes: list[ActionOutcome] = []
        for action in decision.actions:
            self.acts += 1
            if self.acts == self.disturbance.lost_act:
                return self._fail()
            outcome = self._perform(action)
            if outcome is not None:
                outcomes.append(outcome)
        decision = with_outcomes(observation, decision, tuple(outcomes), SLOW_POLICY)
        body = (
            None
            if decision.status is None
            else status_to_write(decision.status, self.status, SLOW_POLICY.progress_seconds)
        )
        if body is not None:
            self.writes += 1
            if self.writes == self.disturbance.lost_write:
                return self._fail()
            self.status = body
        if decision.requeue_seconds is None:
            return None if self.status.get("phase") == "Completed" else 1.0
        return decision.requeue_seconds

    def _fail(self) -> float:
        if self.disturbance.forgets:
            self.abort_watch, self.remembered = AbortWatch(), {}
        return BACK_OFF_SECONDS

    def _observation(self) -> Observation:
        recorded = recorded_status(self.status) if self.status else RecordedStatus()
        test = replace(a_test(self.spec, recorded, finished_run=self.finished_run), status=self.status)
        job = a_job(plan=self._plan(), age_seconds=0.0) if self.has_job and not self.is_job_deleted else None
        return Observation(
            test=test,
            now=NOW + timedelta(seconds=self.now),
            run_id="1",
            job=job,
            pods=tuple(map(self._pod, self.pods)),
            endpoints=None if self.has_job else ADDRESSES,
            abort_watch=self.abort_watch,
        )

    def _plan(self) -> Plan:
        """The plan of the spec, compiled anew after each change."""
        if self.compiled is None or self.compiled[0] != self.spec:
            self.compiled = (self.spec, a_fleet_plan(self.spec))
        return self.compiled[1]

    def _pod(self, model: ModelPod) -> ObservedPod:
        if model.exit_code is None:
            self.remembered[model.index] = model.snapshot(self.now)
            return replace(a_pod(model.index), snapshot=self.remembered[model.index], is_reachable=True)
        if model.has_last_word:
            self.remembered[model.index] = model.snapshot(self.now)
        ended = ContainerEnd(exit_code=model.exit_code, reason="", has_last_word=model.has_last_word)
        return replace(
            a_pod(model.index),
            is_running=False,
            has_crashed=not model.has_last_word,
            container_end=ended,
            snapshot=self.remembered.get(model.index),
        )

    def _perform(self, action: Action) -> ActionOutcome | None:
        match action:
            case CreateJob() if not self.has_job:
                self.has_job = True
                climbs = self.spec.scenario == Scenario.CAPACITY
                self.pods = [ModelPod(index, self.response_seconds, climbs=climbs) for index in (0, 1)]
            case DeleteJob():
                self.is_job_deleted = True
            case WriteResults():
                has_results, self.has_results = self.has_results, True
                return ResultsExist() if has_results else None
            case MarkFinished():
                self.finished_run = action.run_id
            case StartFleet():
                for pod in self._ordered(action.pods):
                    pod.state, pod.load_begin = PodState.ARMED, self.now + LEAD_SECONDS
                self.now += LEAD_SECONDS
                return FleetStarted(at=NOW + timedelta(seconds=self.now), skew_seconds=0.0)
            case Verify() | Drain() | HaltFleet() | Acknowledge():
                for pod in self._ordered(action.pods):
                    pod.obey(action, self.now)
            case _:
                pass
        return None

    def _ordered(self, pods: tuple[ObservedPod, ...]) -> list[ModelPod]:
        return [pod for pod in self.pods if pod.exit_code is None and pod.index in {each.index for each in pods}]
