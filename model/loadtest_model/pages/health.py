"""The sections on the target's health, and on what failed and what to do about it."""

from loadtest_model.judgement.diagnoses import Diagnosis
from loadtest_model.judgement.health import Health, HealthLevel
from loadtest_model.pages.elements import Element, element, sentence
from loadtest_model.pages.icons import HEALTH_TONES, stated
from loadtest_model.pages.sections import section
from loadtest_model.report.summary import Summary


def health_section(health: Health | None, only_step: str = "", *, is_final: bool = True) -> Element | None:
    """How the target fared, or fares so far, with the evidence for each sign; None of a target without a load.

    Of a test with one step, `only_step`, the step's name says nothing and is left out.
    """
    if health is None:
        return None
    prefix = f"{only_step}: " if only_step else ""
    evidence = [element("li", sentence(text.removeprefix(prefix))) for text in health.evidence]
    calm_text = "No sign of trouble was seen." if is_final else "No sign of trouble was seen so far."
    calm = element("p", calm_text) if health.level is HealthLevel.GOOD else None
    warning = (
        element("p", "A warning does not change the verdict.", class_="limits")
        if health.level is HealthLevel.WARNING
        else None
    )
    return section(
        "health",
        "Health" if is_final else "Health so far",
        element("p", stated(HEALTH_TONES[health.level], str(health.level))),
        element("ul", evidence, class_="remarks") if evidence else calm,
        warning,
    )


def only_step_name(summary: Summary) -> str:
    """The name of the step of a test that has only one."""
    return summary.steps[0].name if len(summary.steps) == 1 else ""


def diagnoses_section(summary: Summary) -> Element | None:
    """Why uploads failed, and what to do next; None if there is nothing to explain."""
    if not summary.diagnoses:
        return None
    entries = [
        element(
            "li",
            element("h3", diagnosis.title),
            _evidence(summary, diagnosis),
            element("p", element("b", "What to do: "), sentence(diagnosis.next_step), class_="next-step"),
        )
        for diagnosis in summary.diagnoses
    ]
    return section("diagnoses", "What went wrong, and what to do", element("ol", entries, class_="diagnoses"))


def _evidence(summary: Summary, diagnosis: Diagnosis) -> Element | None:
    """The evidence, unless a reason of the verdict says the same."""
    text = diagnosis.evidence.rstrip(".")
    if not text or any(text in reason for reason in summary.reasons):
        return None
    return element("p", sentence(text), class_="evidence")
