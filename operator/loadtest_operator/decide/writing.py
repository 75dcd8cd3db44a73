"""A status as it is written, and when it is.

Every change is worth a write, except mere progress, which is written at intervals: under load the measurements, and
before it the texts and counts of pods that start.
"""

import math
from typing import Final

import msgspec
from msgspec import structs

from loadtest_model.report.afterwards import Afterwards
from loadtest_model.report.columns import columns_of
from loadtest_model.report.glance import glance_of
from loadtest_model.report.status import Phase, Status
from loadtest_operator.decide.budget import within_limit
from loadtest_operator.decide.conditions import reason_of_phase
from loadtest_operator.manifests.common import Json, without_nulls

# What moves with every look at a running test.
_MOVING: Final = ("progress", "columns", "health", "thresholds")
_MOVING_OF_TARGET: Final = ("pods", "ready", "notReadySeconds", "memoryBytes", "cpuCores", "notMeasurable", "tally")

# What tells only how far a fleet is on its way to the load.
_COURSE_PHASES: Final = (Phase.STARTING, Phase.VERIFYING)
_COURSE: Final = ("message", "atAGlance", "pods", "columns")
COURSE_SECONDS: Final = 2.0
"""How often such a status is written. An API server needs 15 ms of CPU for each write, so those of many fleets that
start at once are what their pods wait for."""


def status_to_write(
    status: Status, previous: Json, progress_seconds: float, since_write_seconds: float = math.inf
) -> Json | None:
    """The status, within its budget and as JSON, if it should replace the one held, None if it should not.

    `since_write_seconds` is how long ago this operator wrote the one held.
    """
    new = written_form(status)
    if new == previous:
        return None
    if since_write_seconds < COURSE_SECONDS and status.phase in _COURSE_PHASES:
        return None if _milestones(new) == _milestones(previous) else new
    if _steady(new) == _steady(previous):
        before, after = previous.get("progress"), new.get("progress")
        if before and after and before["step"] == after["step"]:
            # A first look long after the last write must not wait, nor one whose clock was set back.
            seconds_since_write = after["elapsedSeconds"] - before["elapsedSeconds"]
            return None if 0 <= seconds_since_write < progress_seconds else new
    return new


def written_form(status: Status) -> Json:
    """The status as it stands in the resource: within its budget, with the texts for people."""
    status = structs.replace(status, reason=reason_of_phase(status.phase, status.conditions))
    status = structs.replace(status, columns=columns_of(status), at_a_glance=glance_of(status))
    # The budget is for the run. What follows its end is bounded by itself.
    document: Json = without_nulls(msgspec.to_builtins(within_limit(structs.replace(status, messages=()))))
    document["phase"] = str(status.phase)
    if status.messages:
        document["messages"] = msgspec.to_builtins(status.messages)
    if "thresholds" in document:
        document["thresholds"] = [_without_blanks(result) for result in document["thresholds"]]
    return _without_empty_objects(document)


def with_afterwards(status: Json, afterwards: Afterwards) -> Json:
    """A status as it stands in the resource, with the part that changes after the end."""
    kept = {name: value for name, value in status.items() if name not in Afterwards.__struct_encode_fields__}
    return {**kept, **msgspec.to_builtins(afterwards)}


def _without_empty_objects(document: Json) -> Json:
    """The same without objects that have nothing in them: the API server takes one that had something for null."""
    nested = {
        key: _without_empty_objects(value) if isinstance(value, dict) else value for key, value in document.items()
    }
    return {key: value for key, value in nested.items() if value != {}}


def _steady(status: Json) -> Json:
    """What of a status is news whenever it changes."""
    steady = {key: value for key, value in status.items() if key not in _MOVING}
    if status.get("phase") == Phase.RUNNING:
        # A pod that finishes its share a little before the others is no news.
        steady.pop("pods", None)
    if "target" in steady:
        steady["target"] = {key: value for key, value in steady["target"].items() if key not in _MOVING_OF_TARGET}
    return steady


def _milestones(status: Json) -> Json:
    """What of the status of a fleet on its way to the load must be written at once."""
    milestones = {key: value for key, value in status.items() if key not in _COURSE}
    milestones["conditions"] = [
        {key: value for key, value in condition.items() if key != "message"}
        for condition in status.get("conditions", ())
    ]
    return milestones


def _without_blanks(result: Json) -> Json:
    return {key: value for key, value in result.items() if value != ""}
