"""From a plan's target to proven addresses: resolve, hold against the address rules, verify, keep up to date."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from enum import IntEnum
from functools import partial
from itertools import chain
from typing import Final

from msgspec import structs

from loadgen.auth.tokens import TokenUnreadableError
from loadgen.http.address_rules import rules_of
from loadgen.http.endpoints import Endpoint, parse_endpoint, site_of
from loadgen.http.fetching import make_fetch
from loadgen.http.first_seconds import Attempts
from loadgen.http.tls import TlsUnusableError
from loadgen.proof.read_back import ReadBack
from loadgen.proof.refusals import (
    attribute_to_throttling,
    cause_of_no_token,
    expiry_refusal,
    read_back_refusal,
    refusal_report,
    with_note,
    with_refusal,
)
from loadgen.proof.verification import CheckObserver, VerificationCourse, Verifier
from loadgen.proof.violations import BrokenPromiseError
from loadgen.records.space import run_prefix
from loadgen.upload.address_source import AddressSource
from loadgen.upload.addresses import AddressBook
from loadgen.upload.following import REFRESH_SECONDS, RETRY_SECONDS, follow_addresses
from loadgen.upload.name_resolution import NameNotResolvedError, resolve
from loadgen.upload.uploading import Uploader
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.proof import ReadingMoment
from loadtest_model.measurement.snapshot import (
    AddressProofs,
    ProofLevel,
    Refusal,
    RefusedAddress,
    VerificationReport,
)
from loadtest_model.plan import Plan
from loadtest_model.spec.verification import Requirement

CLIENT_ID_NAME: Final = "client_id"

MOST_CHECKS: Final = 200
"""The most checks, and the most canaries, that a report has. An address that fails in passing is tried as long as the
run lasts, and its checks and canaries must not fill the snapshot."""

MOST_REFUSED_ADDRESSES: Final = 8
"""The most refusals of new addresses that a report has."""

LOOKED_UP_ROWS: Final = 32
"""Rows of the verification that a read-back looks up, one request each."""

MOST_AWAITED: Final = 32
"""The most addresses that a pod asks others to verify first at once."""

_PASSING_REFUSALS: Final[frozenset[Refusal]] = frozenset(
    {Refusal.REFUSED, Refusal.TIMEOUT, Refusal.RESET, Refusal.SERVER_ERROR}
)
"""Refusals of a new address that may be gone at the next try, and that leave no row behind."""


class _Suspicion(IntEnum):
    """How likely it is that the canary of a verification was stored, the likeliest first."""

    BROKEN_PROMISE = 0
    FAILED = 1
    NONE = 2


class Prover:
    """Proves a target's addresses and enters them into the book. `report` is the result so far.

    `generator`, which may be set, tells how this process fares since the verification began.
    `resolve_name` gives the addresses of a name and a port. Of several pods behind a name the one that `goes_first`
    verifies a new address, and the others once they are told.
    """

    def __init__(
        self,
        plan: Plan,
        uploader: Uploader,
        book: AddressBook,
        resolve_name: Callable[[str, int], Awaitable[tuple[Endpoint, ...]]] = resolve,
        *,
        goes_first: bool = True,
    ) -> None:
        self._plan = plan
        self._site = site_of(plan.target.url)
        self._uploader = uploader
        self._rules = rules_of(plan.network)
        self._book = book
        self._source = AddressSource(
            tuple(parse_endpoint(address) for address in plan.target.addresses),
            self._site.literal_endpoint,
            partial(resolve_name, self._site.host, self._site.port),
            goes_first=goes_first,
        )
        columns = (column for column in plan.records.columns if column.kind == "client")
        self._id_column = next((column.name for column in columns if column.source == CLIENT_ID_NAME), "")
        # Rows that are looked up by another column say nothing of the run by how they begin.
        has_prefix = self._id_column and not (plan.read_back and plan.read_back.column)
        self._id_prefix = run_prefix(plan.records.run_tag) if has_prefix else ""
        self._must_prove = plan.require == Requirement.PROVEN
        self._proof_spans: dict[Endpoint, tuple[float, float]] = {}
        self._late_refusal: VerificationReport | None = None
        self._read_back: ReadBack | None = None
        self._look_up_keys: tuple[str, ...] = ()
        self._report: VerificationReport | None = None
        self._canaries: dict[_Suspicion, tuple[str, ...]] = {}
        self._refused_addresses: dict[Endpoint, RefusedAddress] = {}
        self.observe_check: CheckObserver | None = None
        self.generator: Callable[[], GeneratorHealth] = GeneratorHealth

    @property
    def report(self) -> VerificationReport | None:
        """The proof as it stands, with the addresses that came and went since."""
        if self._report is None:
            return None
        unverified = tuple(map(str, self._book.unusable_addresses))
        return structs.replace(
            self._report,
            canary_ids=self._all_canaries(self._report.canary_ids),
            id_column=self._id_column or CLIENT_ID_NAME,
            addresses=tuple(address for address in self._report.addresses if address not in unverified),
            unverified=unverified,
            refused_addresses=tuple(self._refused_addresses.values())[-MOST_REFUSED_ADDRESSES:],
            vanished=tuple(map(str, self._book.vanished_addresses)),
            unechoed=self._uploader.unechoed_uploads if self._report.level is ProofLevel.ECHOED else 0,
            read_back=self._read_back.report if self._read_back else None,
        )

    async def prove(self, *, full_rows: int | None) -> VerificationReport:
        """Verify the target at every address, within the plan's deadline.

        With `full_rows` also upload a whole batch, and read back if the plan says so: that is for the pod that goes
        first. Cancelling leaves in `report` what was sent.
        """
        bound_seconds = self._plan.deadlines.verification_seconds
        course = VerificationCourse()
        if full_rows is not None and self._plan.read_back is not None:
            self._read_back = ReadBack(
                self._plan.read_back,
                make_fetch(self._plan),
                self._uploader.authorization,
                id_column=self._plan.read_back.column or self._id_column or CLIENT_ID_NAME,
                id_prefix=self._id_prefix,
            )
        try:
            async with asyncio.timeout(bound_seconds):
                self._report = await self._prove(full_rows, course)
        except TimeoutError:
            self._report = course.report_cut_off(
                Refusal.TIMEOUT, f"the verification took longer than {bound_seconds:g} s and was cut off"
            )
        except asyncio.CancelledError:
            self._report = course.report_cut_off(None, "the verification was cut off")
            raise
        self._report = with_note(attribute_to_throttling(self._report, self.generator()), self._uploader.clock.note)
        if self._must_prove and self._report.level is ProofLevel.ECHOED:
            # What the read-back rests on must not become weaker than it was when it began.
            self._uploader.must_echo = True
        self._enter_proofs(self._report, course)
        return self.report or self._report

    @property
    def resolves_name(self) -> bool:
        """Whether the target's addresses are those of its name, which each pod resolves itself."""
        return self._source.is_name

    @property
    def has_forgotten_addresses(self) -> bool:
        """Whether the operator must tell of addresses again, because some have left the name since it did."""
        return self._source.has_forgotten

    @property
    def proofs(self) -> AddressProofs:
        """How the proofs stand now."""
        unverified = self._book.unverified_addresses if self._report is not None else ()
        proven_addresses = self._book.proven_addresses
        spans = [self._proof_spans[endpoint] for endpoint in proven_addresses if endpoint in self._proof_spans]
        now = time.monotonic()
        return AddressProofs(
            proven=tuple(map(str, proven_addresses)),
            pending=tuple(str(endpoint) for endpoint in unverified if self._source.may_prove(endpoint)),
            awaited=tuple(str(endpoint) for endpoint in unverified if not self._source.may_prove(endpoint))[
                :MOST_AWAITED
            ],
            by_name=self._source.is_name,
            age_seconds=round(max((now - ended for _, ended in spans), default=0.0), 3),
            longest_seconds=round(max((ended - began for began, ended in spans), default=0.0), 3),
        )

    def adopt_late_refusal(self) -> None:
        """Let the report be refused by the promise that an address broke after the verification and before the load."""
        if self._report is not None:
            self._report = with_refusal(self._report, self._late_refusal)

    @property
    def reads_back(self) -> bool:
        """Whether `conclude` has something to read."""
        return self._read_back is not None

    async def conclude(self) -> None:
        """Read back what the target has stored, when the last answer of the whole fleet is in; `report` then has it."""
        if self._read_back is None:
            return
        newest_key = self._uploader.newest_confirmed_key
        keys = dict.fromkeys((*self._look_up_keys, *((newest_key,) if newest_key else ())))
        await self._read_back.conclude(tuple(keys))

    async def prove_alone(self, *, full_rows: int) -> VerificationReport:
        """Prove a target that no load follows for: its read-back is made to the end at once."""
        report = await self.prove(full_rows=full_rows)
        if not report.is_proven or self._read_back is None:
            return report
        await self.conclude()
        self._report = with_refusal(report, read_back_refusal(self._read_back.report, must_prove=self._must_prove))
        return self.report or report

    async def keep_fresh(self, pause_seconds: float = REFRESH_SECONDS) -> None:
        """Follow the target's addresses, by its name or as they are pushed, and renew its token, until cancelled.

        Raises a group with a BrokenPromiseError where an address does not keep the promise, be it a new one or one
        that was proven.
        """
        longest_pause = pause_seconds if self._source.is_name else min(pause_seconds, RETRY_SECONDS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._uploader.keep_token_fresh())
            tasks.create_task(
                follow_addresses(
                    self._book,
                    self._source.read,
                    self._verify_new_address,
                    partial(self._source.wait_for_push, longest_pause),
                    self._source.may_prove,
                )
            )

    def push_addresses(
        self,
        addresses: tuple[Endpoint, ...],
        *,
        has_others: bool,
        age_seconds: float = 0.0,
        goes_first: bool = False,
    ) -> None:
        """Take the addresses that this pod may verify, as they are now.

        Behind a Service they are the target's, and from this moment on no upload connects to one that has left. An
        upload that has a connection goes on, and a connection that is being opened has a moment left. `has_others`
        says that there are others, which are verified elsewhere first. `age_seconds` is for how long the sender has
        known these addresses. Behind a name they are those that another pod has proven; the pod that `goes_first`
        verifies these and whatever the name resolves to.
        """
        self._source.push(addresses, goes_first=goes_first)
        if self._source.is_pushed:
            self._book.expect_others(has_others)
            self._book.observe(addresses, asyncio.get_running_loop().time() - age_seconds)

    def renew_proofs(self, older_than_seconds: float) -> None:
        """Have every proof that is older made again; its address is not used until then."""
        now = time.monotonic()
        for endpoint in self._book.proven_addresses:
            if now - self._proof_spans.get(endpoint, (0.0, 0.0))[1] > older_than_seconds:
                self._book.expire(endpoint)
        self._source.wake()

    def _enter_proofs(self, report: VerificationReport, course: VerificationCourse) -> None:
        """Enter what the verification has proven, and what is the target's beside it."""
        if not report.is_proven:
            return
        self._proof_spans.update(course.proof_spans)
        self._book.observe(self._source.newest_addresses, asyncio.get_running_loop().time())
        for address in report.addresses:
            self._book.confirm(parse_endpoint(address))
        if self._source.is_name:
            # These refused the connection, while another address was proven.
            for endpoint in filter(self._source.may_prove, self._book.unverified_addresses):
                self._book.spare(endpoint)

    async def _prove(self, full_rows: int | None, course: VerificationCourse) -> VerificationReport:
        endpoints = await self._permitted_endpoints()
        if isinstance(endpoints, VerificationReport):
            return endpoints
        if (refusal := await self._read(ReadingMoment.BEFORE, ())) is not None:
            return refusal
        report = await self._verify(endpoints, full_rows, course, is_first=True)
        while course.is_overtaken:
            endpoints = await self._permitted_endpoints()
            if isinstance(endpoints, VerificationReport):
                return endpoints
            course.begin_anew()
            report = await self._verify(endpoints, full_rows, course, is_first=True)
        self._look_up_keys = tuple(dict.fromkeys((*course.canary_keys, *course.first_keys)))[:LOOKED_UP_ROWS]
        return with_refusal(
            report, await self._read(ReadingMoment.VERIFIED, self._look_up_keys) if report.is_proven else None
        )

    async def _permitted_endpoints(self) -> tuple[Endpoint, ...] | VerificationReport:
        """The addresses to verify, or a refusal that is known before anything is sent."""
        if (setup_refusal := await self._setup_refusal()) is not None:
            return setup_refusal
        attempts = Attempts()
        while True:
            try:
                endpoints = await self._source.read_provable()
                break
            except NameNotResolvedError as error:
                if error.does_not_exist:
                    return refusal_report(Refusal.DNS, str(error))
                if not await attempts.try_again():
                    return refusal_report(Refusal.DNS, f"{error} ({attempts})")
        denied_addresses = [
            str(endpoint) for endpoint in endpoints if not self._rules.permits(endpoint.ip, endpoint.port)
        ]
        if denied_addresses:
            return refusal_report(
                Refusal.ADDRESS_DENIED, f"{self._site.host} is {', '.join(denied_addresses)}, which is not allowed"
            )
        return endpoints

    async def _read(self, moment: ReadingMoment, keys: tuple[str, ...]) -> VerificationReport | None:
        if self._read_back is None:
            return None
        await self._read_back.read(moment, keys)
        return read_back_refusal(self._read_back.report, must_prove=self._must_prove)

    async def _setup_refusal(self) -> VerificationReport | None:
        """The refusal where token or certificates are not fit for the run; None where they are."""
        try:
            self._uploader.load_certificates()
            await self._uploader.token_final_expiry()
        except TlsUnusableError as error:
            return refusal_report(Refusal.TLS, str(error), Cause.TLS_SETTINGS)
        except TokenUnreadableError as error:
            return refusal_report(Refusal.UNAUTHORIZED, str(error), cause_of_no_token(error))
        return None

    async def _refuse_short_token(self) -> VerificationReport | None:
        """The refusal of a token that does not last until the last upload begins; None where it does, or says nothing.

        It is read against the target's clock, which the first answer tells.
        """
        try:
            expires_at = await self._uploader.token_final_expiry()
        except TokenUnreadableError as error:
            return refusal_report(Refusal.UNAUTHORIZED, str(error), cause_of_no_token(error))
        if expires_at is None:
            return None
        # A load by hand has no commands, and waits for no other pod.
        alone = not self._plan.command_digests
        wait_seconds = 0.0 if alone else self._plan.deadlines.barrier_seconds
        remaining_seconds = expires_at - self._uploader.clock.now()
        return expiry_refusal(remaining_seconds, self._plan.seconds_to_last_upload(alone=alone), wait_seconds)

    async def _verify(
        self,
        endpoints: tuple[Endpoint, ...],
        full_rows: int | None,
        course: VerificationCourse,
        *,
        is_first: bool = False,
    ) -> VerificationReport:
        # Each upload of a verification connects anew.
        async with self._uploader.open_client(0) as client:
            verifier = Verifier(
                self._uploader,
                client,
                observe=self.observe_check,
                is_first=is_first,
                vet=self._refuse_short_token if is_first else None,
                # Later the result for an address that has left counts for nothing anyway.
                has_departed=self._source.has_departed if is_first else None,
            )
            return await verifier.verify(
                endpoints, full_rows=full_rows, spare_unreachable=self._source.is_name, course=course
            )

    async def _verify_new_address(self, endpoint: Endpoint) -> bool | None:
        """Whether the address is proven; False where it must never be used, None where it may be tried later.

        Raises BrokenPromiseError if the address does not keep the promise: that is a violation of the run, also by an
        address that was never loaded.
        """
        course = VerificationCourse()
        # It may be proven, trusted or gone otherwise by the time that this verification ends.
        was_proven = endpoint in self._book.proven_addresses
        try:
            new_report = await self._verify((endpoint,), None, course)
        except asyncio.CancelledError:
            cut_off_report = course.report_cut_off(None, "the verification of a new address was cut off")
            self._extend(cut_off_report)
            self._keep_canaries(cut_off_report.canary_ids, course)
            raise
        self._extend(new_report)
        self._keep_canaries(new_report.canary_ids, course)
        self._note_refusal(endpoint, new_report)
        if new_report.is_proven:
            self._proof_spans.update(course.proof_spans)
            return True
        if course.violation is not None:
            self._late_refusal = new_report
            raise BrokenPromiseError(course.violation)
        if was_proven:
            # It honoured the header before: a busy target, or a token that lapsed, says nothing against that.
            return None
        return None if new_report.refusal in _PASSING_REFUSALS and not new_report.canary_ids else False

    def _note_refusal(self, endpoint: Endpoint, report: VerificationReport) -> None:
        """Keep why an address that came later is not proven, until it is."""
        self._refused_addresses.pop(endpoint, None)
        if report.refusal is not None:
            self._refused_addresses[endpoint] = RefusedAddress(
                address=str(endpoint), refusal=report.refusal, cause=report.cause, message=report.message
            )

    def _keep_canaries(self, canary_ids: tuple[str, ...], course: VerificationCourse) -> None:
        """Keep those that are likeliest to be stored: a busy address, tried again and again, leaves many others."""
        if course.violation is not None:
            suspicion = _Suspicion.BROKEN_PROMISE
        else:
            suspicion = _Suspicion.FAILED if course.refusal is not None or course.is_cut_off else _Suspicion.NONE
        self._canaries[suspicion] = (self._canaries.get(suspicion, ()) + canary_ids)[:MOST_CHECKS]

    def _all_canaries(self, first: tuple[str, ...]) -> tuple[str, ...]:
        """The canaries that are kept, with those of the first verification, the most suspicious ones first."""
        canaries = [self._canaries.get(suspicion, ()) for suspicion in _Suspicion]
        return tuple(chain(*canaries[:-1], first, canaries[-1]))[:MOST_CHECKS]

    def _extend(self, new_report: VerificationReport) -> None:
        if self._report is not None:
            self._report = _extend_report(self._report, new_report)


def _extend_report(report: VerificationReport, new_report: VerificationReport) -> VerificationReport:
    """The report with what the verification of a further address showed."""
    addresses = report.addresses
    return structs.replace(
        report,
        addresses=addresses + tuple(address for address in new_report.addresses if address not in addresses),
        checks=(report.checks + new_report.checks)[:MOST_CHECKS],
        uploads=report.uploads + new_report.uploads,
        rows=report.rows + new_report.rows,
    )
