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
from loadtest_model.report.status_summary import status_summary
from loadtest_model.report.summary import Summary, summarize
from loadtest_operator.decide.actions import WriteResults
from loadtest_operator.decide.causes import StopCause
from loadtest_operator.decide.compose import base_status, verified_value
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues, recorded_value
from loadtest_operator.decide.decision import Decision
from loadtest_operator.decide.fleet import Fleet, join_names, verified_status
from loadtest_operator.decide.losses import end_description
from loadtest_operator.decide.progress import last_progress, load_started_at, round_optional
from loadtest_operator.facts.names import results_name
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.facts.texts import shorten
from loadtest_operator.manifests import results

NO_RUN: Final = ConditionValue.false(Reason.NoRun, "no load was made, so there are no results")


def conclude(observation: Observation, fleet: Fleet, causes: tuple[StopCause, ...]) -> Decision:
    """The verdict of a run whose every pod is settled; its results are written before the status says so."""
    plan = fleet.plan
    gaps = tuple(Gap(cause.reason, cause.message) for cause in causes if cause.is_gap)
    findings = tuple(Gap(cause.reason, cause.message) for cause in causes if not cause.is_gap)
    judgement = judge(
        Facts(
            plan=plan,
            aggregate=fleet.aggregate,
            refusal=fleet.refusal,
            read_back=fleet.read_back,
            gaps=gaps,
            recorded_failures=findings,
            target=fleet.target_watch,
            evictions=fleet.evictions,
        ),
    )
    load_start = load_started_at(observation, fleet.aggregate)
    summary = summarize(plan, fleet.aggregate, judgement, fleet.proof, load_start, fleet.target_watch)
    summary = structs.replace(summary, verification=structs.replace(summary.verification, notice=fleet.notice))
    succeeded = judgement.verdict is Verdict.PASSED
    message = _verdict_message(judgement, fleet, summary.diagnoses)
    marks = ConditionValues(
        verified=_verified_value(observation, fleet),
        running=_running_value(observation, causes),
        results_complete=_results_complete(observation, fleet),
        completed=ConditionValue.true(Reason[judgement.verdict], message),
        succeeded=(ConditionValue.true if succeeded else ConditionValue.false)(judgement.reason, message),
    )
    status = structs.replace(
        base_status(observation, Phase.COMPLETED, message, marks, plan),
        started_at=load_start,
        completed_at=rfc3339(observation.now),
        verdict=judgement.verdict,
        reasons=tuple(shorten(reason) for reason in judgement.reasons[:16]),
        steps=_steps(summary),
        pods=fleet.counts,
        progress=last_progress(plan, fleet.aggregate, summary),
        verification=verified_status(fleet.proof, fleet.notice),
        thresholds=judgement.thresholds,
        health=judgement.health,
        target=structs.replace(fleet.target_watch, tally=None) if fleet.target_watch else None,
        evicted=fleet.evictions.pods,
        summary=status_summary(summary),
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
            requests=step.requests,
            records=step.records,
            errors=step.errors,
            verdict=step.verdict,
            records_confirmed=step.records.confirmed,
            records_per_second=round(step.throughput.records_per_second, 1),
            p95_seconds=round_optional(step.response_time_seconds.p95),
            error_rate=round_optional(step.error_rate),
        )
        for step in summary.steps
    )


def end_without_run(
    observation: Observation, verdict: Verdict, reason: AnyReason, message: str, verified: ConditionValue | None = None
) -> Decision:
    """The end of a test that never had a fleet: a wrong spec, a missing target, a stop beforehand."""
    marks = ConditionValues(
        verified=verified or verified_value(observation),
        results_complete=NO_RUN,
        completed=ConditionValue.true(Reason[verdict], message),
        succeeded=ConditionValue.false(reason, message),
    )
    status = structs.replace(
        base_status(observation, Phase.COMPLETED, message, marks),
        completed_at=rfc3339(observation.now),
        verdict=verdict,
        reasons=(shorten(message),),
    )
    return Decision(status=status, requeue_seconds=0.0)


def mark_results_unwritten(status: Status, message: str) -> Status:
    """The same end, where the results could not be kept: the verdict stands, and the condition tells."""
    text = shorten(f"the results could not be written: {message}")
    conditions = tuple(
        structs.replace(condition, status=ConditionStatus.FALSE, reason=Reason.ResultsNotWritten, message=text)
        if condition.type is ConditionType.RESULTS_COMPLETE
        else condition
        for condition in status.conditions
    )
    return structs.replace(status, conditions=conditions, results=None)


