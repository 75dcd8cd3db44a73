"""The checks of a verdict on the promise of a target: broken, not proven, or with nobody left to keep it."""

from typing import Final

from loadtest_model.judgement.evidence import Evidence, Finding
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.proof import ReadBackResult, read_back_conclusion
from loadtest_model.measurement.run_rows import run_rows_of
from loadtest_model.measurement.snapshot import Refusal, RefusedAddress, Violation
from loadtest_model.reasons import Reason

_BROKEN_PROMISES: Final = frozenset({Refusal.MARKER_MISSING, Refusal.MARKER_FALSE, Refusal.REDIRECT})


def violations(evidence: Evidence) -> list[Finding]:
    return [
        Finding(Verdict.FAILED, Reason.Violation, violation_text(violation))
        for violation in evidence.facts.aggregate.violations
    ]


def counted_violations(evidence: Evidence) -> list[Finding]:
    """A violation that was counted, but of which nothing more is known: who saw it was cut off before it could tell."""
    facts = evidence.facts
    violation_count = sum(step.total.violation for step in facts.aggregate.steps)
    if (
        not violation_count
        or facts.aggregate.violations
        or any(failure.reason is Reason.Violation for failure in facts.recorded_failures)
    ):
        return []
    text = (
        f"{violation_count} upload{' was' if violation_count == 1 else 's were'} answered with a 2xx without a true"
        " marker or the nonce that was asked for, or with a redirect; which rows may be stored because of it is not"
        " known"
    )
    return [Finding(Verdict.FAILED, Reason.Violation, text)]


def violation_text(violation: Violation) -> str:
    """A broken promise in a sentence: what was answered, where, and which rows may be stored because of it."""
    if violation.message.startswith(violation.address):
        # A verification has met it, whose message says all of this.
        return violation.message
    first_row = violation.first_row or f"client_id {violation.first_client_id}"
    run_rows = run_rows_of(first_row, violation.first_client_id)
    removal = f"remove {'it' if violation.rows == 1 else 'them'}{f': {run_rows}' if run_rows else ''}"
    rows_text = (
        f"row of that upload, with {first_row}, may be stored"
        if violation.rows == 1
        else f"{violation.rows:,} rows of that upload may be stored, the first with {first_row}"
    )
    return f"{violation.address} {violation.message}; the {rows_text}; {removal}"


def rows_found_stored(evidence: Evidence) -> list[Finding]:
    read_back = evidence.facts.read_back
    conclusion = read_back_conclusion(read_back) if read_back else None
    if conclusion is None or conclusion.result is not ReadBackResult.STORED:
        return []
    return [Finding(Verdict.FAILED, Reason[conclusion.result], conclusion.message)]


def refused_verification(evidence: Evidence) -> list[Finding]:
    report = evidence.facts.refusal
    if report is None or report.refusal is None:
        return []
    # That the generator had no CPU to verify with says nothing of the target, but rows that it stored do.
    is_unknown = report.refusal is Refusal.THROTTLED and not rows_found_stored(evidence)
    verdict = Verdict.INCONCLUSIVE if is_unknown else Verdict.FAILED
    return [Finding(verdict, Reason[report.refusal], report.message)]


def recorded_failures(evidence: Evidence) -> list[Finding]:
    """A violation or refusal stays one when the pod that saw it is gone."""
    if evidence.facts.aggregate.violations or evidence.facts.refusal is not None:
        return []
    return [Finding(Verdict.FAILED, failure.reason, failure.message) for failure in evidence.facts.recorded_failures]


def vanished_target(evidence: Evidence) -> list[Finding]:
    """Uploads that had no address left to go to, unless it is known that the target crashed."""
    target = evidence.facts.target
    if target is not None and target.crashes:
        return []
    count = sum(step.errors.get(ErrorKind.NO_ADDRESS, 0) for step in evidence.facts.aggregate.steps)
    if not count:
        return []
    if evidence.facts.refused_addresses:
        return [_refused_addresses(count, evidence.facts.refused_addresses)]
    explanation = (
        f"{target.workload} was rolled out, and none of its pods served meanwhile; let a rollout keep some of them"
        if target is not None and target.rolled_out
        else "look at the pods behind its Service"
    )
    text = (
        f"{count} uploads had no address to go to and count as rejected: every proven address of the target"
        f" vanished while the load ran; {explanation}"
    )
    return [Finding(Verdict.INCONCLUSIVE, Reason.TargetVanished, text)]


def _refused_addresses(count: int, refused_addresses: tuple[RefusedAddress, ...]) -> Finding:
    """Uploads that had no address, since those that came in the place of the proven ones were refused.

    The gravest refusal decides: an address that does not honour the header is no target.
    """
    first, *others = sorted(refused_addresses, key=lambda refused: refused.refusal not in _BROKEN_PROMISES)
    addresses = ", ".join(refused.address for refused in others)
    text = (
        f"{first.message}; {count} uploads had no address to go to, because those that were proven have left the target"
        f" and the new ones were refused{f' (also {addresses})' if addresses else ''}"
    )
    verdict = Verdict.FAILED if first.refusal in _BROKEN_PROMISES else Verdict.INCONCLUSIVE
    return Finding(verdict, Reason[first.refusal], text)
