"""The report at the end: the verdict with its reasons, and the figures behind it."""

from collections.abc import Iterator, Mapping
from typing import Final

from loadgen.options.wording import OPTIONS, with_advice_words
from loadgen.screen.styling import BOLD, GREEN, RED, YELLOW, paint
from loadgen.screen.tables import labelled_table
from loadtest_model.judgement.judged_thresholds import measured_text
from loadtest_model.judgement.verdict import Verdict, verdict_text
from loadtest_model.measurement.snapshot import ProofLevel
from loadtest_model.measurement.spread import merged_spread
from loadtest_model.quantities import bytes_text, count_text, seconds_text, span_text
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.report.capacity import capacity_lines
from loadtest_model.report.figures import PartsTimes
from loadtest_model.report.summary import Proof, StepSummary, Summary, TargetUse
from loadtest_model.thresholds.bounds import ThresholdResult

VERDICT_COLOURS: Final = {Verdict.PASSED: GREEN, Verdict.FAILED: RED, Verdict.INCONCLUSIVE: YELLOW}
_COLUMNS: Final = ("avg", "p50", "p90", "p95", "p99", "max")


def verdict_lines(summary: Summary, *, words: Mapping[str, str] = OPTIONS, in_colour: bool) -> Iterator[str]:
    """The verdict and its reasons."""
    yield f"Verdict     {coloured_verdict(summary.verdict, summary.reason_class, in_colour=in_colour)}"
    # Without a load every threshold lacks its samples as well, which goes without saying.
    reasons = summary.reasons if summary.requests.due else summary.reasons[:1]
    yield from (f"            - {with_advice_words(words, reason)}" for reason in reasons)


def coloured_verdict(verdict: Verdict, reason_class: ReasonClass, *, in_colour: bool) -> str:
    """A verdict in its colour."""
    return paint(verdict_text(verdict, reason_class), f"{BOLD};{VERDICT_COLOURS[verdict]}", in_colour)


def closing_text(summary: Summary, *, words: Mapping[str, str] = OPTIONS, in_colour: bool = False) -> str:
    """The whole report for people. `words` has the user's word for each field."""
    return "\n".join(_lines(summary, words, in_colour=in_colour))


def _lines(summary: Summary, words: Mapping[str, str], *, in_colour: bool) -> Iterator[str]:
    yield from verdict_lines(summary, words=words, in_colour=in_colour)
    if not summary.requests.due:
        return
    if summary.capacity is not None:
        for number, line in enumerate(capacity_lines(summary.capacity)):
            yield f"Capacity    {line}" if number == 0 else f"            - {line}"
    yield from _proof(summary.verification)
    yield from _figures(summary)
    if len(summary.steps) > 1:
        yield from _steps(summary.steps)
    yield from _addresses(summary.steps)
    if summary.thresholds:
        yield from _thresholds(summary)
    if summary.health:
        yield f"Health      {summary.health.level}"
        yield from (f"            - {text}" for text in summary.health.evidence)
    yield from _diagnoses(summary, words)
    yield from _target(summary.target)
    yield from _generator(summary, words)


def _proof(proof: Proof) -> Iterator[str]:
    yield f"Proof       {proof.level}"
    if proof.read_back:
        yield f"            - {proof.read_back}"
    if proof.unechoed:
        answers = count_text(proof.unechoed, "accepted answer")
        yield f"            - {answers} did not return the nonce, as the verification's did: not {ProofLevel.ECHOED}"
    if proof.unverified:
        yield f"            - not used, since they failed their verification: {', '.join(proof.unverified)}"
    if proof.vanished:
        yield f"            - vanished while the load ran: {', '.join(proof.vanished)}"


def _figures(summary: Summary) -> Iterator[str]:
    requests, records, rates = summary.requests, summary.records, summary.throughput
    outcomes = ("accepted", "rejected", "unknown", "violation", "dropped")
    parts = ", ".join(f"{getattr(requests, name):,} {name}" for name in outcomes)
    yield f"Uploads     {requests.due:,} due in {span_text(summary.duration_seconds)}, with the last answers: {parts}"
    if requests.rerouted:
        yield f"Rerouted    {requests.rerouted:,} whose address had left the target, to another"
    if summary.errors:
        kinds = sorted(summary.errors.items(), key=lambda item: -item[1])
        yield f"Errors      {', '.join(f'{kind} {count:,}' for kind, count in kinds)}"
    if summary.response_time_seconds.censored:
        uploads = f"{summary.response_time_seconds.censored:,} before they ended"
        yield f"Cut         {uploads}; they count at their age, which is the least that they took"
    if summary.error_rate is not None:
        yield f"Error rate  {summary.error_rate:.2%}"
    yield f"Records     {records.confirmed:,} confirmed of {records.sent:,} sent"
    yield (
        f"Throughput  {rates.records_per_second:,.0f} records/s, {rates.requests_per_second:,.1f} uploads/s,"
        f" {bytes_text(rates.bytes_per_second)}/s"
    )
    yield from _times(summary)


