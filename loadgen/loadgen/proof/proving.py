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
from loadgen.http.tls import TlsUnusableError
from loadgen.proof.read_back import ReadBack, fetch_of
from loadgen.proof.refusals import (
    cause_of_no_token,
    excused,
    refused,
    refused_by,
    refused_for_expiry,
    refused_for_read_back,
)
from loadgen.proof.verification import CheckObserver, Course, Verifier
from loadgen.proof.violations import BrokenPromiseError
from loadgen.upload.addresses import REFRESH_SECONDS, AddressBook, NameNotResolvedError, Told, keep_fresh, resolve
from loadgen.upload.uploading import Uploader
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.proof import ReadingMoment
from loadtest_model.measurement.snapshot import ProofLevel, Refusal, VerificationReport
from loadtest_model.plan import Plan
from loadtest_model.spec.verification import Requirement

CHECKS_KEPT: Final = 200
"""An address that fails in passing is tried for as long as the run lasts; its checks and canaries must not fill the
snapshot."""

ANEW_SECONDS: Final = 3.0
"""How often an address that was told, and is not proven or in doubt, is tried again."""

LOOKED_UP: Final = 32
"""Rows of the verification that a read-back looks up, one request each."""

_PASSING: Final[frozenset[Refusal]] = frozenset({Refusal.REFUSED, Refusal.TIMEOUT, Refusal.RESET, Refusal.SERVER_ERROR})
"""Refusals of a new address that may be gone at the next try, and that leave no row behind."""


class _Suspicion(IntEnum):
    """How likely it is that the canary of a verification was stored, the likeliest first."""

    BROKEN_PROMISE = 0
    FAILED = 1
    NONE = 2


