"""What the verifications of further addresses have shown, after that of the target as a whole."""

from enum import IntEnum
from itertools import chain
from typing import Final

from msgspec import structs

from loadgen.http.endpoints import Endpoint
from loadgen.proof.course import VerificationCourse
from loadtest_model.measurement.snapshot import RefusedAddress, VerificationReport

MOST_CHECKS: Final = 200
"""The most checks, and the most canaries, that a report has. An address that fails in passing is tried as long as the
run lasts, and its checks and canaries must not fill the snapshot."""

MOST_REFUSED_ADDRESSES: Final = 8
"""The most refusals of new addresses that a report has."""


class _Suspicion(IntEnum):
    """How likely it is that the canary of a verification was stored, the likeliest first."""

    BROKEN_PROMISE = 0
    FAILED = 1
    NONE = 2


class LaterProofs:
    """The canaries of later verifications, and why later addresses are not proven."""

    def __init__(self) -> None:
        self._canaries: dict[_Suspicion, tuple[str, ...]] = {}
        self._refused_addresses: dict[Endpoint, RefusedAddress] = {}

    @property
    def refused_addresses(self) -> tuple[RefusedAddress, ...]:
        """The newest refusals of addresses that came later and are not proven since."""
        return tuple(self._refused_addresses.values())[-MOST_REFUSED_ADDRESSES:]

    def note_refusal(self, endpoint: Endpoint, report: VerificationReport) -> None:
        """Keep why an address that came later is not proven, until it is."""
        self._refused_addresses.pop(endpoint, None)
        if report.refusal is not None:
            self._refused_addresses[endpoint] = RefusedAddress(
                address=str(endpoint), refusal=report.refusal, cause=report.cause, message=report.message
            )

    def keep_canaries(self, canary_ids: tuple[str, ...], course: VerificationCourse) -> None:
        """Keep those that are likeliest to be stored: a busy address, tried again and again, leaves many others."""
        if course.violation is not None:
            suspicion = _Suspicion.BROKEN_PROMISE
        else:
            suspicion = _Suspicion.FAILED if course.refusal is not None or course.is_cut_off else _Suspicion.NONE
        self._canaries[suspicion] = (self._canaries.get(suspicion, ()) + canary_ids)[:MOST_CHECKS]

    def canaries_with(self, first: tuple[str, ...]) -> tuple[str, ...]:
        """The canaries that are kept, with those of the first verification, the most suspicious ones first."""
        canaries = [self._canaries.get(suspicion, ()) for suspicion in _Suspicion]
        return tuple(chain(*canaries[:-1], first, canaries[-1]))[:MOST_CHECKS]


def extend_report(report: VerificationReport, new_report: VerificationReport) -> VerificationReport:
    """The report with what the verification of a further address showed."""
    addresses = report.addresses
    return structs.replace(
        report,
        addresses=addresses + tuple(address for address in new_report.addresses if address not in addresses),
        checks=(report.checks + new_report.checks)[:MOST_CHECKS],
        uploads=report.uploads + new_report.uploads,
        rows=report.rows + new_report.rows,
    )
