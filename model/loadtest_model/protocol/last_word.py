"""A pod's last word: its final snapshot within the kubelet's limit on a termination message.

Exact counts come first; then the sketches of response time, lateness and own time, as coarse as must be to fit. What is
left out (seconds, segments, addresses, details of the verification's checks) is lost, and the reader can tell: the
snapshot it gets has no seconds.
"""

import base64
import binascii
import zlib
from typing import Final

import msgspec
from msgspec import structs

from loadtest_model.measurement.cause_counts import CauseCount
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.proof import ReadBackReport
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.snapshot import Snapshot, VerificationReport, Violation
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.measurement.upload_parts import UploadParts

LIMIT_BYTES: Final = 4_096
MESH_LIMIT_BYTES: Final = 2_048
"""The kubelet divides 12,288 bytes among a pod's containers once there are more than three. This is what each of six
gets: the generator, a mesh's proxy with its init containers, and two more."""
_PREFIX: Final = "LT1"
_COARSEST: Final = 12
_OF_ONE_SIZE: Final = (int, float, Counts, UploadParts)
_SHORT: Final = 200
_SHORTER: Final = 40
_SACRIFICES: Final[tuple[tuple[int | None, int], ...]] = (
    *((coarseness, _SHORT) for coarseness in range(_COARSEST + 1)),
    *((coarseness, _SHORTER) for coarseness in range(_COARSEST + 1)),
    (None, _SHORTER),
    (None, 1),
)
"""What is given up to fit, the least first: how coarse the sketches are (None: there are none), and the characters that
are left of each text. A text may take four bytes a character, and whatever a target answers must not cost the counts.
One character is always left: that a reading has a problem is what says that it failed."""


def encode_last_word(snapshot: Snapshot, limit_bytes: int = LIMIT_BYTES) -> str:
    """The snapshot as one line of ASCII of at most `limit_bytes`: prefix, CRC-32 and compressed JSON in base85.

    Raises ValueError if even the counts alone do not fit.
    """
    for coarseness, longest in _SACRIFICES:
        text = _encode(_shortened(snapshot, coarseness, longest))
        if len(text) <= limit_bytes:
            return text
    raise ValueError(f"the counts of {len(snapshot.steps)} steps do not fit into {limit_bytes} bytes")


def decode_last_word(text: str) -> Snapshot | None:
    """The snapshot in a termination message; None if it is torn or not a last word."""
    parts = text.strip().split(" ")
    if len(parts) != 3 or parts[0] != _PREFIX:
        return None
    try:
        packed = base64.b85decode(parts[2])
        if f"{zlib.crc32(packed):08x}" != parts[1]:
            return None
        return msgspec.json.decode(zlib.decompress(packed), type=Snapshot)
    except (ValueError, binascii.Error, zlib.error, msgspec.DecodeError):
        return None


def is_like_last_word(text: str) -> bool:
    """Whether a text begins as a last word does, be it whole or torn."""
    return text.startswith(f"{_PREFIX} ")


def _encode(snapshot: Snapshot) -> str:
    packed = zlib.compress(msgspec.json.encode(snapshot), 9)
    return f"{_PREFIX} {zlib.crc32(packed):08x} {base64.b85encode(packed).decode()}"


def _shortened(snapshot: Snapshot, coarseness: int | None, longest: int) -> Snapshot:
    return structs.replace(
        snapshot,
        message=snapshot.message[:longest],
        verification=_short_report(snapshot.verification, longest),
        violation=_short_violation(snapshot.violation, longest),
        steps=tuple(_short_step(step, coarseness) for step in snapshot.steps),
        final=True,
    )


def _short_step(step: StepAggregate, coarseness: int | None) -> StepAggregate:
    """What is of one size whatever was measured, the errors by kind, and what still fits beside them."""
    sized = {name: value for name, value in structs.asdict(step).items() if isinstance(value, _OF_ONE_SIZE)}
    own = structs.replace(step.own, response=Sketch(), service=Sketch())
    short = structs.replace(StepAggregate(), **sized, errors=step.errors, own=own)
    if coarseness is None:
        return short
    return structs.replace(
        short,
        causes=_without_examples(step.causes),
        response=step.response.coarsened(coarseness),
        lateness=step.lateness.coarsened(coarseness),
        own=structs.replace(
            step.own,
            response=step.own.response.coarsened(coarseness),
            service=step.own.service.coarsened(coarseness),
        ),
    )


def _without_examples(causes: dict[Cause, CauseCount]) -> dict[Cause, CauseCount]:
    return {cause: structs.replace(seen, example=None) for cause, seen in causes.items()}


def _short_report(report: VerificationReport | None, longest: int) -> VerificationReport | None:
    if report is None:
        return None
    return structs.replace(
        report,
        checks=(),
        addresses=report.addresses[:4],
        canary_ids=report.canary_ids[:4],
        unverified=report.unverified[:4],
        vanished=report.vanished[:4],
        read_back=_short_read_back(report.read_back, longest),
        message=report.message[:longest],
        hint=report.hint[:longest],
    )


def _short_read_back(report: ReadBackReport | None, longest: int) -> ReadBackReport | None:
    if report is None:
        return None
    readings = (
        structs.replace(reading, found=reading.found[:4], problem=reading.problem[:longest])
        for reading in report.readings
    )
    return structs.replace(report, readings=tuple(readings))


def _short_violation(violation: Violation | None, longest: int) -> Violation | None:
    return None if violation is None else structs.replace(violation, message=violation.message[:longest])
