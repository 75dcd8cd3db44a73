"""A pod's last word: its final snapshot within the kubelet's limit on a termination message.

Exact counts come first, with when the target did not answer; then the sketches of response time, service time, lateness
and own time, as coarse as must be to fit. What is left out (seconds, segments, addresses, details of the verification's
checks) is lost, and the reader can tell: the snapshot it gets has no seconds.
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
from loadtest_model.measurement.silence import Silence
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.snapshot import Snapshot, VerificationReport, Violation
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.measurement.upload_parts import UploadParts
from loadtest_model.quantities import clip_middle

LIMIT_BYTES: Final = 4_096
MESH_LIMIT_BYTES: Final = 2_048
"""The kubelet divides 12,288 bytes among a pod's containers once there are more than three. This is what each of six
gets: the generator, a mesh's proxy with its init containers, and two more."""
_PREFIX: Final = "LT1"
_COARSEST: Final = 12
_SILENCES_KEPT: Final = 4
_FIXED_SIZE_TYPES: Final = (int, float, Counts, UploadParts)
_LONG_TEXT_LENGTH: Final = 800
_TEXT_LENGTH: Final = 200
_SHORT_TEXT_LENGTH: Final = 40
_REDUCTIONS: Final[tuple[tuple[int | None, int], ...]] = (
    (0, _LONG_TEXT_LENGTH),
    *((coarseness, _TEXT_LENGTH) for coarseness in range(_COARSEST + 1)),
    *((coarseness, _SHORT_TEXT_LENGTH) for coarseness in range(_COARSEST + 1)),
    (None, _SHORT_TEXT_LENGTH),
    (None, 1),
)
"""What is given up to fit, the least first: how coarse the sketches are (None: there are none), and the characters that
are left of each text. A text may take four bytes a character, and whatever a target answers must not cost the counts.
One character is always left: that a reading has a problem is what says that it failed."""


def encode_last_word(snapshot: Snapshot, limit_bytes: int = LIMIT_BYTES) -> str:
    """The snapshot as one line of ASCII of at most `limit_bytes`: prefix, CRC-32 and compressed JSON in base85.

    Raises ValueError if even the counts alone do not fit.
    """
    for coarseness, text_length in _REDUCTIONS:
        text = _encode(_shorten(snapshot, coarseness, text_length))
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


def _shorten(snapshot: Snapshot, coarseness: int | None, text_length: int) -> Snapshot:
    return structs.replace(
        snapshot,
        message=clip_middle(snapshot.message, text_length),
        verification=_shorten_report(snapshot.verification, text_length),
        violation=_shorten_violation(snapshot.violation, text_length),
        steps=tuple(_shorten_step(step, coarseness) for step in snapshot.steps),
        proofs=None,
        final=True,
    )


def _shorten_step(step: StepAggregate, coarseness: int | None) -> StepAggregate:
    """What is of one size whatever was measured, the errors by kind, and what still fits beside them."""
    fixed_size_fields = {
        name: value for name, value in structs.asdict(step).items() if isinstance(value, _FIXED_SIZE_TYPES)
    }
    own = structs.replace(
        step.own, response=Sketch(), service=Sketch(), response_without=Sketch(), service_without=Sketch()
    )
    shortened_step = structs.replace(
        StepAggregate(), **fixed_size_fields, errors=step.errors, own=own, silence=_shorten_silence(step.silence)
    )
    if coarseness is None:
        return shortened_step
    return structs.replace(
        shortened_step,
        causes=_without_examples(step.causes),
        response=step.response.coarsen(coarseness),
        service=step.service.coarsen(coarseness),
        lateness=step.lateness.coarsen(coarseness),
        own=structs.replace(
            step.own,
            response=step.own.response.coarsen(coarseness),
            service=step.own.service.coarsen(coarseness),
            response_without=step.own.response_without.coarsen(coarseness),
            service_without=step.own.service_without.coarsen(coarseness),
        ),
        censored=structs.replace(
            step.censored,
            response=step.censored.response.coarsen(coarseness),
            service=step.censored.service.coarsen(coarseness),
        ),
    )


def _shorten_silence(silence: Silence) -> Silence:
    """The longest of the silences alone: a span that is left out only ever denies one."""
    if len(silence.waiting) <= _SILENCES_KEPT:
        return silence
    longest = sorted(silence.waiting, key=lambda span: span[0] - span[1])[:_SILENCES_KEPT]
    return structs.replace(silence, waiting=tuple(sorted(longest)))


def _without_examples(causes: dict[Cause, CauseCount]) -> dict[Cause, CauseCount]:
    return {cause: structs.replace(count, example=None) for cause, count in causes.items()}


def _shorten_report(report: VerificationReport | None, text_length: int) -> VerificationReport | None:
    if report is None:
        return None
    return structs.replace(
        report,
        checks=(),
        addresses=report.addresses[:4],
        canary_ids=report.canary_ids[:4],
        unverified=report.unverified[:4],
        refused_addresses=tuple(
            structs.replace(refused, message=refused.message[:text_length]) for refused in report.refused_addresses[:1]
        ),
        vanished=report.vanished[:4],
        read_back=_shorten_read_back(report.read_back, text_length),
        message=clip_middle(report.message, text_length),
        hint=clip_middle(report.hint, text_length),
    )


def _shorten_read_back(report: ReadBackReport | None, text_length: int) -> ReadBackReport | None:
    if report is None:
        return None
    readings = (
        structs.replace(reading, found=reading.found[:4], problem=clip_middle(reading.problem, text_length))
        for reading in report.readings
    )
    return structs.replace(report, readings=tuple(readings))


def _shorten_violation(violation: Violation | None, text_length: int) -> Violation | None:
    if violation is None:
        return None
    return structs.replace(
        violation,
        message=clip_middle(violation.message, text_length),
        first_row=clip_middle(violation.first_row, text_length),
    )
