"""The base of every value that crosses a process boundary, and the small types such values are made of."""

import re
from typing import Annotated, Final

from msgspec import Meta, Struct

NANOSECONDS: Final = 1_000_000_000

_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
DURATION_PATTERN: Final = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"

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
    if re.fullmatch(DURATION_PATTERN, duration) is None:
        raise ValueError(f"{duration!r} is not a duration; write a number with a unit, such as 90s, 5m or 1m30s")
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION_PART.findall(duration))
