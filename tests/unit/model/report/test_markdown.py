"""A run as Markdown, as a pipeline shows it."""

import re

import pytest
from msgspec import structs

from loadtest_model.judgement.health import Health, HealthLevel
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import ProofLevel, VerificationReport
from loadtest_model.reason_groups import ReasonClass
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
    assert "- threshold error_rate < 1%" in text
    assert "| `error_rate < 1%` | 10.00% | **breached** |" in text
    assert "| error rate | 10.00% |" in text
    assert "Proof: Echoed. Health: Critical." in text
    assert text.endswith("\n")


def test_a_run_that_loaded_nothing_says_so_and_nothing_of_the_targets_health() -> None:
    text = summary_markdown(structs.replace(failed(), reason_class=ReasonClass.REFUSED, health=None))

    assert text.startswith(f"## Load test {failed().name}: Failed (never loaded)\n")
    assert "Health" not in text


def test_a_climb_has_its_capacity() -> None:
    assert "virtual users held" in summary_markdown(climbed().summary)


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("p95 <= 2s & error_rate > 1% of read_back_rows", "p95 <= 2s & error_rate > 1% of read_back_rows"),
        ("no answer of http://127.0.0.1:8000/u/_x_.", "no answer of `http://127.0.0.1:8000/u/_x_`."),
        ("see (https://a/b), then www.a", "see (`https://a/b`), then www&#46;a"),
        ("&lt; <b> a>b _x_ <!-- ->", "&#38;lt; &#60;b&#62; a&#62;b &#95;x&#95; &#60;!-- -&#62;"),
        ("http://a|b`c", "`http://a`&#124;b&#96;c"),
    ],
)
def test_a_log_shows_text_as_it_is_but_for_what_would_be_markup(reason: str, line: str) -> None:
    text = summary_markdown(structs.replace(failed(), reasons=(reason,), target_url="http://127.0.0.1:8000/u/"))

    assert f"- {line}" in text.splitlines()
    assert "target `http://127.0.0.1:8000/u/`." in text


@pytest.mark.parametrize(
    "hostile",
    [
        "<img src=x onerror=alert(1)>",
        "[x](javascript:1)",
        "a | b\n\n## Passed",
        "**bold** `code`",
        "@team https://x",
        "HTTPS://x`<b>` http://[x](y)|`",
    ],
)
def test_what_a_target_answered_is_never_markup(hostile: str) -> None:
    summary = failed()
    health = Health(level=HealthLevel.WARNING, evidence=(hostile,))
    text = summary_markdown(structs.replace(summary, reasons=(hostile,), health=health))

    lines = text.splitlines()
    assert [line for line in lines if line.startswith("## ")] == [f"## Load test {summary.name}: Failed"]
    for line in (re.sub("`[^`]*`", "", line) for line in lines if line.startswith("- ")):
        assert not set("[]|`@*") & set(line), line
        assert not re.search("<[^ =0-9]", line), line
        assert "https:" not in line.lower()
