"""What an earlier look saw of the target and wrote down, and what nothing that was measured later can undo.

It decides where the measurements that showed it are lost by now, so that they cannot be judged again.
"""

from loadtest_model.judgement.completeness_checks import lacks_times
from loadtest_model.judgement.health import tells_of_silence
from loadtest_model.judgement.judged_thresholds import breach_text
from loadtest_model.judgement.verdict import Gap
from loadtest_model.measurement.missing import is_silence_known
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.reasons import Reason
from loadtest_model.report.references import resolve_all
from loadtest_model.thresholds.bounds import ThresholdResult, parse_threshold
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.facts.observation import Observation
from loadtest_operator.manifests.common import Json


def lasting_failures(observation: Observation, fleet: Fleet) -> tuple[Gap, ...]:
    """The silences and the breaches on record that are lost from what is measured."""
    status = resolve_all(observation.test.status)
    if status.get("runId") != observation.run_id:
        return ()
    return (*_silences(status, fleet), *_breaches(status, fleet))


def _silences(status: Json, fleet: Fleet) -> tuple[Gap, ...]:
    if all(is_silence_known(step) for step in fleet.aggregate.steps):
        return ()
    evidence = (status.get("health") or {}).get("evidence") or ()
    return tuple(Gap(Reason.HealthCritical, text) for text in evidence if tells_of_silence(text))


def _breaches(status: Json, fleet: Fleet) -> tuple[Gap, ...]:
    several = len(fleet.plan.steps) > 1
    steps = {
        step.name if several else "": aggregate
        for step, aggregate in zip(fleet.plan.steps, fleet.aggregate.steps, strict=False)
    }
    failures = []
    for result in status.get("thresholds") or ():
        step = result.get("step", "")
        if result.get("passed") is False and _is_lost(result["expression"], steps.get(step)):
            breach = ThresholdResult(
                expression=result["expression"], value=result.get("value"), passed=False, step=step
            )
            failures.append(Gap(Reason.ThresholdBreached, breach_text(breach)))
    return tuple(failures)


def _is_lost(expression: str, step: StepAggregate | None) -> bool:
    threshold = parse_threshold(expression)
    return threshold.breach_is_lasting and (step is None or lacks_times(threshold.metric, step))