def _times(summary: Summary) -> Iterator[str]:
    """Response and service time, and the parts of the service time where there is one step: those of several mix."""
    rows: list[tuple[str, ...]] = [("whole climb" if summary.capacity is not None else "", *_COLUMNS)]
    for name, times in (("response", summary.response_time_seconds), ("service", summary.service_time_seconds)):
        rows.append((name, *(seconds_text(getattr(times, column)) for column in _COLUMNS)))
    parts = summary.steps[0].parts_seconds if len(summary.steps) == 1 else None
    for name in PartsTimes.__struct_fields__ if parts else ():
        part = getattr(parts, name)
        if part.uploads:
            rows.append((name, seconds_text(part.avg), "", "", "", "", seconds_text(part.max)))
    yield from labelled_table("Times", rows)


def _addresses(steps: tuple[StepSummary, ...]) -> Iterator[str]:
    """How the uploads were spread, where there was more than one address to go to."""
    spread = merged_spread(step.addresses for step in steps)
    if len(spread) > 1:
        rows = [
            (address, f"{counts.sent:,} sent", f"{counts.accepted:,} accepted", f"{counts.failed:,} failed")
            for address, counts in spread.items()
        ]
        yield from labelled_table("Addresses", rows)


def _steps(steps: tuple[StepSummary, ...]) -> Iterator[str]:
    rows = [("step", "uploads", "errors", "records/s", "p95", "health")] + [
        (
            step.name,
            f"{step.requests.due:,}",
            "-" if step.error_rate is None else f"{step.error_rate:.2%}",
            f"{step.throughput.records_per_second:,.0f}",
            seconds_text(step.response_time_seconds.p95),
            str(step.health.level) if step.health else "-",
        )
        for step in steps
    ]
    yield from labelled_table("Steps", rows)


def _thresholds(summary: Summary) -> Iterator[str]:
    rows = [
        (
            threshold_mark(result),
            f"{result.step}: {result.expression}" if result.step else result.expression,
            measured_text(result),
            result.note,
        )
        for result in summary.thresholds
    ]
    yield from labelled_table("Thresholds", rows)


def threshold_mark(result: ThresholdResult, *, in_colour: bool = False) -> str:
    """How a threshold came out, in a word: `?` if it is in doubt or has no sample, `-` if nothing was compared."""
    if result.lacks_comparison and result.value is not None:
        return "-"
    word, colour = {True: ("ok", GREEN), False: ("FAILED", RED), None: ("?", YELLOW)}[result.passed]
    return paint(word, colour, in_colour)


def _diagnoses(summary: Summary, words: Mapping[str, str]) -> Iterator[str]:
    for number, diagnosis in enumerate(summary.diagnoses):
        evidence = with_advice_words(words, diagnosis.evidence)
        yield f"{'Diagnoses' if number == 0 else '':<12}{diagnosis.title}: {evidence}"
        yield f"            What to do: {with_advice_words(words, diagnosis.next_step)}"


def _target(target: TargetUse) -> Iterator[str]:
    if target.memory_bytes is not None:
        yield f"Target      held {bytes_text(target.memory_bytes)} of memory at most"
    if target.not_measurable:
        yield f"Target      memory {target.not_measurable}"


def _generator(summary: Summary, words: Mapping[str, str]) -> Iterator[str]:
    generator = summary.generator
    state = f"offered {generator.offered_share:.0%} of the planned load"
    if generator.throttled_share is None:
        state += "; the system does not tell whether it was throttled"
    yield (
        f"Generator   {state}; {bytes_text(generator.memory_bytes)} of memory, {generator.cpu_seconds:.1f} s of CPU,"
        f" event loop late by {seconds_text(generator.max_loop_lag_seconds)} at most"
    )
    verdict_reasons = "\n".join(summary.reasons)
    yield from (
        f"            - {with_advice_words(words, reason)}"
        for reason in generator.notes
        if reason not in verdict_reasons
    )
