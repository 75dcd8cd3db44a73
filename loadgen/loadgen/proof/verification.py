"""The proof before any load: header-only file, canary, few rows, full batch, to every address, in this order.

The first doubt ends it, so a target that ignores the header costs at most one canary row.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

from loadgen.answers.judging import Judgement, printable_text
from loadgen.auth.tokens import TokenUnreadableError
from loadgen.http.endpoints import Endpoint
from loadgen.http.first_seconds import Attempts
from loadgen.http.transport import Client
from loadgen.http.upload_progress import UploadProgress
from loadgen.proof.refusals import cause_of_no_token, cause_of_refusal, may_be_stored, refusal_of
from loadgen.upload.uploading import Upload, Uploader
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
from loadtest_model.quantities import count_text

SMALL_CHECKS: Final = ((CheckName.HEADER_ONLY, 0), (CheckName.CANARY, 1), (CheckName.FEW_ROWS, 5))
"""What is uploaded to each address, with its number of rows."""


_NO_CONNECTION: Final = frozenset({ErrorKind.REFUSED, ErrorKind.CONNECT_TIMEOUT})
"""Failures of the first upload to an address that may pass by themselves."""

Vet = Callable[[], Awaitable[VerificationReport | None]]
"""Gives the refusal of a target, None where there is nothing to refuse."""

CheckObserver = Callable[[CheckName, Upload, UploadProgress], None]
"""Called with each finished upload of a verification."""


@dataclass(frozen=True, slots=True)
class _RunningCheck:
    name: CheckName
    rows: int
    endpoint: Endpoint
    progress: UploadProgress


@dataclass
class VerificationCourse:
    """A verification under way, readable at any time: also after it was cut off.

    `canary_keys` and `first_keys` are what a read-back looks for: the canaries, and the first rows of every upload
    that was accepted. `refused_upload` is the one that the refusal
    comes from, if it comes from an upload. `proof_spans` has for each proven address when its proof began and ended, in
    seconds of the monotonic clock. `is_overtaken` says that every address left the target before it could be proven.
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
    judgement: Judgement | None = None
    refused_upload: Upload | None = None
    message: str = ""
    is_cut_off: bool = False
    running_check: _RunningCheck | None = None

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
                self.message = (
                    f"{message} while {check.endpoint} was sent {rows_in_words(check.rows)} ({check.name});"
                    f" {_removal_advice(check.rows, first_row, first_id)}"
                )
        return self.report()

    def refuse(self, refusal: VerificationReport | None) -> None:
        """Take over a refusal that no upload showed, if there is one."""
        if refusal is not None and refusal.refusal is not None:
            self.refusal, self.message = refusal.refusal, refusal.message
            self.judgement = Judgement(ErrorKind.UNAUTHORIZED, cause=refusal.cause)

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


