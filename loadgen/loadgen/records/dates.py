"""Dates and times as a file's dialect writes them, from their ISO form."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

ISO_DATE: Final = "%Y-%m-%d"
ISO_DATE_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"

_DIRECTIVE: Final = re.compile("%(.)")
_PLACES: Final = {
    "Y": slice(0, 4),
    "y": slice(2, 4),
    "m": slice(5, 7),
    "d": slice(8, 10),
    "H": slice(11, 13),
    "M": slice(14, 16),
    "S": slice(17, 19),
}
"""Where a directive's digits stand in an ISO text."""


class DateTexts:
    """Writes dates by one format and times by another. Both have the directives Y, y, m, d, times also H, M and S."""

    def __init__(self, date_format: str = ISO_DATE, date_time_format: str = ISO_DATE_TIME) -> None:
        self._date_parts = None if date_format == ISO_DATE else _parts(date_format)
        self._date_time_parts = None if date_time_format == ISO_DATE_TIME else _parts(date_time_format)

    def dates(self, days: NDArray[np.datetime64]) -> list[str]:
        texts: list[str] = np.datetime_as_string(days).tolist()
        return texts if self._date_parts is None else _rearrange(texts, self._date_parts)

    def times(self, seconds: NDArray[np.datetime64]) -> list[str]:
        texts: list[str] = np.datetime_as_string(seconds).tolist()
        if self._date_time_parts is None:
            return [f"{text}Z" for text in texts]
        return _rearrange(texts, self._date_time_parts)


def _parts(date_format: str) -> list[str | slice]:
    literals = _DIRECTIVE.split(date_format)
    return [_PLACES.get(part, part) if index % 2 else part for index, part in enumerate(literals)]


def _rearrange(texts: Sequence[str], parts: Sequence[str | slice]) -> list[str]:
    return ["".join([part if isinstance(part, str) else text[part] for part in parts]) for text in texts]
