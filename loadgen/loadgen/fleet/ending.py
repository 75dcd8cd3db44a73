"""How a pod's run ended, and what follows from it: its exit code, its last word, how long it lingers."""

from dataclasses import dataclass
from pathlib import Path

from loadgen import log
from loadtest_model.measurement.snapshot import HaltReason, PodState, Snapshot, Violation
from loadtest_model.plan import Deadlines
from loadtest_model.protocol.exits import PodExit
from loadtest_model.protocol.last_word import LIMIT_BYTES, MESH_LIMIT_BYTES, encode_last_word


@dataclass(frozen=True, slots=True)
class End:
    """The end of a run; `halt_reason` is given where `state` is HALTED."""

    state: PodState
    message: str = ""
    halt_reason: HaltReason | None = None
    violation: Violation | None = None


def halted_end(reason: HaltReason, message: str, violation: Violation | None = None) -> End:
    return End(PodState.HALTED, message, reason, violation)


def exit_of(end: End) -> PodExit:
    """The code that the process exits with."""
    if end.state is PodState.DONE:
        return PodExit.DONE
    if end.state is PodState.REFUSED:
        return PodExit.REFUSED
    if end.halt_reason is HaltReason.VIOLATION:
        return PodExit.VIOLATION
    return PodExit.DEFECT if end.halt_reason is HaltReason.DEFECT else PodExit.HALTED


def linger_seconds(end: End, deadlines: Deadlines, remaining_span_seconds: float) -> float:
    """How long a pod waits at most for the acknowledgement of its last snapshot.

    One that is done waits for the slowest as well, which may take what is left of the plan's span, its read-back
    included.
    """
    waits_for_others = end.state is PodState.DONE
    return deadlines.linger_seconds + (max(0.0, remaining_span_seconds) if waits_for_others else 0.0)


def write_last_word(path: Path, snapshot: Snapshot, *, mesh: bool = False) -> None:
    """Leave the final snapshot where the kubelet looks for the container's termination message."""
    try:
        path.write_text(encode_last_word(snapshot, MESH_LIMIT_BYTES if mesh else LIMIT_BYTES), "ascii")
    except (OSError, ValueError) as error:
        log.warn("the last word was not written", path=str(path), reason=str(error))
