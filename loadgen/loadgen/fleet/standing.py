"""Where a pod stands, and what a command does to it: decided here without acting.

Every command may come twice: a repeated one is answered like the first and changes nothing.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Final

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.plan import Deadlines
from loadtest_model.protocol.commands import Arm, Start, Verb


@dataclass(frozen=True, slots=True)
class Standing:
    """A pod's state, and the id of the start that it is armed for."""

    state: PodState = PodState.WAITING
    start_id: str | None = None


class Action(Enum):
    """What is to be done about a command."""

    NOTHING = auto()
    VERIFY = auto()
    LOAD = auto()
    READ_BACK = auto()
    DRAIN = auto()
    HALT = auto()


@dataclass(frozen=True, slots=True)
class Decision:
    """The standing after a command and what to do; `conflict` says why the command is not obeyed."""

    standing: Standing
    action: Action = Action.NOTHING
    conflict: str | None = None


_BEGUN: Final = frozenset({PodState.RUNNING, PodState.LOADED, PodState.CONCLUDING, PodState.DONE})
_PROVEN_OR_LATER: Final = _BEGUN | {PodState.VERIFIED, PodState.ARMED}
_LOAD_OVER: Final = frozenset({PodState.LOADED, PodState.CONCLUDING})


def on_command(verb: Verb, body: Any, standing: Standing, plan_hash: str, *, overdue: bool) -> Decision:
    """A command with its body; those that concern no state change none.

    `overdue` says that the pod has stood where it is for longer than it may.
    """
    match verb:
        case Verb.VERIFY:
            decision = on_verify(standing)
        case Verb.ARM:
            decision = on_arm(standing, body, plan_hash)
        case Verb.START:
            decision = on_start(standing, body, overdue)
        case Verb.CONCLUDE:
            decision = on_conclude(standing)
        case Verb.STOP:
            decision = on_stop(standing)
        case Verb.HALT:
            decision = on_halt(standing)
        case Verb.ACK | Verb.ENDPOINTS:
            decision = Decision(standing)
    return decision


def on_verify(standing: Standing) -> Decision:
    """The command to verify the target."""
    if standing.state is PodState.WAITING:
        return Decision(replace(standing, state=PodState.VERIFYING), Action.VERIFY)
    if standing.state is PodState.HALTED:
        return Decision(standing, conflict="the pod has halted")
    return Decision(standing)


def on_arm(standing: Standing, arm: Arm, plan_hash: str) -> Decision:
    """The command to hold the load ready; only for the plan that the pod has, and for one start."""
    if arm.plan_hash != plan_hash:
        return Decision(standing, conflict=f"the pod has the plan {plan_hash}, not {arm.plan_hash}")
    if standing.state not in _PROVEN_OR_LATER:
        return Decision(standing, conflict=f"the pod is {standing.state}; only a verified pod can be armed")
    if standing.start_id is not None:
        return _same_start(standing, arm.start_id)
    if standing.state is not PodState.VERIFIED:
        return Decision(standing, conflict=f"the pod is {standing.state} without a start")
    return Decision(Standing(PodState.ARMED, arm.start_id))


def on_start(standing: Standing, start: Start, overdue: bool) -> Decision:
    """The command to begin the load at an instant that lies ahead.

    `overdue` says that the pod has been armed for longer than the barrier allows: the command is an old one.
    """
    if standing.state in _BEGUN and standing.start_id is not None:
        return _same_start(standing, start.start_id)
    if standing.state is not PodState.ARMED:
        return Decision(standing, conflict=f"the pod is {standing.state}; only an armed pod can be started")
    decision = _same_start(standing, start.start_id)
    if decision.conflict is not None:
        return decision
    if overdue:
        return Decision(standing, conflict="the pod has been armed for longer than the barrier allows")
    if start.in_seconds < 0:
        return Decision(standing, conflict=f"the start was {-start.in_seconds:g} s ago")
    return Decision(replace(standing, state=PodState.RUNNING), Action.LOAD)


def on_conclude(standing: Standing) -> Decision:
    """The command that says that every pod's load is over, so that what the target has stored can be read."""
    if standing.state is PodState.LOADED:
        return Decision(replace(standing, state=PodState.CONCLUDING), Action.READ_BACK)
    if standing.state in (PodState.CONCLUDING, PodState.DONE):
        return Decision(standing)
    return Decision(standing, conflict=f"the pod is {standing.state}; only one whose load is over can read back")


def on_stop(standing: Standing) -> Decision:
    """The command to finish what is in flight and start nothing new. Before the load there is nothing to finish."""
    if standing.state.is_end or standing.state in _LOAD_OVER:
        return Decision(standing)
    return Decision(standing, Action.DRAIN)


def on_halt(standing: Standing) -> Decision:
    """The command to cut everything."""
    if standing.state.is_end:
        return Decision(standing)
    return Decision(replace(standing, state=PodState.HALTED), Action.HALT)


def deadline_seconds(state: PodState, deadlines: Deadlines) -> float | None:
    """How long a pod may stay in a state before it halts by itself; None where something else bounds it."""
    match state:
        case PodState.WAITING | PodState.VERIFYING | PodState.VERIFIED:
            return deadlines.verification_seconds
        case PodState.ARMED:
            return deadlines.barrier_seconds
        case _:
            return None


def _same_start(standing: Standing, start_id: str) -> Decision:
    if standing.start_id == start_id:
        return Decision(standing)
    return Decision(standing, conflict=f"the pod is armed for the start {standing.start_id}, not {start_id}")
