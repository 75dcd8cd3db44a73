"""The proof before any load: header-only file, canary, few rows, full batch, to every address, in this order.

The first doubt ends it, so a target that ignores the header costs at most one canary row.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from loadgen.answers.judging import AnswerJudgement, printable_text
from loadgen.auth.secret_texts import TokenUnreadableError
from loadgen.http.endpoints import Endpoint
from loadgen.http.first_seconds import Attempts
from loadgen.http.transport import Client
from loadgen.http.upload_progress import UploadProgress
from loadgen.proof.course import RunningCheck, VerificationCourse, removal_advice, rows_in_words
from loadgen.proof.refusals import cause_of_no_token, may_be_stored, refusal_of
from loadgen.upload.uploading import Upload, Uploader
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import (
    CheckName,
    Refusal,
    VerificationCheck,
    VerificationReport,
)
from loadtest_model.quantities import count_text

SMALL_CHECKS: Final = ((CheckName.HEADER_ONLY, 0), (CheckName.CANARY, 1), (CheckName.FEW_ROWS, 5))
"""What is uploaded to each address, with its number of rows."""


_NO_CONNECTION: Final = frozenset({ErrorKind.REFUSED, ErrorKind.CONNECT_TIMEOUT})
"""Failures of the first upload to an address that may pass by themselves."""

Vet = Callable[[], Awaitable[VerificationReport | None]]
"""Gives the refusal of a target, None if there is nothing to refuse."""

FirstRowsReading = Callable[[tuple[str, ...]], Awaitable[VerificationReport | None]]
"""Gives the refusal of a target that stored rows; the client_ids are those of first rows that it was sent."""

CheckObserver = Callable[[CheckName, Upload, UploadProgress], None]
"""Called with each finished upload of a verification."""


@dataclass(frozen=True, slots=True)
class FirstProof:
    """What only the proof before the load has.

    `vet` may refuse the target once a first file, without rows, was answered, and `read_first_rows` after each canary
    and before the whole batch. `has_departed` tells whether an address that could not be proven has left the target.
    """

    vet: Vet
    has_departed: Callable[[Endpoint], Awaitable[bool]]
    read_first_rows: FirstRowsReading | None = None


class Verifier:
    """Verifies addresses with uploads of its own.

    In the `first_proof` a connection that is refused or not answered is tried again for the first seconds, as long as
    nothing was sent to its address.
    """

    def __init__(
        self,
        uploader: Uploader,
        client: Client,
        *,
        observe: CheckObserver | None = None,
        first_proof: FirstProof | None = None,
    ) -> None:
        self._uploader = uploader
        self._client = client
        self._observe = observe
        self._first_proof = first_proof

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
            may_pass = self._first_proof is not None and refusals and not course.uploads
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
            await self._read_first_rows(course, course.sent_keys)
            if course.refusal is None:
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

    async def _read_first_rows(self, course: VerificationCourse, keys: tuple[str, ...]) -> None:
        if self._first_proof is not None and self._first_proof.read_first_rows is not None:
            course.refuse(await self._first_proof.read_first_rows(keys))

    async def _is_excused(self, endpoint: Endpoint, course: VerificationCourse) -> bool:
        """Whether the refusal only shows that the address has left the target. A broken promise is never excused."""
        if course.refusal is None or course.violation is not None or self._first_proof is None:
            return False
        return course.refused_upload is not None and await self._first_proof.has_departed(endpoint)

    async def _verify_address(self, endpoint: Endpoint, course: VerificationCourse, *, spare_unreachable: bool) -> None:
        # Where another address may do, a refused connection is tried again only once all of them were tried.
        passing = _NO_CONNECTION - {ErrorKind.REFUSED} if spare_unreachable else _NO_CONNECTION
        for name, rows in SMALL_CHECKS:
            first = self._first_proof
            tries_again = first is not None and name is CheckName.HEADER_ONLY
            await self._check(name, endpoint, rows, course, passing if tries_again else frozenset())
            if course.refusal is None and name is CheckName.HEADER_ONLY and first is not None:
                course.refuse(await first.vet())
            if course.refusal is None and name is CheckName.CANARY:
                await self._read_first_rows(course, tuple(course.canary_keys[-1:]))
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
                RunningCheck(name, rows, endpoint, UploadProgress()), course, passing
            )
        except TokenUnreadableError as error:
            course.refusal, course.message = Refusal.UNAUTHORIZED, str(error)
            course.judgement = AnswerJudgement(ErrorKind.UNAUTHORIZED, cause=cause_of_no_token(error))
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
                    detail=upload.detail,
                    seconds=seconds,
                )
            )
        if progress.has_begun:
            course.uploads += 1
            course.rows += rows
        if upload.error is None:
            course.is_echoed = course.is_echoed and upload.judgement.is_echoed
        first_id = progress.first_client_id
        if name is CheckName.CANARY and first_id and progress.has_begun:
            course.canary_ids.append(first_id)
        key = progress.look_up_key
        if name is CheckName.CANARY and key and progress.has_begun:
            course.canary_keys.append(key)
        if key and upload.error is None:
            course.first_keys.append(key)
        if refusal is not None:
            course.refusal, course.judgement, course.refused_upload = refusal, upload.judgement, upload
            course.message = _refusal_message(name, upload, rows, progress) + effort

    async def _upload(
        self, first: RunningCheck, course: VerificationCourse, passing: frozenset[ErrorKind]
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
                detail="" if is_connected else upload.detail,
                seconds=progress.connect_seconds,
            )
        )


def _refusal_message(name: CheckName, upload: Upload, rows: int, progress: UploadProgress) -> str:
    """What happened, and which rows may have to be removed because of it."""
    # Without a connection, the rows that would have been sent explain nothing.
    part = f"{name}, {rows_in_words(rows)}" if progress.has_begun else str(CheckName.CONNECT)
    description = f"{upload.endpoint} ({part}): {printable_text(upload.detail, 400)}"
    if not rows or not progress.has_begun or not may_be_stored(upload.judgement):
        return description
    return f"{description}. {removal_advice(rows, upload.first_row, upload.first_client_id)}."
