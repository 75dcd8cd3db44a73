"""The course of a verification: what was sent, what it showed so far, and which rows may be stored because of it."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from loadgen.answers.judging import AnswerJudgement
from loadgen.http.endpoints import Endpoint
from loadgen.http.upload_progress import UploadProgress
from loadgen.proof.refusals import cause_of_refusal
from loadgen.upload.uploading import Upload
from loadtest_model.explanations import explanation_of
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.measurement.run_rows import run_rows_of
from loadtest_model.measurement.snapshot import (
    CheckName,
    ProofLevel,
    Refusal,
    VerificationCheck,
    VerificationReport,
    Violation,
)


@dataclass(frozen=True, slots=True)
class RunningCheck:
    """A check whose upload has not ended."""

    name: CheckName
    rows: int
    endpoint: Endpoint
    progress: UploadProgress


@dataclass
class VerificationCourse:
    """A verification under way, readable at any time: also after it was cut off.

    `canary_keys` and `first_keys` are what a read-back looks for of the canaries, and of every upload that was
    accepted. `refused_upload` is the one that the refusal comes from, if it comes from an upload. `proof_spans` has for
    each proven address when its proof began and ended, in seconds of the monotonic clock. `is_overtaken` says that
    every address left the target before it could be proven.
    """

    checks: list[VerificationCheck] = field(default_factory=list)
    canary_ids: list[str] = field(default_factory=list)
    canary_keys: list[str] = field(default_factory=list)
    first_keys: list[str] = field(default_factory=list)
    proven_addresses: list[Endpoint] = field(default_factory=list)
    proof_spans: dict[Endpoint, tuple[float, float]] = field(default_factory=dict)
    is_overtaken: bool = False
    uploads: int = 0
    rows: int = 0
    is_echoed: bool = True
    refusal: Refusal | None = None
    judgement: AnswerJudgement | None = None
    refused_upload: Upload | None = None
    message: str = ""
    is_cut_off: bool = False
    running_check: RunningCheck | None = None

    def withdraw_refusal(self) -> None:
        """Go on as if the last refusal had not been; what was sent stays counted."""
        self.refusal, self.judgement, self.refused_upload, self.message = None, None, None, ""

    def begin_anew(self) -> None:
        """Go on with other addresses, in place of those that have left."""
        self.is_overtaken = False
        self.withdraw_refusal()

    def report_cut_off(self, refusal: Refusal | None, message: str) -> VerificationReport:
        """The report of a verification that was not brought to its end, with the rows that were under way."""
        self.is_cut_off, self.refusal, self.message = True, refusal, message
        check = self.running_check
        if check is not None and check.progress.has_begun:
            self.uploads += 1
            self.rows += check.rows
            first_id, first_row = check.progress.first_client_id, check.progress.first_row
            if first_row and check.rows:
                if check.name is CheckName.CANARY and first_id is not None:
                    self.canary_ids.append(first_id)
                if check.name is CheckName.CANARY and check.progress.look_up_key is not None:
                    self.canary_keys.append(check.progress.look_up_key)
                self.message = (
                    f"{message} while {check.endpoint} was sent {rows_in_words(check.rows)} ({check.name});"
                    f" {removal_advice(check.rows, first_row, first_id)}"
                )
        return self.report()

    def refuse(self, refusal: VerificationReport | None) -> None:
        """Take over a refusal that no upload showed, if there is one."""
        if refusal is not None and refusal.refusal is not None:
            self.refusal, self.message = refusal.refusal, refusal.message
            self.judgement = AnswerJudgement(ErrorKind.UNAUTHORIZED, cause=refusal.cause)

    @property
    def sent_keys(self) -> tuple[str, ...]:
        """What a read-back looks for of each upload that may have been stored, the canaries first."""
        refused_key = self.refused_upload.look_up_key if self.refused_upload is not None else None
        keys = (*self.canary_keys, *self.first_keys, *((refused_key,) if refused_key else ()))
        return tuple(dict.fromkeys(keys))

    @property
    def violation(self) -> Violation | None:
        """The broken promise that the refusal comes from, as a violation of the load; None if none was broken."""
        upload = self.refused_upload
        if upload is None or upload.error is None or outcome_of(upload.error) is not Outcome.VIOLATION:
            return None
        return Violation(
            kind=upload.error,
            address=str(upload.endpoint),
            status=upload.status,
            rows=upload.rows,
            first_client_id=upload.first_client_id or "",
            first_row=upload.first_row,
            message=self.message,
        )

    def report(self) -> VerificationReport:
        if self.refusal is None and not self.is_cut_off:
            level = ProofLevel.ECHOED if self.is_echoed else ProofLevel.ACKNOWLEDGED
        else:
            level = ProofLevel.NONE
        had_rows = self.refused_upload is None or self.refused_upload.rows > 0
        cause = None if self.refusal is None else cause_of_refusal(self.refusal, self.judgement, had_rows=had_rows)
        return VerificationReport(
            level=level,
            refusal=self.refusal,
            message=self.message,
            cause=cause,
            hint=explanation_of(cause).next_step if cause else "",
            canary_ids=tuple(self.canary_ids),
            addresses=tuple(str(endpoint) for endpoint in self.proven_addresses),
            checks=tuple(self.checks),
            uploads=self.uploads,
            rows=self.rows,
        )


def rows_in_words(rows: int) -> str:
    """A number of rows in words."""
    return "a file with its header row only" if not rows else f"{rows:,} row{'' if rows == 1 else 's'}"


def removal_advice(rows: int, first_row: str, first_id: str | None) -> str:
    """Which rows of an upload may be stored, and what finds them."""
    run_rows = run_rows_of(first_row, first_id or "")
    addition = f" ({run_rows})" if run_rows else ""
    if rows == 1:
        return f"The canary with {first_row} may be stored; remove it from the target{addition}"
    return f"These {rows:,} rows may be stored, the first with {first_row}; remove them{addition}"


class ProofSpans:
    """When the newest proof of each address began and ended, by the monotonic clock."""

    def __init__(self) -> None:
        self._spans: dict[Endpoint, tuple[float, float]] = {}

    def update(self, spans: Mapping[Endpoint, tuple[float, float]]) -> None:
        """Take in when new proofs began and ended."""
        self._spans.update(spans)

    def greatest_age_seconds(self, endpoints: Collection[Endpoint]) -> float:
        """How long ago the oldest proof of these addresses ended; 0 without one."""
        now = time.monotonic()
        return max((now - self._spans[each][1] for each in endpoints if each in self._spans), default=0.0)

    def longest_seconds(self, endpoints: Collection[Endpoint]) -> float:
        """How long the longest proof of these addresses took; 0 without one."""
        spans = (self._spans[each] for each in endpoints if each in self._spans)
        return max((ended - began for began, ended in spans), default=0.0)

    def older_ones(self, endpoints: Collection[Endpoint], age_seconds: float) -> list[Endpoint]:
        """Those of the addresses whose proof ended longer ago than this, or is not on record."""
        now = time.monotonic()
        return [each for each in endpoints if now - self._spans.get(each, (0.0, 0.0))[1] > age_seconds]
