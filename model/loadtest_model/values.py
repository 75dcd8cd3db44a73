"""The base of every value that crosses a process boundary, and the small types such values are made of."""

import re
from typing import Annotated, Final

from msgspec import Meta, Struct

NANOSECONDS: Final = 1_000_000_000
LONGEST_NANOSECONDS: Final = 2**63 - 1
"""The longest duration that the API server can represent: 292 years."""

_UNIT_NANOSECONDS: Final = {"ms": 1_000_000, "s": NANOSECONDS, "m": 60 * NANOSECONDS, "h": 3_600 * NANOSECONDS}
_DURATION_PART: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?(ms|s|m|h)")
# Patterns end in \Z, because $ also matches before a final line break. In the CRD it becomes the $ of RE2.
DURATION_PATTERN: Final = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+\Z"

DurationText = Annotated[str, Meta(pattern=DURATION_PATTERN, max_length=20)]
"""A length of time as people write it in a manifest: `90s`, `5m`, `1m30s`."""


class Value(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A value that people write: camelCase outside, and an unknown key is an error that names it."""


class WireValue(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A value that programs exchange: a reader ignores keys that a newer writer added."""


def seconds_of(duration: str) -> float:
    """The seconds in a duration such as `1m30s`.

    Raises ValueError, naming the text and the accepted form.
    """
    return nanoseconds_of(duration) / NANOSECONDS


def nanoseconds_of(duration: str) -> int:
    """The nanoseconds in a duration, rounded down for each of its parts, as in the API server.

    Raises ValueError, naming the text and the accepted form.
    """
    if re.fullmatch(DURATION_PATTERN, duration) is None:
        raise ValueError(f"{duration!r} is not a duration; write a number with a unit, such as 90s, 5m or 1m30s")
    return sum(_nanoseconds(*part.groups()) for part in _DURATION_PART.finditer(duration))


def _nanoseconds(whole: str, fraction: str | None, unit: str) -> int:
    # The arithmetic of Go's time.ParseDuration, which the API server uses, so that both agree to the nanosecond.
    unit_nanoseconds = _UNIT_NANOSECONDS[unit]
    digits = fraction or "0"
    return int(whole) * unit_nanoseconds + int(int(digits) * (unit_nanoseconds / 10 ** len(digits)))
