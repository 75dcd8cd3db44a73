"""Columns of dates and times, by the format that all values have."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from loadgen.profiling.proposals import ColumnValues, Json, Proposal, words_of_name

_DATE_FORMATS: Final = (
    *("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y"),
)
_COMPACT_DATE: Final = "%Y%m%d"
_DATE_WORDS: Final = frozenset(("date", "day", "dob", "born", "birthday", "on", "at"))
_TIME: Final = re.compile(
    r"(?P<date>[0-9./-]+)(?P<separator>[T ])(?P<time>[0-9]{2}:[0-9]{2}(?P<seconds>:[0-9]{2})?)"
    r"(?P<rest>(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
)
"""Nothing but digits and a time zone, since what follows a time becomes part of the format."""
_FRACTION: Final = re.compile(r"\.([0-9]+)")
_LATEST_YEAR: Final = 2999
_MOST_LOOKED_AT: Final = 2_000


def propose_moment(values: ColumnValues) -> Proposal | None:
    """A date or a datetime in the format of the file, None if the values are something else."""
    texts = list(dict.fromkeys(values.filled))[:_MOST_LOOKED_AT]
    return _date(values.name, texts) or _date_time(texts)


def _date(name: str, texts: Sequence[str]) -> Proposal | None:
    formats = (*_DATE_FORMATS, _COMPACT_DATE) if _DATE_WORDS & set(words_of_name(name)) else _DATE_FORMATS
    fitting_formats = [(each, days) for each in formats if (days := _days(texts, each)) is not None]
    if not fitting_formats:
        return None
    date_format, days = fitting_formats[0]
    earliest, latest = _bounds(days)
    parameters: Json = {"kind": "date", "earliest": earliest.isoformat(), "latest": latest.isoformat()}
    if date_format != "%Y-%m-%d":
        parameters["format"] = date_format
    return Proposal(parameters, notes=_doubt([each for each, _ in fitting_formats]))


def _date_time(texts: Sequence[str]) -> Proposal | None:
    matches = [_TIME.fullmatch(text) for text in texts]
    # A cell of a sheet at midnight is read as a date.
    pairs = [(match["date"], match) if match else (text, None) for text, match in zip(texts, matches, strict=True)]
    first = next((match for match in matches if match is not None), None)
    if first is None or (None in matches and first["separator"] != "T"):
        return None
    if len({(match["separator"], match["seconds"] is None) for match in matches if match is not None}) > 1:
        return None
    dates = [text for text, _ in pairs]
    fitting_formats = [(each, days) for each in _DATE_FORMATS if (days := _days(dates, each)) is not None]
    if not fitting_formats:
        return None
    date_format, days = fitting_formats[0]
    earliest, latest = _bounds(days)
    time = "%H:%M" if first["seconds"] is None else "%H:%M:%S"
    rest = _FRACTION.sub(lambda match: "." + "0" * len(match[1]), first["rest"])
    moment_format = f"{date_format}{first['separator']}{time}{rest}"
    parameters: Json = {
        "kind": "datetime",
        "earliest": f"{earliest.isoformat()}T00:00:00Z",
        "latest": f"{latest.isoformat()}T23:59:59Z",
    }
    if moment_format != "%Y-%m-%dT%H:%M:%SZ":
        parameters["format"] = moment_format
    return Proposal(parameters, notes=_doubt([each for each, _ in fitting_formats]))


def _days(texts: Sequence[str], date_format: str) -> list[date] | None:
    """The days of texts in a format, None if one of them is in another."""
    try:
        days = [datetime.strptime(text, date_format).replace(tzinfo=UTC).date() for text in texts]
    except ValueError:
        return None
    # strptime takes 4 digits for a year of 2, and fewer digits than the format writes.
    return days if days and all(1000 <= day.year <= _LATEST_YEAR for day in days) else None


def _bounds(days: Sequence[date]) -> tuple[date, date]:
    """The whole months within the range of the days; if there is none, the month or two that it touches."""
    first, last = min(days), max(days)
    earliest = first if first.day == 1 else _next_month(first)
    latest = last.replace(day=1) - timedelta(days=1)
    if earliest <= latest:
        return earliest, latest
    return first.replace(day=1), _next_month(last) - timedelta(days=1)


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def _doubt(formats: Sequence[str]) -> tuple[str, ...]:
    if len(formats) < 2:
        return ()
    return (f"the values do not tell {formats[0]} from {formats[1]}; see that the format is right",)
