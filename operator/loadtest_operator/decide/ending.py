"""The end of a run: judging it, and saying so."""

from typing import Final

from msgspec import structs

from loadtest_model.judgement.diagnoses import Diagnosis, diagnosis_text, main_diagnosis
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts, Gap, Judgement, Verdict
from loadtest_model.measurement.proof import read_back_conclusion
from loadtest_model.measurement.snapshot import ProofLevel, VerificationReport
from loadtest_model.plan import unseen_endpoints
from loadtest_model.plan.exposure import exposure_of
from loadtest_model.reasons import AnyReason, Reason
from loadtest_model.report.status import ConditionStatus, ConditionType, Phase, Results, Status, StepResult
from loadtest_model.report.summary import Summary, summarize
from loadtest_operator.decide.actions import WriteResults
from loadtest_operator.decide.causes import Cause
from loadtest_operator.decide.compose import base_status, verified_mark
from loadtest_operator.decide.conditions import Mark, Marks, mark_of
from loadtest_operator.decide.decision import Decision
from loadtest_operator.decide.fleet import Fleet, listed, verified_of
from loadtest_operator.decide.losses import how_it_ended
from loadtest_operator.decide.progress import last_progress, rounded, started_at
from loadtest_operator.facts.names import results_name
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.facts.texts import shortened
from loadtest_operator.manifests import results

NO_RUN: Final = Mark.false(Reason.NoRun, "no load was made, so there are no results")


def concluded(observation: Observation, fleet: Fleet, found: tuple[Cause, ...]) -> Decision:
    """The verdict of a run whose every pod is settled; its results are written before the status says so."""
    plan = fleet.plan
    gaps = tuple(Gap(cause.reason, cause.message) for cause in found if cause.gap)
    held = tuple(Gap(cause.reason, cause.message) for cause in found if not cause.gap)
    judgement = judge(
        Facts(
            plan=plan,
            aggregate=fleet.aggregate,
            refusal=fleet.refusal,
            read_back=fleet.read_back,
            gaps=gaps,
            recorded_failures=held,
            target=fleet.target,
            evictions=fleet.evictions,
        ),
    )
    began = started_at(observation, fleet.aggregate)
    summary = summarize(plan, fleet.aggregate, judgement, fleet.proof, began, fleet.target)
    summary = structs.replace(summary, verification=structs.replace(summary.verification, notice=fleet.notice))
    succeeded = judgement.verdict is Verdict.PASSED
    message = _message(judgement, fleet, summary.diagnoses)
    marks = Marks(
        verified=_verified(observation, fleet),
        running=_running(observation, found),
        results_complete=_results_complete(observation, fleet),
        completed=Mark.true(Reason[judgement.verdict], message),
        succeeded=(Mark.true if succeeded else Mark.false)(judgement.reason, message),
    )
    status = structs.replace(
        base_status(observation, Phase.COMPLETED, message, marks, plan),
        started_at=began,
        completed_at=rfc3339(observation.now),
        verdict=judgement.verdict,
        reasons=tuple(shortened(reason) for reason in judgement.reasons[:16]),
        steps=_steps(summary),
        pods=fleet.counts,
        progress=last_progress(plan, fleet.aggregate, summary),
        verification=verified_of(fleet.proof, fleet.notice),
        thresholds=judgement.thresholds,
        health=judgement.health,
        target=structs.replace(fleet.target, tally=None) if fleet.target else None,
        evicted=fleet.evictions.pods,
        summary=summary,
        results=Results(config_map=results_name(plan.name, plan.uid, plan.run_id)),
    )
    return Decision(
        status=status,
        actions=(WriteResults(results(plan, fleet.aggregate, summary)),),
        requeue_seconds=0.0,
        plan=plan,
        aggregate=fleet.aggregate,
    )


def _steps(summary: Summary) -> tuple[StepResult, ...]:
    """Each step in a line; of a single one the summary says it all."""
    if len(summary.steps) < 2:
        return ()
    return tuple(
        StepResult(
            name=step.name,
            verdict=step.verdict,
            records_confirmed=step.records.confirmed,
            records_per_second=round(step.throughput.records_per_second, 1),
            p95_seconds=rounded(step.response_time_seconds.p95),
            error_rate=rounded(step.error_rate),
        )
        for step in summary.steps
    )


def ended_without_run(
    observation: Observation, verdict: Verdict, reason: AnyReason, message: str, verified: Mark | None = None
) -> Decision:
    """The end of a test that never had a fleet: a wrong spec, a missing target, a stop beforehand."""
    marks = Marks(
        verified=verified or verified_mark(observation),
        results_complete=NO_RUN,
        completed=Mark.true(Reason[verdict], message),
        succeeded=Mark.false(reason, message),
    )
    status = structs.replace(
        base_status(observation, Phase.COMPLETED, message, marks),
        completed_at=rfc3339(observation.now),
        verdict=verdict,
        reasons=(shortened(message),),
    )
    return Decision(status=status, requeue_seconds=0.0)


