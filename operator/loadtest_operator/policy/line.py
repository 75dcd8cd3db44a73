"""Who may start: tests of one target one after the other, and no more at once than the installation allows. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from loadtest_model.reasons import Reason

NO_LIMIT = 0


@dataclass(frozen=True)
class Limits:
    """What may run at once; `NO_LIMIT` leaves a number open."""

    tests: int = NO_LIMIT
    pods: int = NO_LIMIT
    pods_per_test: int = NO_LIMIT


@dataclass(frozen=True)
class Contender:
    """A test that runs or wants to. `target` are names and addresses; two tests that share one load the same target.

    `name` is empty for what is left of a test that is gone. `is_exclusive` is false of a test that starts beside
    others.
    """

    uid: str
    namespace: str
    name: str
    created_at: str
    pods: int
    target: frozenset[str]
    is_exclusive: bool = True

    @property
    def rank(self) -> tuple[str, str]:
        """The order of the line: by creation time, in RFC 3339, then by UID."""
        return self.created_at, self.uid

    def meets(self, other: "Contender") -> bool:
        return not self.target.isdisjoint(other.target)


@dataclass(frozen=True)
class Turn:
    """Whether it is a test's turn: without a `reason` it may start. `place` in the line counts from 1."""

    reason: Reason | None = None
    message: str = ""
    place: int = 0


def turn_of(uid: str, holders: Iterable[Contender], waiting: Iterable[Contender], limits: Limits) -> Turn:
    """Whether the waiting test of this UID may start, beside what runs and after those in line before it.

    Everyone who decides from the same lists comes to the same order. A test that waits for its target is passed by
    tests of other targets; one for which a limit leaves no room holds up all after it, so that a large one gets its
    turn.
    """
    running, line, short = list(holders), list[Contender](), list[Contender]()
    for contender in sorted(waiting, key=lambda one: one.rank):
        busy = [one for one in running if contender.is_exclusive and one.meets(contender)]
        before = [one for one in line if contender.is_exclusive and one.meets(contender)]
        reason = None if busy or before else _reached_limit(contender, running, limits, held_up=bool(short))
        if contender.uid == uid:
            if busy or before:
                return Turn(Reason.TargetBusy, _busy_message(contender, busy, before), len(before) + 1)
            return (
                Turn(reason, _full_message(reason, running, limits, len(short) + 1), len(short) + 1)
                if reason
                else Turn()
            )
        if busy or before:
            line.append(contender)
        elif reason:
            short.append(contender)
            line.append(contender)
        else:
            running.append(contender)
    return Turn()


def size_refusal(pods: int, limits: Limits) -> str:
    """Why a test of so many pods can never run here, and the one setting to change; empty where it can."""
    for limit, name in ((limits.pods_per_test, "limits.podsPerTest"), (limits.pods, "limits.pods")):
        if limit != NO_LIMIT and pods > limit:
            return (
                f"spec.parallelism is {pods}, and this installation allows {limit} pods ({name} in its values);"
                f" lower spec.parallelism, or have {name} raised"
            )
    return ""


def _reached_limit(contender: Contender, running: list[Contender], limits: Limits, *, held_up: bool) -> Reason | None:
    pods = sum(one.pods for one in running) + contender.pods
    if limits.tests != NO_LIMIT and (len(running) >= limits.tests or held_up):
        return Reason.TestLimitReached
    if limits.pods != NO_LIMIT and (pods > limits.pods or held_up):
        return Reason.PodLimitReached
    return None


def _busy_message(contender: Contender, busy: list[Contender], before: list[Contender]) -> str:
    position = f"place {len(before) + 1} in line: "
    if busy:
        position += f"{_list_tests(busy, contender.namespace)} {'loads' if len(busy) == 1 else 'load'} the same target"
    else:
        position += (
            f"{_list_tests(before, contender.namespace)} {'is' if len(before) == 1 else 'are'} to load the target first"
        )
    return f"{position}; the test starts by itself when it is its turn"


def _full_message(reason: Reason, running: list[Contender], limits: Limits, place: int) -> str:
    if reason is Reason.TestLimitReached:
        usage = f"{len(running)} tests run, of {limits.tests} that may at once (limits.tests in the operator's values)"
    else:
        pods = sum(one.pods for one in running)
        usage = f"{pods} pods are taken, of {limits.pods} that may be at once (limits.pods in the operator's values)"
    return f"place {place} in line: {usage}; the test starts by itself when it is its turn"


def _list_tests(tests: list[Contender], namespace: str) -> str:
    """Tests of the reader's own namespace by name, others by their number: their names are not the reader's to know."""
    own = sorted(one.name for one in tests if one.namespace == namespace and one.name)
    others = len(tests) - len(own)
    parts = [f"{'test' if len(own) == 1 else 'tests'} {', '.join(own[:3])}"] if own else []
    if len(own) > 3:
        parts.append(f"{len(own) - 3} more")
    if others:
        parts.append("a test of another namespace" if others == 1 else f"{others} tests of other namespaces")
    return " and ".join(parts)
