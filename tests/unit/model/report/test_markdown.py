"""A run as Markdown, as a pipeline shows it."""

import pytest
from msgspec import structs

from loadtest_model.judgement.health import Health, HealthLevel
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import ProofLevel, VerificationReport
from loadtest_model.report.markdown import summary_markdown
from loadtest_model.report.summary import Summary, summarize
from support.builders import a_plan, a_run, a_step
from support.report_cases import climbed


def failed() -> Summary:
    step = a_step(accepted=90, rejected=10, errors={ErrorKind.SERVER_ERROR: 10})
    plan, run = a_plan(), a_run(step)
    report = VerificationReport(level=ProofLevel.ECHOED)
    summary = summarize(plan, run, judge(Facts(plan=plan, aggregate=run)), report, "2026-01-01T00:00:00Z")
    return structs.replace(summary, run_id="v1.2.3")


def test_it_begins_with_the_verdict_and_has_reasons_thresholds_figures_proof_and_health() -> None:
    text = summary_markdown(failed())

    first, *_ = text.splitlines()
    assert first == f"## Load test {failed().name}: Failed"
    assert "Run v1.2.3, scenario" in text
    assert "- threshold error_rate".replace("_", "&#95;") in text
    assert "| error&#95;rate &lt; 1% | 10.00% | **breached** |".replace("&lt;", "&#60;") in text
    assert "| error rate | 10.00% |" in text
    assert "Proof: Echoed. Health: Critical." in text
    assert text.endswith("\n")


def test_a_climb_has_its_capacity() -> None:
    assert "virtual users held" in summary_markdown(climbed().summary)


@pytest.mark.parametrize(
    "hostile",
    ["<img src=x onerror=alert(1)>", "[x](javascript:1)", "a | b\n\n## Passed", "**bold** `code`", "@team https://x"],
)
def test_what_a_target_answered_is_never_markup(hostile: str) -> None:
    summary = failed()
    health = Health(level=HealthLevel.WARNING, evidence=(hostile,))
    text = summary_markdown(structs.replace(summary, reasons=(hostile,), health=health))

    lines = text.splitlines()
    assert [line for line in lines if line.startswith("## ")] == [f"## Load test {summary.name}: Failed"]
    for line in (line for line in lines if line.startswith("- ")):
        assert not set("<>[]|`@*") & set(line), line
        assert "https:" not in line