class Prover:
    """Proves a target's addresses and enters them into the book. `report` is all that was seen so far.

    `generator`, which may be set, tells how this process fares since the verification began.
    `ask` gives the addresses of a name and a port, `now` the wall clock's seconds since the epoch.
    """

    def __init__(
        self,
        plan: Plan,
        uploader: Uploader,
        book: AddressBook,
        ask: Callable[[str, int], Awaitable[tuple[Endpoint, ...]]] = resolve,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._plan = plan
        self._site = site_of(plan.target.url)
        self._uploader = uploader
        self._rules = rules_of(plan.network)
        self._book = book
        self._ask = ask
        self._now = now
        self._resolves = not plan.target.addresses and self._site.literal is None
        self._must_prove = plan.require == Requirement.PROVEN
        self._told = Told(tuple(parse_endpoint(address) for address in plan.target.addresses))
        self._read_back: ReadBack | None = None
        self._to_look_up: tuple[str, ...] = ()
        self._report: VerificationReport | None = None
        self._canaries: dict[_Suspicion, tuple[str, ...]] = {}
        self.observe_check: CheckObserver | None = None
        self.generator: Callable[[], GeneratorHealth] = GeneratorHealth

    @property
    def report(self) -> VerificationReport | None:
        """The proof as it stands, with the addresses that came and went since."""
        if self._report is None:
            return None
        unverified = tuple(map(str, self._book.distrusted))
        return structs.replace(
            self._report,
            canary_ids=self._all_canaries(self._report.canary_ids),
            addresses=tuple(address for address in self._report.addresses if address not in unverified),
            unverified=unverified,
            vanished=tuple(map(str, self._book.vanished)),
            unechoed=self._uploader.unechoed if self._report.level is ProofLevel.ECHOED else 0,
            read_back=self._read_back.report if self._read_back else None,
        )

    async def prove(self, *, full_rows: int | None) -> VerificationReport:
        """Verify the target at every address, within the plan's deadline.

        With `full_rows` also upload a whole batch, and read back if the plan says so: that is for the pod that goes
        first. Cancelling leaves in `report` what was sent.
        """
        bound_seconds = self._plan.deadlines.verification_seconds
        course = Course()
        if full_rows is not None and self._plan.read_back is not None:
            self._read_back = ReadBack(self._plan.read_back, fetch_of(self._plan), self._uploader.authorization)
        try:
            async with asyncio.timeout(bound_seconds):
                self._report = await self._prove(full_rows, course)
        except TimeoutError:
            self._report = course.cut_off(
                Refusal.TIMEOUT, f"the verification took longer than {bound_seconds:g} s and was cut off"
            )
        except asyncio.CancelledError:
            self._report = course.cut_off(None, "the verification was cut off")
            raise
        self._report = excused(self._report, self.generator())
        if self._must_prove and self._report.level is ProofLevel.ECHOED:
            # What the read-back rests on must not become weaker than it was when it began.
            self._uploader.must_echo = True
        for address in self._report.addresses if self._report.is_proven else ():
            self._book.confirm(parse_endpoint(address))
        return self.report or self._report

    @property
    def reads_back(self) -> bool:
        """Whether `conclude` has something to read."""
        return self._read_back is not None

    async def conclude(self) -> None:
        """Read back what the target has stored, when the last answer of the whole fleet is in; `report` then has it."""
        if self._read_back is None:
            return
        newest = self._uploader.newest_confirmed_id
        ids = dict.fromkeys((*self._to_look_up, *((newest,) if newest else ())))
        await self._read_back.conclude(tuple(ids))

    async def prove_alone(self, *, full_rows: int) -> VerificationReport:
        """Prove a target that no load follows for: its read-back is made to the end at once."""
        report = await self.prove(full_rows=full_rows)
        if not report.is_proven or self._read_back is None:
            return report
        await self.conclude()
        self._report = refused_by(report, refused_for_read_back(self._read_back.report, must_prove=self._must_prove))
        return self.report or report

    async def keep_fresh(self, pause_seconds: float = REFRESH_SECONDS) -> None:
        """Follow the target's addresses, by its name or as they are told, and renew its token, until cancelled.

        Raises a group with a BrokenPromiseError where an address that was proven breaks its promise by now.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._uploader.keep_token_fresh())
            if self._resolves:
                pause = partial(asyncio.sleep, pause_seconds)
                tasks.create_task(keep_fresh(self._book, self._resolve, self._verify_followed, pause))
            elif self._plan.target.addresses:
                news = partial(self._told.news, min(pause_seconds, ANEW_SECONDS))
                tasks.create_task(keep_fresh(self._book, self._told.ask, self._verify_followed, news))

    def tell(self, addresses: tuple[Endpoint, ...], *, more: bool, age_seconds: float = 0.0) -> None:
        """Take the target's addresses as they are now: from this moment on no upload connects to one that is gone. What
        has a connection goes on, and a connection that is being opened has a moment left.

        `more` says that there are others, which are verified elsewhere first; `age_seconds` for how long this has been
        known to whoever tells.
        """
        self._told.tell(addresses)
        self._book.expect(more)
        self._book.observe(addresses, asyncio.get_running_loop().time() - age_seconds)

    async def _resolve(self) -> tuple[Endpoint, ...]:
        return await self._ask(self._site.host, self._site.port)

    async def _endpoints(self) -> tuple[Endpoint, ...]:
        if self._plan.target.addresses:
            return await self._told.ask()
        if self._site.literal is not None:
            return (self._site.literal,)
        return await self._resolve()

    async def _prove(self, full_rows: int | None, course: Course) -> VerificationReport:
        endpoints = await self._permitted_endpoints()
        if isinstance(endpoints, VerificationReport):
            return endpoints
        if (refusal := await self._read(ReadingMoment.BEFORE, ())) is not None:
            return refusal
        report = await self._verify(endpoints, full_rows, course)
        self._to_look_up = tuple(dict.fromkeys((*course.canary_ids, *course.first_ids)))[:LOOKED_UP]
        return refused_by(
            report, await self._read(ReadingMoment.VERIFIED, self._to_look_up) if report.is_proven else None
        )

    async def _permitted_endpoints(self) -> tuple[Endpoint, ...] | VerificationReport:
        """The addresses to verify; a refusal where that can be told before anything is sent."""
        if (unready := await self._unready()) is not None:
            return unready
        try:
            endpoints = await self._endpoints()
        except NameNotResolvedError as error:
            return refused(Refusal.DNS, str(error))
        denied = [str(endpoint) for endpoint in endpoints if not self._rules.permits(endpoint.ip, endpoint.port)]
        if denied:
            return refused(Refusal.ADDRESS_DENIED, f"{self._site.host} is {', '.join(denied)}, which is not allowed")
        return endpoints

    async def _read(self, moment: ReadingMoment, client_ids: tuple[str, ...]) -> VerificationReport | None:
        if self._read_back is None:
            return None
        await self._read_back.read(moment, client_ids)
        return refused_for_read_back(self._read_back.report, must_prove=self._must_prove)

    async def _unready(self) -> VerificationReport | None:
        """The refusal where token or certificates are not fit for the run; None where they are."""
        try:
            self._uploader.load_certificates()
            expires_at = await self._uploader.token_lapses_at()
        except TlsUnusableError as error:
            return refused(Refusal.TLS, str(error), Cause.TLS_SETTINGS)
        except TokenUnreadableError as error:
            return refused(Refusal.UNAUTHORIZED, str(error), cause_of_no_token(error))
        planned_seconds = sum(step.foreseen_seconds for step in self._plan.steps)
        return None if expires_at is None else refused_for_expiry(expires_at - self._now(), planned_seconds)

    async def _verify(
        self, endpoints: tuple[Endpoint, ...], full_rows: int | None, course: Course
    ) -> VerificationReport:
        # Each upload of a verification connects anew.
        async with self._uploader.open_client(0) as client:
            verifier = Verifier(self._uploader, client, observe=self.observe_check)
            return await verifier.verify(
                endpoints, full_rows=full_rows, spare_unreachable=self._resolves, course=course
            )

    async def _verify_followed(self, endpoint: Endpoint) -> bool | None:
        """Whether the address is proven; False where it must never be used, None where it may be tried later.

        Raises BrokenPromiseError where it was proven before: that is a violation of the run, since it was loaded.
        """
        course = Course()
        # It may be proven, trusted or gone otherwise by the time that this verification ends.
        in_use = endpoint in self._book.proven
        loaded = in_use or endpoint in self._book.vanished
        try:
            seen = await self._verify((endpoint,), None, course)
        except asyncio.CancelledError:
            cut_off = course.cut_off(None, "the verification of a new address was cut off")
            self._extend(cut_off)
            self._keep_canaries(cut_off.canary_ids, course)
            raise
        self._extend(seen)
        self._keep_canaries(seen.canary_ids, course)
        if seen.is_proven:
            return True
        if loaded and course.violation is not None:
            raise BrokenPromiseError(course.violation)
        if in_use:
            # It honoured the header before: a busy target, or a token that lapsed, says nothing against that.
            return None
        return None if seen.refusal in _PASSING and not seen.canary_ids else False

    def _keep_canaries(self, canary_ids: tuple[str, ...], course: Course) -> None:
        """Keep those that are likeliest to be stored: a busy address, tried again and again, leaves many others."""
        if course.violation is not None:
            suspicion = _Suspicion.BROKEN_PROMISE
        else:
            suspicion = _Suspicion.FAILED if course.refusal is not None or course.cut else _Suspicion.NONE
        self._canaries[suspicion] = (self._canaries.get(suspicion, ()) + canary_ids)[:CHECKS_KEPT]

    def _all_canaries(self, first: tuple[str, ...]) -> tuple[str, ...]:
        """The canaries that are kept, with those of the first verification, the most suspicious ones first."""
        kept = [self._canaries.get(suspicion, ()) for suspicion in _Suspicion]
        return tuple(chain(*kept[:-1], first, kept[-1]))[:CHECKS_KEPT]

    def _extend(self, seen: VerificationReport) -> None:
        if self._report is not None:
            self._report = _extended(self._report, seen)


def _extended(report: VerificationReport, seen: VerificationReport) -> VerificationReport:
    """The report with what the verification of a further address showed."""
    known = report.addresses
    return structs.replace(
        report,
        addresses=known + tuple(address for address in seen.addresses if address not in known),
        checks=(report.checks + seen.checks)[:CHECKS_KEPT],
        uploads=report.uploads + seen.uploads,
        rows=report.rows + seen.rows,
    )
