"""The verification for people: a line for each check, the result, and what to do."""

from collections.abc import Mapping
from typing import Final

from loadgen.options.wording import OPTIONS, with_advice_words
from loadgen.screen.styling import GREEN, RED, paint
from loadtest_model.explanations import explanation_of
from loadtest_model.measurement.proof import ReadingMoment, read_back_conclusion
from loadtest_model.measurement.snapshot import CheckName, VerificationCheck, VerificationReport
from loadtest_model.quantities import count_text, seconds_text
from loadtest_model.secrecy import public_url

_PURPOSES: Final = {
    CheckName.CONNECT: "reachable",
    CheckName.HEADER_ONLY: "no redirect, access granted",
    CheckName.CANARY: "counted right, marker true",
    CheckName.FEW_ROWS: "counted right, marker true",
    CheckName.FULL_BATCH: "body limits are wide enough",
}
DETAIL_CHARACTERS: Final = 60


def checklist(
    url: str, report: VerificationReport, *, words: Mapping[str, str] = OPTIONS, in_colour: bool = False
) -> str:
    """A report for people. `words` has the user's word for each field."""
    lines = [f"Target      {public_url(url)}", "", *_checks(report, in_colour=in_colour)]
    if report.checks:
        lines.append("")
    if report.is_proven:
        lines += [
            f"{paint('Verified', GREEN, in_colour)}    level {report.reached_level}, at {', '.join(report.addresses)}",
            f"            {count_text(report.uploads, 'upload')} with {count_text(report.rows, 'row')} were sent",
            *([f"Read back   {read_back_conclusion(report.read_back).message}"] if report.read_back else []),
        ]
    elif report.refusal is None:
        lines.append(f"{paint('Cut off', RED, in_colour)}     {report.message}")
    else:
        lines += [
            f"{paint('Refused', RED, in_colour)}     {report.refusal}: {with_advice_words(words, report.message)}",
            *([f"Cause       {explanation_of(report.cause).title}"] if report.cause else []),
            f"To do       {with_advice_words(words, report.hint)}",
            *_readings_after_refusal(report),
        ]
    if report.canary_ids:
        lines.append(f"Canary      {report.id_column} {', '.join(report.canary_ids)}")
    return "\n".join(lines)


def _readings_after_refusal(report: VerificationReport) -> list[str]:
    """What a refused target was found to have stored, if it was asked."""
    readings = report.read_back.readings if report.read_back else ()
    if report.read_back is None or all(reading.moment is not ReadingMoment.REFUSED for reading in readings):
        return []
    return [f"Read back   {read_back_conclusion(report.read_back).message}"]


def _checks(report: VerificationReport, *, in_colour: bool) -> list[str]:
    checks = report.checks
    addresses = {check.address for check in checks}
    widths = {
        "name": max((len(check.name) for check in checks), default=0),
        # A single address is told below.
        "address": max(map(len, addresses)) if len(addresses) > 1 else 0,
        "purpose": max((len(_purpose(check)) for check in checks), default=0),
    }
    lines = []
    for check in checks:
        mark = paint("ok    ", GREEN, in_colour) if check.passed else paint("FAILED", RED, in_colour)
        status = f"{check.status}" if check.status is not None else "-"
        address = f"  {check.address:<{widths['address']}}" if widths["address"] else ""
        line = (
            f"  {mark}  {check.name:<{widths['name']}}  {_purpose(check):<{widths['purpose']}}"
            f"{address}  {status:>3}  {seconds_text(check.seconds):>8}  {_detail(check, report)}"
        )
        lines.append(line.rstrip())
    return lines


def _detail(check: VerificationCheck, report: VerificationReport) -> str:
    """What was seen, unless it goes without saying or is said below."""
    if not check.passed:
        return "" if check.detail in report.message else check.detail
    if check.status is not None and check.status >= 400:
        return "allowed: it has no rows"
    return check.detail if len(check.detail) <= DETAIL_CHARACTERS else ""


def _purpose(check: VerificationCheck) -> str:
    return f"{count_text(check.rows, 'row')}: {_PURPOSES[check.name]}" if check.rows else _PURPOSES[check.name]
