"""The proof before any load: header-only file, canary, few rows, full batch, to every address, in this order.

The first doubt ends it, so a target that ignores the header costs at most one canary row.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from loadgen.answers.judging import Judgement, printable
from loadgen.auth.tokens import TokenUnreadableError
from loadgen.http.endpoints import Endpoint
from loadgen.http.transport import Client
from loadgen.http.upload_progress import Progress
from loadgen.proof.refusals import cause_of_no_token, cause_of_refusal, may_be_stored, refusal_of
from loadgen.upload.uploading import Upload, Uploader
from loadtest_model.explanations import explanation_of
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.measurement.snapshot import (
    CheckName,
    ProofLevel,
    Refusal,
    VerificationCheck,
    VerificationReport,
    Violation,
)

SMALL_CHECKS: Final = ((CheckName.HEADER_ONLY, 0), (CheckName.CANARY, 1), (CheckName.FEW_ROWS, 5))
"""What is uploaded to each address, with its number of rows."""


CheckObserver = Callable[[CheckName, Upload, Progress], None]
"""Is told of each finished upload of a verification."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    name: CheckName
    rows: int
    endpoint: Endpoint
    progress: Progress


@dataclass
class Course:
    """A verification under way, readable at any time: also after it was cut off.

    `first_ids` are the first client_ids of every upload that was accepted. `refused_upload` is the one that the
    refusal was told from, if it was told from one.
    """

    checks: list[VerificationCheck] = field(default_factory=list)
    canary_ids: list[str] = field(default_factory=list)
    first_ids: list[str] = field(default_factory=list)
    proven: list[Endpoint] = field(default_factory=list)
    uploads: int = 0
    rows: int = 0
    echoed: bool = True
    refusal: Refusal | None = None
    judgement: Judgement | None = None
    refused_upload: Upload | None = None
    message: str = ""
    cut: bool = False
    under_way: _UnderWay | None = None

    def cut_off(self, refusal: Refusal | None, message: str) -> VerificationReport:
        """The report of a verification that was not brought to its end, with the rows that were under way."""
        self.cut, self.refusal, self.message = True, refusal, message
        flight = self.under_way
        if flight is not None and flight.progress.begun:
            self.uploads += 1
            self.rows += flight.rows
            first = flight.progress.first_client_id
            if first is not None and flight.rows:
                if flight.name is CheckName.CANARY:
                    self.canary_ids.append(first)
                self.message = (
                    f"{message} while {flight.endpoint} was sent {counted(flight.rows)} ({flight.name});"
                    f" {_may_be_stored(flight.rows, first)}"
                )
        return self.report()

    @property
    def violation(self) -> Violation | None:
        """The broken promise that the refusal was told from, as one of the load; None where none was broken."""
        upload = self.refused_upload
        if upload is None or upload.error is None or outcome_of(upload.error) is not Outcome.VIOLATION:
            return None
        return Violation(
            kind=upload.error,
            address=str(upload.endpoint),
            status=upload.status,
            rows=upload.rows,
            first_client_id=upload.first_client_id or "",
            message=self.message,
        )

    def report(self) -> VerificationReport:
        if self.refusal is None and not self.cut:
            level = ProofLevel.ECHOED if self.echoed else ProofLevel.ACKNOWLEDGED
        else:
            level = ProofLevel.NONE
        cause = None if self.refusal is None else cause_of_refusal(self.refusal, self.judgement)
        return VerificationReport(
            level=level,
            refusal=self.refusal,
            message=self.message,
            cause=cause,
            hint=explanation_of(cause).next_step if cause else "",
            canary_ids=tuple(self.canary_ids),
            addresses=tuple(str(endpoint) for endpoint in self.proven),
            checks=tuple(self.checks),
            uploads=self.uploads,
            rows=self.rows,
        )


