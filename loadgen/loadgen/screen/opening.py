"""The report before the load: target, plan, what is at stake, and the proof."""

from collections.abc import Mapping
from typing import Final

from loadgen.options.wording import OPTIONS, with_advice_words
from loadtest_model.explanations import explanation_of
from loadtest_model.load.scenarios import PRESETS
from loadtest_model.measurement.proof import read_back_conclusion
from loadtest_model.measurement.snapshot import VerificationReport
from loadtest_model.plan import Plan, Step
from loadtest_model.plan.exposure import exposure_of
from loadtest_model.plan.notices import plan_notices
from loadtest_model.quantities import count_text, span_text
from loadtest_model.secrecy import public_url
from loadtest_model.spec import Scenario

MAX_STAGES: Final = 6


def opening_text(plan: Plan, source: str | None, words: Mapping[str, str] = OPTIONS) -> str:
    """Target and plan in a few lines. `source` says where the URL came from, where that is not the command line.

    `words` has the user's word for each field.
    """
    purpose = _purpose_of(plan.scenario)
    name = plan.name if plan.name == plan.scenario else f"{plan.name}: scenario {plan.scenario}"
    records = plan.steps[0].records
    length = (
        f"{count_text(records, 'record')} in all"
        if records is not None
        else f"{span_text(sum(step.duration_seconds for step in plan.steps))} of load"
    )
    lines = [
        f"Target      {public_url(plan.target.url)}{f'  (from {source})' if source else ''}",
        f"Test        {name}{f' ({purpose})' if purpose else ''}, {length}, files as {plan.target.format.upper()}",
        *(f"            {f'{step.name}: ' if len(plan.steps) > 1 else ''}{step_text(step)}" for step in plan.steps),
        f"At stake    {exposure_of(plan)}",
        *(f"Notice      {with_advice_words(words, notice)}" for notice in plan_notices(plan)),
    ]
    return "\n".join(lines)


def _purpose_of(scenario: str) -> str:
    """What a scenario is for, in a few words; empty for those that have no purpose of their own."""
    if scenario == Scenario.CAPACITY:
        return "how much the target can take"
    preset = PRESETS.get(scenario)
    return preset.purpose if preset else ""


def step_text(step: Step) -> str:
    """A step in a line: rows a batch, virtual users or arrivals by stage, how long."""
    if step.arrivals is not None:
        load_text = (
            f"at most {count_text(step.virtual_users, 'virtual user')}; {step.arrivals.process} arrivals a second"
        )
        stages = [
            _stage(rate.duration_seconds, rate.first_per_second, rate.last_per_second) for rate in step.arrivals.rates
        ]
    else:
        load_text = "virtual users"
        stages = [_stage(part.duration_seconds, part.first_users, part.last_users) for part in step.segments]
    if step.records is not None:
        return f"{count_text(step.batch_size, 'record')} a batch; {load_text}: {step.segments[0].last_users}"
    stages_text = ", ".join(stages[:MAX_STAGES]) + (", ..." if len(stages) > MAX_STAGES else "")
    return f"{count_text(step.batch_size, 'record')} a batch; {load_text}: {stages_text}"


def _stage(duration_seconds: float, first: float, last: float) -> str:
    level = f"at {last:g}" if first == last else f"from {first:g} to {last:g}"
    return f"{span_text(duration_seconds)} {level}"


def proof_text(report: VerificationReport, words: Mapping[str, str] = OPTIONS) -> str:
    """How the target was proven, or why it was refused and what to do."""
    if report.is_proven:
        proof = (
            f"Proof       {report.level}: {', '.join(report.addresses)}"
            f" ({count_text(report.uploads, 'upload')}, {count_text(report.rows, 'row')})"
        )
        if report.read_back is None:
            return proof
        return f"{proof}\n            {read_back_conclusion(report.read_back).message}"
    if report.refusal is None:
        return f"Cut off     {report.message}"
    cause = f"\nCause       {explanation_of(report.cause).title}" if report.cause else ""
    message, hint = with_advice_words(words, report.message), with_advice_words(words, report.hint)
    return f"Refused     {report.refusal}: {message}{cause}\nTo do       {hint}"
