"""What is said before the load: target, plan, what is at stake, and the proof."""

from loadgen.local.document import purpose_of
from loadgen.local.secrecy import public_url
from loadgen.local.texts import counted, span_text
from loadgen.local.wording import in_options
from loadtest_model.exposure import exposure_of
from loadtest_model.plan import Plan, Step
from loadtest_model.snapshot import VerificationReport


def opening(plan: Plan, source: str | None) -> str:
    """Target and plan in a few lines. `source` says where the URL came from, where that is not the command line."""
    purpose = purpose_of(plan.scenario)
    total = sum(step.duration_seconds for step in plan.steps)
    lines = [
        f"Target    {public_url(plan.target.url)}{f'  (from {source})' if source else ''}",
        f"Test      {plan.name}: scenario {plan.scenario}{f' ({purpose})' if purpose else ''},"
        f" {span_text(total)} of load, files as {plan.target.format.upper()}",
        *(f"          {step_text(step)}" for step in plan.steps),
        f"At stake  {exposure_of(plan)}",
    ]
    return "\n".join(lines)


def step_text(step: Step) -> str:
    """A step in a line: rows a batch, virtual users by stage, how long."""
    levels = [
        f"{span_text(segment.duration_seconds)} at {segment.last_users}"
        if segment.first_users == segment.last_users
        else f"{span_text(segment.duration_seconds)} from {segment.first_users} to {segment.last_users}"
        for segment in step.segments
    ]
    users = ", ".join(levels[:6]) + (", ..." if len(levels) > 6 else "")
    return f"{step.name}: {counted(step.batch_size, 'record')} a batch; virtual users: {users}"


def proof_text(report: VerificationReport) -> str:
    """How the target was proven, or why it was refused and what to do."""
    if report.proven:
        return (
            f"Proof     {report.level}: {', '.join(report.addresses)}"
            f" ({counted(report.uploads, 'upload')}, {counted(report.rows, 'row')})"
        )
    if report.refusal is None:
        return f"Cut off   {report.message}"
    return f"Refused   {report.refusal}: {report.message}\nTo do     {in_options(report.hint)}"