class Verifier:
    """Verifies addresses with uploads of its own."""

    def __init__(
        self,
        uploader: Uploader,
        client: Client,
        *,
        observe: CheckObserver | None = None,
    ) -> None:
        self._uploader = uploader
        self._client = client
        self._observe = observe

    async def verify(
        self,
        endpoints: tuple[Endpoint, ...],
        *,
        full_rows: int | None = None,
        spare_unreachable: bool = False,
        course: Course | None = None,
    ) -> VerificationReport:
        """Verify every address; with `full_rows` also upload one batch of that size, to the first of them.

        A `course` that is given shows how far it came. With `spare_unreachable` an address that refuses the connection
        is left out of the report's addresses, as long as another one is proven: a name often has an address that
        nobody listens on, such as `::1`.
        """
        course = course or Course()
        unreachable: list[tuple[Endpoint, str]] = []
        for endpoint in endpoints:
            await self._verify_one(endpoint, course)
            if course.refusal is Refusal.REFUSED and spare_unreachable:
                unreachable.append((endpoint, course.message))
                course.refusal, course.message = None, ""
            elif course.refusal is not None:
                return course.report()
            else:
                course.proven.append(endpoint)
        if not course.proven:
            course.refusal = Refusal.REFUSED
            course.message = "; ".join(message for _, message in unreachable) or "the target has no address"
            return course.report()
        if full_rows is not None:
            await self._check(CheckName.FULL_BATCH, course.proven[0], full_rows, course)
        if course.refusal is None:
            shown = ", ".join(str(endpoint) for endpoint in course.proven)
            course.message = (
                f"{course.report().level}: {shown} acknowledged {course.uploads} uploads, {course.rows} rows"
            )
        return course.report()

    async def _verify_one(self, endpoint: Endpoint, course: Course) -> None:
        for name, rows in SMALL_CHECKS:
            await self._check(name, endpoint, rows, course)
            if course.refusal is not None:
                return

    async def _check(self, name: CheckName, endpoint: Endpoint, rows: int, course: Course) -> None:
        progress = Progress()
        began = time.monotonic()
        course.under_way = _UnderWay(name, rows, endpoint, progress)
        try:
            upload = await self._uploader.upload(self._client, endpoint, rows, progress)
        except TokenUnreadableError as error:
            course.refusal, course.message = Refusal.UNAUTHORIZED, str(error)
            course.judgement = Judgement(ErrorKind.UNAUTHORIZED, cause=cause_of_no_token(error))
            return
        course.under_way = None
        seconds = time.monotonic() - began
        if self._observe is not None:
            self._observe(name, upload, progress)
        refusal = refusal_of(name, upload)
        if name is CheckName.HEADER_ONLY:
            self._note_connection(endpoint, upload, progress, course)
        if progress.begun or name is not CheckName.HEADER_ONLY:
            course.checks.append(
                VerificationCheck(
                    name=name,
                    address=str(endpoint),
                    passed=refusal is None,
                    rows=rows,
                    status=upload.status,
                    detail=upload.judgement.detail,
                    seconds=seconds,
                )
            )
        if progress.begun:
            course.uploads += 1
            course.rows += rows
        if upload.error is None:
            course.echoed = course.echoed and upload.judgement.echoed
        if name is CheckName.CANARY and upload.first_client_id and progress.begun:
            course.canary_ids.append(upload.first_client_id)
        if upload.first_client_id and upload.error is None:
            course.first_ids.append(upload.first_client_id)
        if refusal is not None:
            course.refusal, course.judgement, course.refused_upload = refusal, upload.judgement, upload
            course.message = _message(name, upload, rows, progress)

    def _note_connection(self, endpoint: Endpoint, upload: Upload, progress: Progress, course: Course) -> None:
        opened = progress.begun
        course.checks.append(
            VerificationCheck(
                name=CheckName.CONNECT,
                address=str(endpoint),
                passed=opened,
                rows=0,
                detail="" if opened else upload.judgement.detail,
                seconds=progress.connect_seconds,
            )
        )


def counted(rows: int) -> str:
    """A number of rows in words."""
    return "a file with its header row only" if not rows else f"{rows:,} row{'' if rows == 1 else 's'}"


def _message(name: CheckName, upload: Upload, rows: int, progress: Progress) -> str:
    """What was seen, and which rows may have to be removed because of it."""
    # Where not even a connection was had, what would have been sent explains nothing.
    part = f"{name}, {counted(rows)}" if progress.begun else str(CheckName.CONNECT)
    seen = f"{upload.endpoint} ({part}): {printable(upload.judgement.detail, 400)}"
    if not rows or not progress.begun or not may_be_stored(upload.judgement):
        return seen
    return f"{seen}. {_may_be_stored(rows, upload.first_client_id)}."


def _may_be_stored(rows: int, first_client_id: str | None) -> str:
    if rows == 1:
        return f"The canary with client_id {first_client_id} may be stored; remove it from the target"
    return f"These {rows} rows may be stored, the first with client_id {first_client_id}; remove them"
