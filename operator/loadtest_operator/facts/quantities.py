"""Kubernetes' quantities as numbers: `500m`, `2Gi`, `1e3`."""

import re
from typing import Final

_FACTORS: Final = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
_FORM: Final = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([numkKMGTPE]i?|)")


def quantity(text: str) -> float | None:
    """The number that a quantity stands for; None where it is none."""
    match = _FORM.fullmatch(text.strip())
    if match is None or match[2] not in _FACTORS:
        return None
    try:
        return float(match[1]) * _FACTORS[match[2]]
    except ValueError:
        return None
