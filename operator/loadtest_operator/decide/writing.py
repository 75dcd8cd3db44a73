"""Whether a status is worth a write: every change is, but for mere progress, which is told at intervals."""

from typing import Any, Final

import msgspec
from msgspec import structs

from loadtest_model.report.status import Status
from loadtest_operator.decide.conditions import telling_reason
from loadtest_operator.decide.shortening import within_limit

Json = dict[str, Any]

# What moves with every look at a running test.
_MOVING: Final = ("progress", "health", "thresholds")
_MOVING_OF_TARGET: Final = ("pods", "ready", "notReadySeconds", "memoryBytes", "cpuCores", "notMeasurable", "tally")


def to_write(status: Status, held: Json, progress_seconds: float) -> Json | None:
    """The status, within its budget and as JSON, if it should replace the one held, None if it should not."""
    status = structs.replace(status, reason=telling_reason(status.phase, status.conditions))
    new: Json = {**without_nulls(msgspec.to_builtins(within_limit(status))), "phase": str(status.phase)}
    if new == held:
        return None
    if _steady(new) == _steady(held):
        before, after = held.get("progress"), new.get("progress")
        if before and after and before["step"] == after["step"]:
            # A first look long after the last write must not wait, nor one whose clock was set back.
            passed = after["elapsedSeconds"] - before["elapsedSeconds"]
            return None if 0 <= passed < progress_seconds else new
    return new


def _steady(status: Json) -> Json:
    """What of a status is news whenever it changes."""
    steady = {key: value for key, value in status.items() if key not in _MOVING}
    if "target" in steady:
        steady["target"] = {key: value for key, value in steady["target"].items() if key not in _MOVING_OF_TARGET}
    return steady


def without_nulls(made: Any) -> Any:
    """JSON without the members that are null: in a resource, absent and null mean the same."""
    if isinstance(made, dict):
        return {key: without_nulls(value) for key, value in made.items() if value is not None}
    if isinstance(made, list | tuple):
        return [without_nulls(value) for value in made]
    return made
