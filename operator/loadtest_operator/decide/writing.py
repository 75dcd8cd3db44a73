"""Whether a status is worth a write: every change is, but for mere progress, which is told at intervals."""

from typing import Any, Final

import msgspec

from loadtest_model.status import Status

Json = dict[str, Any]

# What moves with every look at a running test.
_MOVING: Final = ("progress", "health", "thresholds")


def to_write(status: Status, held: Json, progress_seconds: float) -> Json | None:
    """The status as JSON if it should replace the one held, None if it should not."""
    new: Json = {**without_nulls(msgspec.to_builtins(status)), "phase": str(status.phase)}
    if new == held:
        return None
    steady = {key: value for key, value in new.items() if key not in _MOVING}
    if steady == {key: value for key, value in held.items() if key not in _MOVING}:
        before, after = held.get("progress"), new.get("progress")
        if before and after and before["step"] == after["step"]:
            # A first look long after the last write must not wait, nor one whose clock was set back.
            passed = after["elapsedSeconds"] - before["elapsedSeconds"]
            return None if 0 <= passed < progress_seconds else new
    return new


def without_nulls(made: Any) -> Any:
    """JSON without the members that are null: in a resource, absent and null mean the same."""
    if isinstance(made, dict):
        return {key: without_nulls(value) for key, value in made.items() if value is not None}
    if isinstance(made, list | tuple):
        return [without_nulls(value) for value in made]
    return made
