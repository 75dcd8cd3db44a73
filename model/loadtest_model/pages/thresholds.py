"""The section on thresholds: each as a bar with its state in a word."""

from collections.abc import Sequence
from typing import Final

from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.pages.elements import Element, element, sentence
from loadtest_model.pages.icons import Tone, stated
from loadtest_model.pages.sections import section
from loadtest_model.pages.threshold_bar import interval_text, threshold_bar
from loadtest_model.quantities import count_text
from loadtest_model.thresholds.bounds import ThresholdResult

_STATES: Final = {True: (Tone.GOOD, "held"), False: (Tone.BAD, "breached")}
_STATES_SO_FAR: Final = {True: (Tone.GOOD, "holds"), False: (Tone.BAD, "breached")}
_NOT_COMPARED: Final = "not compared"
_ORDER: Final = ("breached", "in doubt", "no sample", "no sample yet", _NOT_COMPARED, "held", "holds")


def thresholds_section(results: Sequence[ThresholdResult], *, is_final: bool = True) -> Element:
    """All thresholds, those that did not hold first within their step; of a run that goes on, as they stand so far."""
    title = "Thresholds" if is_final else "Thresholds so far"
    if not results:
        note = "No threshold was judged." if is_final else "The test has no threshold."
        return section("thresholds", title, note=note)
    steps = list(dict.fromkeys(result.step for result in results))
    groups = [_group(step, [result for result in results if result.step == step], is_final=is_final) for step in steps]
    style = "threshold-groups compact" if len(steps) > 1 else "threshold-groups"
    note = _note(results, is_final=is_final)
    return section("thresholds", title, element("div", groups, class_=style), note=note)


def threshold_state(result: ThresholdResult, *, is_final: bool = True) -> tuple[Tone, str]:
    """How a threshold came out, or how it stands so far, in a word."""
    if result.passed is not None:
        return (_STATES if is_final else _STATES_SO_FAR)[result.passed]
    if result.lacks_comparison and result.value is not None:
        return Tone.QUIET, _NOT_COMPARED
    return (
        (Tone.DOUBT, "in doubt") if result.is_in_doubt else (Tone.QUIET, "no sample" if is_final else "no sample yet")
    )


def _note(results: Sequence[ThresholdResult], *, is_final: bool) -> str:
    words = [threshold_state(result, is_final=is_final)[1] for result in results]
    counts = ", ".join(_counted(words.count(word), word) for word in _ORDER if word in words)
    how_to_read = "The line is the bound, and the grey side is allowed."
    if any(result.is_in_doubt for result in results):
        how_to_read += " A bracket spans the interval in which the true value lies."
    if any(result.baseline and result.baseline.runs for result in results):
        how_to_read += " The dark band is the baseline of earlier runs."
    judged = "" if is_final else " They are judged when the load is over."
    return f"{count_text(len(results), 'threshold')}: {counts}.{judged} {how_to_read}"


def _counted(number: int, word: str) -> str:
    return f"{number} {'hold' if word == 'holds' and number > 1 else word}"


def _group(step: str, results: Sequence[ThresholdResult], *, is_final: bool) -> Element:
    ordered = sorted(results, key=lambda result: _ORDER.index(threshold_state(result)[1]))
    return element(
        "div",
        element("h3", step) if step else None,
        element("ul", [_threshold(result, is_final=is_final) for result in ordered], class_="thresholds"),
    )


def _threshold(result: ThresholdResult, *, is_final: bool) -> Element:
    tone, word = threshold_state(result, is_final=is_final)
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
    if result.note and (result.value is not None or result.baseline is not None):
        remarks.append(sentence(result.note))
    return element("span", " ".join(remarks), class_="remark") if remarks else None
