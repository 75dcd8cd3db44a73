"""From a plan's target to proven addresses: resolve, hold against the address rules, verify, keep up to date."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from msgspec import structs

from loadgen.http.endpoints import Endpoint, parse_endpoint, site_of
from loadgen.http.fetching import make_fetch
from loadgen.proof.course import ProofSpans, VerificationCourse
from loadgen.proof.later_proofs import LaterProofs, extend_report
from loadgen.proof.preconditions import Preconditions
from loadgen.proof.read_back import ReadBack
from loadgen.proof.refusals import (
    attribute_to_throttling,
    with_note,
    with_refusal,
)
from loadgen.proof.storage_readings import RowKeys, StorageReadings
from loadgen.proof.verification import CheckObserver, FirstProof, Verifier
from loadgen.proof.violations import BrokenPromiseError
from loadgen.upload.address_source import AddressSource
from loadgen.upload.addresses import AddressBook
from loadgen.upload.following import REFRESH_SECONDS, RETRY_SECONDS, follow_addresses
from loadgen.upload.name_resolution import resolve
from loadgen.upload.uploading import Uploader
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.snapshot import (
    AddressProofs,
    ProofLevel,
    Refusal,
    VerificationReport,
    Violation,
)
from loadtest_model.plan import Plan
from loadtest_model.spec.verification import Requirement

MOST_AWAITED: Final = 32
"""The most addresses that a pod asks others to verify first at once."""

_PASSING_REFUSALS: Final[frozenset[Refusal]] = frozenset(
    {Refusal.REFUSED, Refusal.TIMEOUT, Refusal.RESET, Refusal.SERVER_ERROR}
)
"""Refusals of a new address that may be gone at the next try, and that leave no row behind."""


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
        site = site_of(plan.target.url)
        self._uploader = uploader
        self._book = book
        self._source = AddressSource(
            tuple(parse_endpoint(address) for address in plan.target.addresses),
            site.literal_endpoint,
            partial(resolve_name, site.host, site.port),
            goes_first=goes_first,
        )
        self._preconditions = Preconditions(plan, uploader, self._source)
        self._row_keys = RowKeys(plan)
        self._must_prove = plan.require == Requirement.PROVEN
        self._proof_spans = ProofSpans()
        self._late_refusal: VerificationReport | None = None
        self._storage: StorageReadings | None = None
        self._report: VerificationReport | None = None
        self._later = LaterProofs()
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
            canary_ids=self._later.canaries_with(self._report.canary_ids),
            id_column=self._row_keys.id_column,
            addresses=tuple(address for address in self._report.addresses if address not in unverified),
            unverified=unverified,
            refused_addresses=self._later.refused_addresses,
            vanished=tuple(map(str, self._book.vanished_addresses)),
            unechoed=self._uploader.unechoed_uploads if self._report.level is ProofLevel.ECHOED else 0,
            read_back=self._storage.report if self._storage else None,
        )

    async def prove(self, *, full_rows: int | None) -> VerificationReport:
        """Verify the target at every address, within the plan's deadline.

        With `full_rows` also upload a whole batch, and read back if the plan says so: that is for the pod that goes
        first. Cancelling leaves in `report` what was sent.
        """
        bound_seconds = self._plan.deadlines.verification_seconds
        course = VerificationCourse()
        if full_rows is not None and self._plan.read_back is not None:
            read_back = ReadBack(
                self._plan.read_back,
                make_fetch(self._plan),
                self._uploader.credentials,
                id_column=self._row_keys.column,
                id_prefix=self._row_keys.prefix,
            )
            self._storage = StorageReadings(read_back, must_prove=self._must_prove)
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
        if self._storage is not None and self._report.refusal is not None and course.rows:
            await self._storage.read_refused(self._report.refusal, course.sent_keys)
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
        return AddressProofs(
            proven=tuple(map(str, proven_addresses)),
            pending=tuple(str(endpoint) for endpoint in unverified if self._source.may_prove(endpoint)),
            awaited=tuple(str(endpoint) for endpoint in unverified if not self._source.may_prove(endpoint))[
                :MOST_AWAITED
            ],
            by_name=self._source.is_name,
            age_seconds=round(self._proof_spans.greatest_age_seconds(proven_addresses), 3),
            longest_seconds=round(self._proof_spans.longest_seconds(proven_addresses), 3),
        )

    def adopt_late_refusal(self) -> None:
        """Let the report be refused by the promise that an address broke after the verification and before the load."""
        if self._report is not None:
            self._report = with_refusal(self._report, self._late_refusal)

    @property
    def reads_back(self) -> bool:
        """Whether `conclude` has something to read."""
        return self._storage is not None

    async def conclude(self) -> None:
        """Read back what the target has stored, when the last answer of the whole fleet is in; `report` then has it."""
        if self._storage is not None:
            await self._storage.conclude(self._uploader.newest_confirmed_key)

    async def read_after_halt(self, violation: Violation | None) -> None:
        """Read once what the target has stored, after a load that was halted; `report` then has it.

        `violation` is the one that this pod has met, if it has met one.
        """
        if self._storage is not None:
            suspected_key = self._row_keys.key_of(violation) if violation is not None else ""
            await self._storage.read_halted(self._uploader.newest_confirmed_key, suspected_key)

    async def prove_alone(self, *, full_rows: int) -> VerificationReport:
        """Prove a target that no load follows for: its read-back is made to the end at once."""
        report = await self.prove(full_rows=full_rows)
        if not report.is_proven or self._storage is None:
            return report
        await self.conclude()
        self._report = with_refusal(report, self._storage.refusal)
        return self.report or report

    async def keep_fresh(self, pause_seconds: float = REFRESH_SECONDS) -> None:
        """Follow the target's addresses, by its name or as they are pushed, and renew its token, until cancelled.

        Raises a group with a BrokenPromiseError if an address does not keep the promise, be it a new one or one
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
        for endpoint in self._proof_spans.older_ones(self._book.proven_addresses, older_than_seconds):
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
        endpoints = await self._preconditions.permitted_endpoints()
        if isinstance(endpoints, VerificationReport):
            return endpoints
        if self._storage is not None and (refusal := await self._storage.read_before()) is not None:
            return refusal
        report = await self._verify(endpoints, full_rows, course, is_first=True)
        while course.is_overtaken:
            endpoints = await self._preconditions.permitted_endpoints()
            if isinstance(endpoints, VerificationReport):
                return endpoints
            course.begin_anew()
            report = await self._verify(endpoints, full_rows, course, is_first=True)
        if self._storage is None or not report.is_proven:
            return report
        return with_refusal(report, await self._storage.read_verified(course.sent_keys))

    @property
    def _first_proof(self) -> FirstProof:
        return FirstProof(
            vet=self._preconditions.refuse_short_token,
            has_departed=self._source.has_departed,
            read_first_rows=self._storage.read_first_rows if self._storage else None,
        )

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
                # Later the result for an address that has left counts for nothing anyway.
                first_proof=self._first_proof if is_first else None,
            )
            return await verifier.verify(
                endpoints, full_rows=full_rows, spare_unreachable=self._source.is_name, course=course
            )

    async def _verify_new_address(self, endpoint: Endpoint) -> bool | None:
        """Whether the address is proven; False if it must never be used, None if it may be tried later.

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
            self._later.keep_canaries(cut_off_report.canary_ids, course)
            raise
        self._extend(new_report)
        self._later.keep_canaries(new_report.canary_ids, course)
        self._later.note_refusal(endpoint, new_report)
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

    def _extend(self, new_report: VerificationReport) -> None:
        if self._report is not None:
            self._report = extend_report(self._report, new_report)