class Verifier:
    """Verifies addresses with uploads of its own.

    With `is_first` a connection that is refused or not answered is tried again for the first seconds, as long as
    nothing was sent to its address. `vet` may refuse the target once a first file, without rows, was answered.
    `has_departed` tells whether an address that could not be proven has left the target.
    """

    def __init__(
        self,
        uploader: Uploader,
        client: Client,
        *,
        observe: CheckObserver | None = None,
        is_first: bool = False,
        vet: Vet | None = None,
        has_departed: Callable[[Endpoint], Awaitable[bool]] | None = None,
    ) -> None:
        self._uploader = uploader
        self._client = client
        self._observe = observe
        self._tries_again = is_first
        self._vet = vet
        self._has_departed = has_departed

    async def verify(
        self,
        endpoints: tuple[Endpoint, ...],
        *,
        full_rows: int | None = None,
        spare_unreachable: bool = False,
        course: VerificationCourse | None = None,
    ) -> VerificationReport:
        """Verify every address; with `full_rows` also upload one batch of that size, to the first of them.

        A `course` that is given shows how far it came. With `spare_unreachable` an address that refuses the connection
        is left out of the report's addresses, as long as another one is proven: a name often has an address that
        nobody listens on, such as `::1`.
        """
        course = course or VerificationCourse()
        attempts = Attempts()
        while not course.proven_addresses:
            refusals: list[str] = []
            departed_addresses: list[Endpoint] = []
            for endpoint in endpoints:
                began_at = time.monotonic()
                await self._verify_address(endpoint, course, spare_unreachable=spare_unreachable)
                if await self._is_excused(endpoint, course):
                    departed_addresses.append(endpoint)
                    course.withdraw_refusal()
                elif course.refusal is Refusal.REFUSED and spare_unreachable:
                    refusals.append(course.message)
                    course.refusal, course.message = None, ""
                elif course.refusal is not None:
                    return course.report()
                else:
                    course.proven_addresses.append(endpoint)
                    course.proof_spans[endpoint] = (began_at, time.monotonic())
            may_pass = self._tries_again and refusals and not course.uploads
            if may_pass and not course.proven_addresses and await attempts.try_again():
                # Nothing but connections was tried, and they are tried anew.
                course.checks.clear()
            elif not course.proven_addresses:
                course.refusal = Refusal.REFUSED
                course.is_overtaken = bool(departed_addresses) and not refusals
                course.message = "; ".join(refusals) or "the target has no address"
                if may_pass:
                    course.message = f"{course.message} ({attempts})"
                return course.report()
        if full_rows is not None:
            await self._upload_full_batch(full_rows, course)
        if course.refusal is None:
            addresses = ", ".join(str(endpoint) for endpoint in course.proven_addresses)
            course.message = (
                f"{addresses} confirmed {count_text(course.uploads, 'upload')} with {count_text(course.rows, 'row')} as"
                f" load tests{' and returned the nonce of each' if course.is_echoed else ''}"
            )
        return course.report()

    async def _upload_full_batch(self, rows: int, course: VerificationCourse) -> None:
        """Upload one whole batch to the first proven address; to the next if that one leaves the target meanwhile."""
        for endpoint in tuple(course.proven_addresses):
            await self._check(CheckName.FULL_BATCH, endpoint, rows, course)
            if not await self._is_excused(endpoint, course):
                return
            course.withdraw_refusal()

    async def _is_excused(self, endpoint: Endpoint, course: VerificationCourse) -> bool:
        """Whether the refusal only shows that the address has left the target. A broken promise is never excused."""
        if course.refusal is None or course.violation is not None or self._has_departed is None:
            return False
        return course.refused_upload is not None and await self._has_departed(endpoint)

    async def _verify_address(self, endpoint: Endpoint, course: VerificationCourse, *, spare_unreachable: bool) -> None:
        # Where another address may do, a refused connection is tried again only once all of them were tried.
        passing = _NO_CONNECTION - {ErrorKind.REFUSED} if spare_unreachable else _NO_CONNECTION
        for name, rows in SMALL_CHECKS:
            tries_again = self._tries_again and name is CheckName.HEADER_ONLY
            await self._check(name, endpoint, rows, course, passing if tries_again else frozenset())
            if course.refusal is None and name is CheckName.HEADER_ONLY and self._vet is not None:
                course.refuse(await self._vet())
            if course.refusal is not None:
                return

    async def _check(
        self,
        name: CheckName,
        endpoint: Endpoint,
        rows: int,
        course: VerificationCourse,
        passing: frozenset[ErrorKind] = frozenset(),
    ) -> None:
        started_at = time.monotonic()
        try:
            upload, progress, effort = await self._upload(
                _RunningCheck(name, rows, endpoint, UploadProgress()), course, passing
            )
        except TokenUnreadableError as error:
            course.refusal, course.message = Refusal.UNAUTHORIZED, str(error)
            course.judgement = Judgement(ErrorKind.UNAUTHORIZED, cause=cause_of_no_token(error))
            return
        course.running_check = None
        seconds = time.monotonic() - started_at
        if self._observe is not None:
            self._observe(name, upload, progress)
        refusal = refusal_of(name, upload)
        if name is CheckName.HEADER_ONLY:
            self._note_connection(endpoint, upload, progress, course)
        if progress.has_begun or name is not CheckName.HEADER_ONLY:
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
        if progress.has_begun:
            course.uploads += 1
            course.rows += rows
        if upload.error is None:
            course.is_echoed = course.is_echoed and upload.judgement.is_echoed
        if name is CheckName.CANARY and upload.first_client_id and progress.has_begun:
            course.canary_ids.append(upload.first_client_id)
        if name is CheckName.CANARY and upload.look_up_key and progress.has_begun:
            course.canary_keys.append(upload.look_up_key)
        if upload.look_up_key and upload.error is None:
            course.first_keys.append(upload.look_up_key)
        if refusal is not None:
            course.refusal, course.judgement, course.refused_upload = refusal, upload.judgement, upload
            course.message = _refusal_message(name, upload, rows, progress) + effort

    async def _upload(
        self, first: _RunningCheck, course: VerificationCourse, passing: frozenset[ErrorKind]
    ) -> tuple[Upload, UploadProgress, str]:
        """Make one upload, again and again as long as nothing was sent and the failure may pass; the text says how long
        that was tried in vain.
        """
        attempts = Attempts()
        while True:
            progress = UploadProgress()
            course.running_check = replace(first, progress=progress)
            upload = await self._uploader.upload(self._client, first.endpoint, first.rows, progress)
            if progress.has_begun or upload.error not in passing:
                return upload, progress, ""
            if not await attempts.try_again():
                return upload, progress, f" ({attempts})"

    def _note_connection(
        self, endpoint: Endpoint, upload: Upload, progress: UploadProgress, course: VerificationCourse
    ) -> None:
        is_connected = progress.has_begun
        course.checks.append(
            VerificationCheck(
                name=CheckName.CONNECT,
                address=str(endpoint),
                passed=is_connected,
                rows=0,
                detail="" if is_connected else upload.judgement.detail,
                seconds=progress.connect_seconds,
            )
        )


def rows_in_words(rows: int) -> str:
    """A number of rows in words."""
    return "a file with its header row only" if not rows else f"{rows:,} row{'' if rows == 1 else 's'}"


def _refusal_message(name: CheckName, upload: Upload, rows: int, progress: UploadProgress) -> str:
    """What happened, and which rows may have to be removed because of it."""
    # Without a connection, the rows that would have been sent explain nothing.
    part = f"{name}, {rows_in_words(rows)}" if progress.has_begun else str(CheckName.CONNECT)
    description = f"{upload.endpoint} ({part}): {printable_text(upload.judgement.detail, 400)}"
    if not rows or not progress.has_begun or not may_be_stored(upload.judgement):
        return description
    return f"{description}. {_removal_advice(rows, upload.first_row, upload.first_client_id)}."


def _removal_advice(rows: int, first_row: str, first_id: str | None) -> str:
    run_rows = run_rows_of(first_row, first_id or "")
    addition = f" ({run_rows})" if run_rows else ""
    if rows == 1:
        return f"The canary with {first_row} may be stored; remove it from the target{addition}"
    return f"These {rows:,} rows may be stored, the first with {first_row}; remove them{addition}"
