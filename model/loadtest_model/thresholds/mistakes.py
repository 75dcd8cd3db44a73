"""Thresholds that have the form of one and cannot be meant, a pattern for each kind of mistake.

The API server and the predicates of the spec's rules use the same patterns. A plan or a status of an earlier version
may hold such a threshold. Therefore `parse_threshold` does not refuse those that it can read.
"""

from typing import Final

from loadtest_model.load.scenarios import STEP_NAMES
from loadtest_model.thresholds.metrics import METRICS, Unit

_NUMBER: Final = "[0-9]+([.][0-9]+)?"
_UNIT_SUFFIX: Final = "(ms|s|m|%)"
_FRACTION: Final = "([.][0-9]+)?"
_ABOVE_100_PERCENT: Final = (
    f"0*(([1-9][0-9]{{3,}}|[2-9][0-9]{{2}}|1[1-9][0-9]|10[1-9]){_FRACTION}|100[.][0-9]*[1-9][0-9]*)%"
)
_ABOVE_1: Final = f"0*(([2-9]|[1-9][0-9]+){_FRACTION}|1[.][0-9]*[1-9][0-9]*)"
_EXACTLY_100_PERCENT: Final = "0*(100([.]0+)?%|1([.]0+)?)"


def _pattern(*forms: str) -> str:
    return rf"^(({'|'.join(STEP_NAMES)})[.])?({'|'.join(forms)})\Z"


def _names(*units: Unit) -> str:
    return f"({'|'.join(name for name, metric in METRICS.items() if metric.unit in units)}) *"


_TIMES, _SHARES, _COUNTS, _ALL = (
    _names("seconds"),
    _names("ratio"),
    _names("count"),
    _names("seconds", "ratio", "count"),
)

UPPER_BOUND_ONLY: Final = tuple(name for name, metric in METRICS.items() if metric.only_bound == "upper")
"""Metrics on which only an upper bound can be meant, beside all times."""

LOWER_BOUND_ONLY: Final = tuple(name for name, metric in METRICS.items() if metric.only_bound == "lower")

COMPARABLE: Final = tuple(name for name, metric in METRICS.items() if metric.block_average is not None)
"""Metrics that may have a bound on the baseline."""

LOWER_ON_BASELINE: Final = tuple(name for name in COMPARABLE if METRICS[name].rises_with_load)
"""Those of which a regression is a lower value."""

UPPER_ON_BASELINE: Final = tuple(name for name in COMPARABLE if name not in LOWER_ON_BASELINE)
_NOT_COMPARABLE: Final = tuple(name for name in METRICS if name not in COMPARABLE)

FORM_PATTERN: Final = _pattern(
    f"{_ALL}(<=|>=|<|>) *({_NUMBER}{_UNIT_SUFFIX}?|baseline( *[+-] *{_NUMBER}{_UNIT_SUFFIX}?)?)"
)
"""Fits everything that has the form of a threshold, whether or not it can be meant."""

UNIT_MISSING_PATTERN: Final = _pattern(f"{_TIMES}(<=|>=|<|>) *{_NUMBER}")
WRONG_UNIT_PATTERN: Final = _pattern(
    f"{_TIMES}(<=|>=|<|>) *{_NUMBER}%",
    f"{_SHARES}(<=|>=|<|>) *{_NUMBER}(ms|s|m)",
    f"{_COUNTS}(<=|>=|<|>) *{_NUMBER}{_UNIT_SUFFIX}",
)
WRONG_DIRECTION_PATTERN: Final = _pattern(
    f"({_TIMES}|({'|'.join(UPPER_BOUND_ONLY)}) *)>=? *{_NUMBER}{_UNIT_SUFFIX}?",
    f"({'|'.join(LOWER_BOUND_ONLY)}) *<=? *{_NUMBER}{_UNIT_SUFFIX}?",
)
OUT_OF_RANGE_PATTERN: Final = _pattern(
    f"{_ALL}< *0+([.]0+)?{_UNIT_SUFFIX}?",
    f"{_SHARES}(<=|>=|<|>) *({_ABOVE_100_PERCENT}|{_ABOVE_1})",
    f"{_SHARES}> *{_EXACTLY_100_PERCENT}",
)

NOT_COMPARABLE_PATTERN: Final = _pattern(f"({'|'.join(_NOT_COMPARABLE)}) *(<=|>=|<|>) *baseline.*")
ON_BASELINE_PATTERN: Final = _pattern(f"({'|'.join(COMPARABLE)}) *(<=|>=|<|>) *baseline.*")
TOLERANCE_PATTERN: Final = _pattern(
    f"({'|'.join(UPPER_ON_BASELINE)}) *<=? *baseline *[+] *{_NUMBER}%",
    f"({'|'.join(LOWER_ON_BASELINE)}) *>=? *baseline *- *0*[0-9]{{1,2}}{_FRACTION}%",
)
"""Fits what fits `ON_BASELINE_PATTERN` and can be meant: a tolerance in per cent, towards the worse."""