def results_not_written(status: Status, message: str) -> Status:
    """The same end, where the results could not be kept: the verdict stands, and the condition tells."""
    said = shortened(f"the results could not be written: {message}")
    changed = tuple(
        structs.replace(condition, status=ConditionStatus.FALSE, reason=Reason.ResultsNotWritten, message=said)
        if condition.type is ConditionType.RESULTS_COMPLETE
        else condition
        for condition in status.conditions
    )
    return structs.replace(status, conditions=changed, results=None)


def _results_complete(observation: Observation, fleet: Fleet) -> Mark:
    missing = _missing(observation, fleet)
    if missing:
        return Mark.false(Reason.ResultsMissing, missing)
    if observation.test.recorded.start is None and not fleet.reports:
        return NO_RUN
    return Mark.true(Reason.AllPodsReported, "the last snapshot of every pod is known")


def _missing(observation: Observation, fleet: Fleet) -> str:
    """Whose results are missing, once a load had begun."""
    if observation.test.recorded.start is None:
        return ""
    names = [f"{pod.name} ({how_it_ended(pod)})" for pod in fleet.pods if not pod.last_known]
    names += [f"index {index}" for index in fleet.absent]
    if not names:
        return ""
    return f"what was measured since the last reading is missing of {listed(names)}"


def _message(judgement: Judgement, fleet: Fleet, diagnoses: tuple[Diagnosis, ...]) -> str:
    refusal = fleet.refusal
    if judgement.verdict is Verdict.PASSED:
        return _passed(fleet)
    if refusal is not None and refusal.hint and refusal.refusal and judgement.reason is Reason[refusal.refusal]:
        return with_hint(refusal)
    said = judgement.reasons[0] if judgement.reasons else judgement.reason
    proof = fleet.proof
    if proof is not None and refusal is None and not proof.is_proven:
        # A verification that was cut off may have left a row behind.
        return f"{said}; {proof.message}"
    diagnosis = main_diagnosis(diagnoses) if judgement.verdict is Verdict.FAILED else None
    return said if diagnosis is None else f"{said}. {diagnosis_text(diagnosis)}"


def _passed(fleet: Fleet) -> str:
    said = "every threshold held and every upload was confirmed as a load test"
    if fleet.plan.mesh:
        said = "every threshold held and every answer that the mesh's proxy passed on confirmed a load test"
    if fleet.plan.unseen_endpoints:
        said = f"{said}; {unseen_endpoints.EXPLANATION}"
    proof = fleet.proof
    if proof is None or proof.read_back is None or proof.reached_level is not ProofLevel.PROVEN:
        return said
    return f"{said}; {read_back_conclusion(proof.read_back).message}"


def _verified(observation: Observation, fleet: Fleet) -> Mark:
    refusal = fleet.refusal
    if refusal is not None and refusal.refusal is not None:
        return Mark.false(Reason[refusal.refusal], with_hint(refusal))
    if fleet.all_verified:
        reached = Reason[fleet.proof.reached_level] if fleet.proof else Reason.Acknowledged
        return Mark.true(reached, verified_message(fleet))
    return verified_mark(observation)


def _running(observation: Observation, found: tuple[Cause, ...]) -> Mark:
    if found:
        return Mark.false(found[0].reason, found[0].message)
    before = mark_of(observation.test.recorded.condition(ConditionType.RUNNING), Mark.false(Reason.NotStarted))
    return before if before.is_false else Mark.false(Reason.Finished, "every pod has finished its share")


def with_hint(report: VerificationReport) -> str:
    """What was seen, and what to do about it, as two sentences."""
    return f"{report.message.rstrip('.')}. {report.hint}" if report.hint else report.message


def verified_message(fleet: Fleet) -> str:
    """What was proven, and how far the proof goes."""
    proof = fleet.proof
    if proof is None:
        return ""
    addresses = f"{len(proof.addresses)} address{'' if len(proof.addresses) == 1 else 'es'}"
    through = " through a mesh's proxy" if fleet.plan.mesh else ""
    said = (
        f"every pod proved at {addresses}{through} that the target honours X-Load-Test ({proof.reached_level});"
        f" {proof.uploads} uploads with {proof.rows:,} rows were sent for it; {exposure_of(fleet.plan)}"
    )
    if fleet.plan.unseen_endpoints:
        said = f"{said}; {unseen_endpoints.EXPLANATION}"
    return f"{said}; {read_back_conclusion(proof.read_back).message}" if proof.read_back else said