def _results_complete(observation: Observation, fleet: Fleet) -> ConditionValue:
    missing = _missing_results(observation, fleet)
    if missing:
        return ConditionValue.false(Reason.ResultsMissing, missing)
    if observation.test.record.start is None and not fleet.reports:
        return NO_RUN
    return ConditionValue.true(Reason.AllPodsReported, "the last snapshot of every pod is known")


def _missing_results(observation: Observation, fleet: Fleet) -> str:
    """Whose results are missing, once a load had begun."""
    if observation.test.record.start is None:
        return ""
    names = [f"{pod.name} ({end_description(pod)})" for pod in fleet.pods if not pod.has_last_snapshot]
    names += [f"index {index}" for index in fleet.absent_indexes]
    if not names:
        return ""
    return f"what was measured since the last reading is missing of {join_names(names)}"


def _verdict_message(judgement: Judgement, fleet: Fleet, diagnoses: tuple[Diagnosis, ...]) -> str:
    refusal = fleet.refusal
    if judgement.verdict is Verdict.PASSED:
        return _passed_message(fleet)
    if refusal is not None and refusal.hint and refusal.refusal and judgement.reason is Reason[refusal.refusal]:
        return message_with_hint(refusal)
    first_reason = judgement.reasons[0] if judgement.reasons else judgement.reason
    proof = fleet.proof
    if proof is not None and refusal is None and not proof.is_proven:
        # A verification that was cut off may have left a row behind.
        return f"{first_reason}; {proof.message}"
    diagnosis = main_diagnosis(diagnoses) if judgement.verdict is Verdict.FAILED else None
    return first_reason if diagnosis is None else f"{first_reason}. {diagnosis_text(diagnosis)}"


def _passed_message(fleet: Fleet) -> str:
    text = "every threshold held and every upload was confirmed as a load test"
    if fleet.plan.mesh:
        text = "every threshold held and every answer that the mesh's proxy passed on confirmed a load test"
    if fleet.plan.unseen_endpoints:
        text = f"{text}; {unseen_endpoints.EXPLANATION}"
    proof = fleet.proof
    if proof is None or proof.read_back is None or proof.reached_level is not ProofLevel.PROVEN:
        return text
    return f"{text}; {read_back_conclusion(proof.read_back).message}"


def _verified_value(observation: Observation, fleet: Fleet) -> ConditionValue:
    refusal = fleet.refusal
    if refusal is not None and refusal.refusal is not None:
        return ConditionValue.false(Reason[refusal.refusal], message_with_hint(refusal))
    if fleet.is_verified:
        reached = Reason[fleet.proof.reached_level] if fleet.proof else Reason.Acknowledged
        return ConditionValue.true(reached, verified_message(fleet))
    return verified_value(observation)


def _running_value(observation: Observation, causes: tuple[StopCause, ...]) -> ConditionValue:
    if causes:
        return ConditionValue.false(causes[0].reason, causes[0].message)
    before = recorded_value(
        observation.test.record.condition(ConditionType.RUNNING), ConditionValue.false(Reason.NotStarted)
    )
    return before if before.is_false else ConditionValue.false(Reason.Finished, "every pod has finished its share")


def message_with_hint(report: VerificationReport) -> str:
    """What was seen, and what to do about it, as two sentences."""
    return f"{report.message.rstrip('.')}. {report.hint}" if report.hint else report.message


def verified_message(fleet: Fleet) -> str:
    """What was proven, and how far the proof goes."""
    proof = fleet.proof
    if proof is None:
        return ""
    addresses = f"{len(proof.addresses)} address{'' if len(proof.addresses) == 1 else 'es'}"
    through = " through a mesh's proxy" if fleet.plan.mesh else ""
    text = (
        f"every pod proved at {addresses}{through} that the target honours X-Load-Test ({proof.reached_level});"
        f" {proof.uploads} uploads with {proof.rows:,} rows were sent for it; {exposure_of(fleet.plan)}"
    )
    if fleet.plan.unseen_endpoints:
        text = f"{text}; {unseen_endpoints.EXPLANATION}"
    return f"{text}; {read_back_conclusion(proof.read_back).message}" if proof.read_back else text
