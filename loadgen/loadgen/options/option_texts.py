"""The values in the texts of options. What cannot be read is a UsageError that names its source."""

import re
from collections.abc import Sequence
from typing import Final

from loadgen.options.errors import UsageError
from loadtest_model.spec.verification import Requirement
from loadtest_model.thresholds.bounds import parse_threshold

_LEVELS: Final = {level.lower(): level for level in Requirement}
_RATE: Final = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*/\s*s\s*")


def option(name: str) -> str:
    """The option of an attribute's name."""
    return f"--{name.replace('_', '-')}"


def whole_number(source: str, text: str) -> int:
    """The number in a text such as `5000` or `5_000`. Raises UsageError, naming the source."""
    number_text = text.strip().replace("_", "")
    if re.fullmatch(r"-?[0-9]{1,18}", number_text) is None:
        raise UsageError(f"{source} is {text!r}; write a whole number, such as 5000")
    return int(number_text)


def minutes_or_duration(text: str) -> str:
    """`3` means three minutes, as in the scripts that this replaces; anything else is left as it is."""
    duration_text = text.strip()
    return f"{duration_text}m" if re.fullmatch(r"[0-9]+(\.[0-9]+)?", duration_text) else duration_text


def rate(source: str, text: str) -> float:
    """The rate in a text such as `2.5/s`. Raises UsageError, naming the source."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise UsageError(f"{source} is {text!r}; write a number of uploads a second, such as 2.5")
    return float(match[1])


def share(source: str, text: str) -> float:
    """The share in a text such as `0.1`. Raises UsageError, naming the source."""
    if re.fullmatch(r"[0-9](\.[0-9]{1,9})?|\.[0-9]{1,9}", text.strip()) is None:
        raise UsageError(f"{source} is {text!r}; write a share between 0 and 1, such as 0.1")
    return float(text)


def proof_level(text: str) -> str:
    """The level of proof that a text names. Raises UsageError."""
    level = _LEVELS.get(text.lower())
    if level is None:
        raise UsageError(f"--require is {text!r}; write {', '.join(_LEVELS)}")
    return level


def expression(source: str, text: str) -> str:
    """A bound that can be read. What is wrong with one is told more closely here than by the rules of a schema."""
    try:
        parse_threshold(text)
    except ValueError as error:
        raise UsageError(f"{source}: {error}") from error
    return text


def named_texts(source: str, texts: Sequence[str], separator: str, noun: str = "VALUE") -> dict[str, str]:
    """The pairs of an option that is given once for each. Raises UsageError for what is no pair."""
    pairs = {}
    for text in texts:
        name, separator_match, value = text.partition(separator)
        if not separator_match or not name.strip():
            raise UsageError(f"{source} is {text!r}; write NAME{separator}{noun}")
        pairs[name.strip()] = value.strip()
    return pairs
