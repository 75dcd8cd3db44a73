"""The section on thresholds: each as a bar with its state in a word."""

from collections.abc import Sequence
from typing import Final

from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.pages.elements import Element, element, sentence
from loadtest_model.pages.icons import Tone, stated
from loadtest_model.pages.sections import section
from loadtest_model.pages.threshold_bar import interval_text, threshold_bar
from loadtest_model.quantities import count_text
from loadtest_model.report.summary import Summary
from loadtest_model.thresholds.bounds import ThresholdResult

_ORDER: Final = ("breached", "in doubt", "no sample", "held")
_STATES: Final = {True: (Tone.GOOD, "held"), False: (Tone.BAD, "breached")}


def thresholds_section(summary: Summary) -> Element:
    """All thresholds, those that did not hold first within their step."""
    results = summary.thresholds
    if not results:
        return section("thresholds", "Thresholds", note="No threshold was judged.")
    steps = list(dict.fromkeys(result.step for result in results))
    groups = [_group(step, [result for result in results if result.step == step]) for step in steps]
    style = "threshold-groups compact" if len(steps) > 1 else "threshold-groups"
    return section("thresholds", "Thresholds", element("div", groups, class_=style), note=_note(results))


def threshold_state(result: ThresholdResult) -> tuple[Tone, str]:
    """How a threshold came out, in a word."""
    if result.passed is not None:
        return _STATES[result.passed]
    return (Tone.DOUBT, "in doubt") if result.is_in_doubt else (Tone.QUIET, "no sample")


def _note(results: Sequence[ThresholdResult]) -> str:
    words = [threshold_state(result)[1] for result in results]
    counts = ", ".join(f"{words.count(word)} {word}" for word in _ORDER if word in words)
    how_to_read = "The line is the bound, and the grey side is allowed."
    if any(result.is_in_doubt for result in results):
        how_to_read += " A bracket spans the interval in which the true value lies."
    return f"{count_text(len(results), 'threshold')}: {counts}. {how_to_read}"


def _group(step: str, results: Sequence[ThresholdResult]) -> Element:
    ordered = sorted(results, key=lambda result: _ORDER.index(threshold_state(result)[1]))
    return element(
        "div",
        element("h3", step) if step else None,
        element("ul", [_threshold(result) for result in ordered], class_="thresholds"),
    )


def _threshold(result: ThresholdResult) -> Element:
    tone, word = threshold_state(result)
    return element(
        "li",
        element("span", stated(tone, word), class_="state"),
        element("code", result.expression, class_="expression"),
        element("span", threshold_bar(result, tone), class_="bar-place"),
        element("span", measured_text(result) if result.value is not None else "-", class_="measured"),
        _remark(result),
    )


def _remark(result: ThresholdResult) -> Element | None:
    interval = interval_text(result)
    remarks = []
    if result.is_in_doubt:
        remarks.append(f"The true value lies {interval or 'on both sides of the bound'}.")
    if result.note and result.value is not None:
        remarks.append(sentence(result.note))
    return element("span", " ".join(remarks), class_="remark") if remarks else None
