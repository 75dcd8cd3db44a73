"""The end of a run: judging it, and saying so."""

from typing import Final

from msgspec import structs

from loadtest_model.judgement.diagnoses import Diagnosis, diagnosis_text, main_diagnosis
from loadtest_model.judgement.judged_thresholds import not_compared_text
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts, Gap, Judgement, Verdict
from loadtest_model.measurement.missing import is_silence_known, uploads_without_second, without_partial_seconds
from loadtest_model.measurement.proof import read_back_conclusion
from loadtest_model.measurement.silence import UNRESPONSIVE_SECONDS
from loadtest_model.measurement.snapshot import ProofLevel, VerificationReport
from loadtest_model.plan import Plan, unseen_endpoints
from loadtest_model.plan.exposure import exposure_of
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.reasons import AnyReason, Reason, class_of_end
from loadtest_model.report.capacity import status_capacity
from loadtest_model.report.manifest import manifest_text
from loadtest_model.report.status import ConditionType, Phase, Results, Status, StepResult
from loadtest_model.report.status_summary import status_summary
from loadtest_model.report.summary import Summary, summarize, with_blocks, with_origin
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_operator.decide.compose import base_status, verified_value
from loadtest_operator.decide.conditions import ConditionValue, ConditionValues, recorded_value
from loadtest_operator.decide.decision import Decision
from loadtest_operator.decide.fleet import Fleet, join_names, verified_status
from loadtest_operator.decide.lasting_signs import lasting_failures
from loadtest_operator.decide.losses import end_description
from loadtest_operator.decide.progress import last_progress, load_started_at, round_optional
from loadtest_operator.decide.stop_cause import StopCause
from loadtest_operator.facts.names import results_name
from loadtest_operator.facts.observation import Observation
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.facts.texts import shorten

_MOST_REFUSALS: Final = 2

NO_RUN: Final = ConditionValue.false(Reason.NoRun, "no load was made, so there are no results")


def conclude(observation: Observation, fleet: Fleet, causes: tuple[StopCause, ...]) -> Decision:
    """Write down the verdict of a run whose every pod is settled; `finishing` does what follows from it."""
    status, _ = judge_run(observation, fleet, causes)
    return Decision(status=status, requeue_seconds=0.0, plan=fleet.plan, aggregate=fleet.aggregate)


def judge_run(observation: Observation, fleet: Fleet, causes: tuple[StopCause, ...]) -> tuple[Status, Summary]:
    """The status with the verdict, before the test has completed, and the summary for the results."""
    plan = fleet.plan
    aggregate = without_partial_seconds(fleet.aggregate)
    only_verified = any(cause.reason is Reason.OnlyVerified for cause in causes)
    # What becomes of the pods after a finished proof takes nothing from it.
    gaps = tuple(Gap(cause.reason, cause.message) for cause in causes if cause.is_gap and not only_verified)
    gaps += _unknown_silences(fleet)
    findings = tuple(Gap(cause.reason, cause.message) for cause in causes if cause.is_finding)
    findings += lasting_failures(observation, fleet)
    judgement = judge(
        Facts(
            plan=plan,
            aggregate=aggregate,
            refusal=fleet.refusal,
            read_back=fleet.read_back,
            refused_addresses=fleet.refused_addresses,
            gaps=gaps,
            recorded_failures=findings,
            target=fleet.target_watch,
            evictions=fleet.evictions,
            load_began=load_began(observation, fleet),
            only_verified=only_verified,
            climb_ended=any(cause.reason is Reason.CapacityFound for cause in causes),
            baseline=observation.baseline,
        ),
    )
    load_start = load_started_at(observation, fleet.aggregate)
    summary = summarize(plan, aggregate, judgement, fleet.proof, load_start, fleet.target_watch)
    summary = structs.replace(summary, verification=structs.replace(summary.verification, notice=fleet.notice))
    spec = observation.test.spec
    summary = with_blocks(summary, plan, aggregate)
    summary = with_origin(summary, plan, fleet.snapshots, manifest_text(plan.name, spec) if spec else "")
    succeeded = judgement.verdict is Verdict.PASSED
    message = (
        _only_verified_message(observation, fleet)
        if judgement.reason is Reason.OnlyVerified
        else _verdict_message(judgement, fleet, summary.diagnoses)
    )
    marks = ConditionValues(
        verified=_verified_value(observation, fleet),
        running=_running_value(observation, causes),
        results_complete=_results_complete(observation, fleet),
        succeeded=(ConditionValue.true if succeeded else ConditionValue.false)(judgement.reason, message),
    )
    status = structs.replace(
        base_status(observation, observation.test.record.phase or Phase.STOPPING, message, marks, plan),
        started_at=load_start,
        verdict=judgement.verdict,
        reason_class=judgement.reason_class,
        reasons=tuple(shorten(reason) for reason in judgement.reasons[:16]),
        steps=_steps(summary),
        pods=fleet.counts,
        progress=last_progress(plan, fleet.aggregate, summary),
        verification=verified_status(fleet.proof, fleet.notice),
        thresholds=judgement.thresholds,
        capacity=status_capacity(summary.capacity),
        health=judgement.health,
        target=structs.replace(fleet.target_watch, tally=None) if fleet.target_watch else None,
        evicted=fleet.evictions.pods,
        summary=status_summary(summary),
        results=results_of(observation, plan),
    )
    return status, summary


