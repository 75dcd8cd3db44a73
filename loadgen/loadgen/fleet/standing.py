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


class PodAction(Enum):
    """What is to be done about a command."""

    NOTHING = auto()
    VERIFY = auto()
    LOAD = auto()
    READ_BACK = auto()
    DRAIN = auto()
    HALT = auto()


@dataclass(frozen=True, slots=True)
class CommandDecision:
    """The standing after a command and what to do; `conflict` says why the command is not obeyed."""

    standing: Standing
    action: PodAction = PodAction.NOTHING
    conflict: str | None = None


_BEGUN_STATES: Final = frozenset({PodState.RUNNING, PodState.LOADED, PodState.CONCLUDING, PodState.DONE})
_PROVEN_STATES: Final = _BEGUN_STATES | {PodState.VERIFIED, PodState.ARMED}
_AFTER_LOAD_STATES: Final = frozenset({PodState.LOADED, PodState.CONCLUDING})


def on_command(verb: Verb, body: Any, standing: Standing, plan_hash: str, *, is_overdue: bool) -> CommandDecision:
    """A command with its body; those that concern no state change none.

    `is_overdue` says that the pod has stood where it is for longer than it may.
    """
    match verb:
        case Verb.VERIFY:
            decision = on_verify(standing)
        case Verb.ARM:
            decision = on_arm(standing, body, plan_hash)
        case Verb.START:
            decision = on_start(standing, body, is_overdue)
        case Verb.CONCLUDE:
            decision = on_conclude(standing)
        case Verb.STOP:
            decision = on_stop(standing)
        case Verb.HALT:
            decision = on_halt(standing)
        case Verb.ACK | Verb.ENDPOINTS:
            decision = CommandDecision(standing)
    return decision


def on_verify(standing: Standing) -> CommandDecision:
    """The command to verify the target."""
    if standing.state is PodState.WAITING:
        return CommandDecision(replace(standing, state=PodState.VERIFYING), PodAction.VERIFY)
    if standing.state is PodState.HALTED:
        return CommandDecision(standing, conflict="the pod has halted")
    return CommandDecision(standing)


def on_arm(standing: Standing, arm: Arm, plan_hash: str) -> CommandDecision:
    """The command to hold the load ready; only for the plan that the pod has, and for one start."""
    if arm.plan_hash != plan_hash:
        return CommandDecision(standing, conflict=f"the pod has the plan {plan_hash}, not {arm.plan_hash}")
    if standing.state not in _PROVEN_STATES:
        return CommandDecision(standing, conflict=f"the pod is {standing.state}; only a verified pod can be armed")
    if standing.start_id is not None:
        return _same_start(standing, arm.start_id)
    if standing.state is not PodState.VERIFIED:
        return CommandDecision(standing, conflict=f"the pod is {standing.state} without a start")
    return CommandDecision(Standing(PodState.ARMED, arm.start_id))


def on_start(standing: Standing, start: Start, is_overdue: bool) -> CommandDecision:
    """The command to begin the load at an instant that lies ahead.

    `is_overdue` says that the pod has been armed for longer than the barrier allows: the command is an old one.
    """
    if standing.state in _BEGUN_STATES and standing.start_id is not None:
        return _same_start(standing, start.start_id)
    if standing.state is not PodState.ARMED:
        return CommandDecision(standing, conflict=f"the pod is {standing.state}; only an armed pod can be started")
    decision = _same_start(standing, start.start_id)
    if decision.conflict is not None:
        return decision
    if is_overdue:
        return CommandDecision(standing, conflict="the pod has been armed for longer than the barrier allows")
    if start.in_seconds < 0:
        return CommandDecision(standing, conflict=f"the start was {-start.in_seconds:g} s ago")
    return CommandDecision(replace(standing, state=PodState.RUNNING), PodAction.LOAD)


def on_conclude(standing: Standing) -> CommandDecision:
    """The command that says that every pod's load is over, so that what the target has stored can be read."""
    if standing.state is PodState.LOADED:
        return CommandDecision(replace(standing, state=PodState.CONCLUDING), PodAction.READ_BACK)
    if standing.state in (PodState.CONCLUDING, PodState.DONE):
        return CommandDecision(standing)
    return CommandDecision(standing, conflict=f"the pod is {standing.state}; only one whose load is over can read back")


def on_stop(standing: Standing) -> CommandDecision:
    """The command to finish what is in flight and start nothing new. Before the load there is nothing to finish."""
    if standing.state.is_end or standing.state in _AFTER_LOAD_STATES:
        return CommandDecision(standing)
    return CommandDecision(standing, PodAction.DRAIN)


def on_halt(standing: Standing) -> CommandDecision:
    """The command to cut everything."""
    if standing.state.is_end:
        return CommandDecision(standing)
    return CommandDecision(replace(standing, state=PodState.HALTED), PodAction.HALT)


def deadline_seconds(state: PodState, deadlines: Deadlines) -> float | None:
    """How long a pod may stay in a state before it halts by itself; None where something else bounds it."""
    match state:
        case PodState.WAITING | PodState.VERIFYING | PodState.VERIFIED:
            return deadlines.verification_seconds
        case PodState.ARMED:
            return deadlines.barrier_seconds
        case _:
            return None


def _same_start(standing: Standing, start_id: str) -> CommandDecision:
    if standing.start_id == start_id:
        return CommandDecision(standing)
    return CommandDecision(standing, conflict=f"the pod is armed for the start {standing.start_id}, not {start_id}")
