"""The end of a test: verdict and reasons, thresholds, health, diagnoses, proof, and where the results are.

In the status of an ended test, a text that stands in the message refers to it, and reads as the whole message. The
verdict says the message, so such a text is not said again.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.views.style import Style, labelled
from loadgen.screen.tables import labelled_table
from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.measurement.run_rows import run_rows_text
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.quantities import count_text, seconds_text
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_model.thresholds.comparison import Comparison

Json = dict[str, Any]

BULLET: Final = "- "


def ending_lines(test: LoadTest, style: Style) -> Iterator[str]:
    """The report of a test that has ended."""
    yield from verdict_lines(test, style)
    yield from figure_lines(test)
    yield from threshold_lines(test, style)
    yield from health_lines(test, style)
    yield from diagnosis_lines(test)
    yield from proof_lines(test)
    skew_seconds = (test.status.get("start") or {}).get("skewSeconds")
    if skew_seconds is not None:
        yield labelled("Start", f"all pods within {seconds_text(skew_seconds)}")
    yield from result_lines(test)


def verdict_lines(test: LoadTest, style: Style) -> Iterator[str]:
    """Verdict and reasons. The advice in the message is left to the diagnosis that it belongs to."""
    yield labelled("Verdict", style.verdict(test.verdict, test.reason_class) if test.verdict else "none")
    if test.exit_status is ExitStatus.NEVER_LOADED:
        yield labelled("", f"Nothing was loaded ({test.status.get('reasonClass')}: {test.status.get('reason')}).")
    message, _ = _message_and_advice(test)
    reasons = (message if reason == test.message else reason for reason in _verdict_reasons(test))
    yield from (labelled("", f"{BULLET}{reason}") for reason in reasons)


def figure_lines(test: LoadTest) -> Iterator[str]:
    """What was measured over the whole run."""
    summary = test.status.get("summary") or {}
    requests, records, times = (summary.get(name) or {} for name in ("requests", "records", "responseTimeSeconds"))
    if not requests.get("due"):
        return
    outcomes = ("accepted", "rejected", "unknown", "violation", "dropped")
    parts = ", ".join(f"{requests.get(name, 0):,} {name}" for name in outcomes)
    yield labelled("Uploads", f"{requests['due']:,} due: {parts}")
    rate = (summary.get("throughput") or {}).get("recordsPerSecond", 0)
    yield labelled(
        "Records", f"{records.get('confirmed', 0):,} confirmed of {records.get('sent', 0):,} sent, {rate:,.0f} a second"
    )
    if times.get("samples"):
        figures = (f"{name} {seconds_text(times.get(name))}" for name in ("avg", "p50", "p95", "p99", "max"))
        whole = "over the whole climb: " if test.status.get("capacity") else ""
        yield labelled("Response", f"{whole}{', '.join(figures)}")


def threshold_lines(test: LoadTest, style: Style) -> Iterator[str]:
    """Each threshold beside what was measured."""
    rows = [_threshold_row(item, style) for item in test.status.get("thresholds") or ()]
    if rows:
        yield from labelled_table("Thresholds", rows)


def _threshold_row(item: Json, style: Style) -> Sequence[str]:
    passed = item.get("passed")
    comparison = item.get("baseline")
    result = ThresholdResult(
        expression=item["expression"],
        value=item.get("value"),
        passed=passed,
        baseline=None if comparison is None else Comparison(runs=comparison.get("runs", 0)),
    )
    mark = style.threshold(result)
    step = f"{item['step']}: " if item.get("step") else ""
    return mark, step + item["expression"], measured_text(result), item.get("note", "")


def health_lines(test: LoadTest, style: Style) -> Iterator[str]:
    """The signs of the target's health."""
    if health := test.status.get("health"):
        evidence = health.get("evidence", ())
        new_evidence = [text for text in evidence if not _is_said_by_verdict(test, text)]
        pointer = "; the verdict says why" if evidence and not new_evidence else ""
        yield labelled("Health", f"{style.health(health['level'])}{pointer}")
        yield from (labelled("", f"{BULLET}{text}") for text in new_evidence)


def diagnosis_lines(test: LoadTest) -> Iterator[str]:
    """Why uploads failed: each cause with its evidence and what to do."""
    _, main_advice = _message_and_advice(test)
    label = "Diagnoses"
    for diagnosis in _diagnoses(test):
        title, evidence, next_step = (diagnosis.get(name, "") for name in ("title", "evidence", "nextStep"))
        if main_advice and next_step == test.message:
            next_step, main_advice = main_advice, ""
        evidence, next_step = ("" if _is_said_by_verdict(test, text) else text for text in (evidence, next_step))
        if evidence or next_step:
            yield labelled(label, f"{title}: {evidence}" if evidence else title)
            label = ""
        if next_step:
            yield labelled("", f"What to do: {next_step}")


def _diagnoses(test: LoadTest) -> Sequence[Json]:
    return (test.status.get("summary") or {}).get("diagnoses") or ()


def _message_and_advice(test: LoadTest) -> tuple[str, str]:
    """The message up to the diagnosis that it ends with, and what to do about that; without one there is no advice."""
    for diagnosis in _diagnoses(test):
        reason, separator, advice = test.message.rpartition(f". {diagnosis.get('title')}. ")
        if separator and diagnosis.get("nextStep") == test.message:
            return reason, advice
    return test.message, ""


def _verdict_reasons(test: LoadTest) -> list[str]:
    return test.reasons or list(filter(None, [test.message]))


def _is_said_by_verdict(test: LoadTest, text: str) -> bool:
    return text == test.message and text in _verdict_reasons(test)


def proof_lines(test: LoadTest) -> Iterator[str]:
    """What was proven of the target, and what that took."""
    proof = test.status.get("verification")
    if not proof:
        return
    sent = f"{count_text(proof.get('uploads', 0), 'upload')} with {count_text(proof.get('rows', 0), 'row')}"
    yield labelled("Proof", f"{proof['level']}; the verification sent {sent}")
    if test.exit_status is ExitStatus.NEVER_LOADED and proof.get("canaryIds"):
        id_column, canary_ids = proof.get("idColumn", "client_id"), proof["canaryIds"]
        noun = "the canary" if len(canary_ids) == 1 else "canaries"
        yield labelled("", f"{BULLET}{noun} that may be stored: {id_column} {', '.join(canary_ids)}")
        yield labelled("", f"{BULLET}{run_rows_text(id_column, canary_ids[0])}")
    if proof.get("notice") and not _is_said_by_verdict(test, proof["notice"]):
        yield labelled("", f"but {proof['notice']}")
    if proof.get("readBack") and not _is_said_by_verdict(test, proof["readBack"]):
        yield labelled("", f"{BULLET}{proof['readBack']}")


def result_lines(test: LoadTest) -> Iterator[str]:
    """Where the results are."""
    if test.results_name:
        yield labelled("Results", f"ConfigMap {test.namespace}/{test.results_name}")