def results_of(observation: Observation, plan: Plan) -> Results:
    """Where the results of a run are kept. What is on record stands, so that they are written once."""
    name = results_name(plan.name, plan.uid, plan.run_id, rfc3339(observation.now))
    return observation.test.record.results or Results(config_map=name)


def _steps(summary: Summary) -> tuple[StepResult, ...]:
    """Each step in a line; of a single one the summary says it all, and of steps without a load there is nothing."""
    if len(summary.steps) < 2 or summary.reason_class is not ReasonClass.LOAD:
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
        reason_class=class_of_end(reason, load_began=observation.test.record.start is not None),
        reasons=(shorten(message),),
    )
    return Decision(status=status, requeue_seconds=0.0)


def load_began(observation: Observation, fleet: Fleet) -> bool:
    """Whether the target was loaded. With its start on record a run counts as loaded: any pod may have begun."""
    return observation.test.record.start is not None or any(step.total.due for step in fleet.aggregate.steps)


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
    if names:
        return f"what was measured since the last reading is missing of {join_names(names)}"
    missing = sum(uploads_without_second(step) for step in fleet.aggregate.steps)
    if not missing:
        return ""
    due = sum(step.total.due for step in fleet.aggregate.steps)
    return (
        f"the seconds of {missing} of {due} uploads are missing: the pods had ended before an operator read them, and"
        " their last words have no seconds"
    )


def _unknown_silences(fleet: Fleet) -> tuple[Gap, ...]:
    """Steps of which nobody can tell whether the target stopped answering in them for a while."""
    return tuple(
        Gap(
            Reason.ResultsMissing,
            f"whether the target was silent for {UNRESPONSIVE_SECONDS} s in step {step.name} is not known, because"
            f" {uploads_without_second(aggregate)} of {aggregate.total.due} uploads are in no second that was read; run"
            " it again",
        )
        for step, aggregate in zip(fleet.plan.steps, fleet.aggregate.steps, strict=False)
        if aggregate.load_seconds >= UNRESPONSIVE_SECONDS and not is_silence_known(aggregate)
    )


def _verdict_message(judgement: Judgement, fleet: Fleet, diagnoses: tuple[Diagnosis, ...]) -> str:
    refusal = fleet.refusal
    if judgement.verdict is Verdict.PASSED:
        return _passed_message(fleet, judgement.thresholds)
    if refusal is not None and refusal.hint and refusal.refusal and judgement.reason is Reason[refusal.refusal]:
        return message_with_hint(refusal)
    first_reason = judgement.reasons[0] if judgement.reasons else judgement.reason
    proof = fleet.proof
    if proof is not None and refusal is None and not proof.is_proven:
        # A verification that was cut off may have left a row behind.
        return f"{first_reason}; {proof.message}"
    diagnosis = main_diagnosis(diagnoses) if judgement.verdict is Verdict.FAILED else None
    return first_reason if diagnosis is None else f"{first_reason}. {diagnosis_text(diagnosis)}"


def _only_verified_message(observation: Observation, fleet: Fleet) -> str:
    """That nothing was loaded, and what was proven: as the pods tell, or else as it is on record."""
    recorded = observation.test.record.condition(ConditionType.VERIFIED)
    on_record = recorded.message if recorded is not None and recorded.is_true else "every pod had proved the target"
    proof_text = _proof_message(fleet) if fleet.is_verified else on_record
    return f"nothing was loaded, as spec.verification.only asks; {proof_text}"


def _passed_message(fleet: Fleet, thresholds: tuple[ThresholdResult, ...]) -> str:
    not_compared = not_compared_text(thresholds)
    text = "no threshold was breached" if not_compared else "every threshold held"
    if fleet.plan.mesh:
        text = f"{text} and every answer that the mesh's proxy passed on confirmed a load test"
    else:
        text = f"{text} and every upload was confirmed as a load test"
    if not_compared:
        text = f"{text}; {not_compared}"
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
    """What was proven, how far the proof goes, and what a load could still send unproven."""
    return f"{_proof_message(fleet)}; {exposure_of(fleet.plan)}" if fleet.proof else ""


def _proof_message(fleet: Fleet) -> str:
    """What was proven, and how far the proof goes."""
    proof = fleet.proof
    if proof is None:
        return ""
    addresses = f"{len(proof.addresses)} address{'' if len(proof.addresses) == 1 else 'es'}"
    through = " through a mesh's proxy" if fleet.plan.mesh else ""
    text = (
        f"every pod proved at {addresses}{through} that the target honours X-Load-Test ({proof.reached_level});"
        f" {proof.uploads} uploads with {proof.rows:,} rows were sent for it"
    )
    if fleet.refused_addresses:
        refusals = join_names([refused.message for refused in fleet.refused_addresses], _MOST_REFUSALS)
        text = f"{text}; not used, because they were refused when they came later: {refusals}"
    if fleet.plan.unseen_endpoints:
        text = f"{text}; {unseen_endpoints.EXPLANATION}"
    return f"{text}; {read_back_conclusion(proof.read_back).message}" if proof.read_back else text
