"""Who may start: tests of one target one after the other, and no more at once than the installation allows. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from loadtest_model.reasons import Reason
from loadtest_operator.policy.places import EXACT_PLACES, STARTS_BY_ITSELF, list_tests, place_text

NO_LIMIT = 0

Target = frozenset[str]
"""Names and addresses that a target is known by; two targets that share one are the same."""


@dataclass(frozen=True)
class Limits:
    """What may run at once; `NO_LIMIT` leaves a number open."""

    tests: int = NO_LIMIT
    pods: int = NO_LIMIT
    pods_per_test: int = NO_LIMIT


@dataclass(frozen=True)
class Contender:
    """A test that runs or wants to; two contenders whose targets share a name or an address load the same target.

    `name` is empty for what is left of a test that is gone. `is_exclusive` is false of a test that starts beside
    others, and `holds_place` of one that has something else to wait for: it keeps nobody waiting.
    """

    uid: str
    namespace: str
    name: str
    created_at: str
    pods: int
    target: Target
    is_exclusive: bool = True
    holds_place: bool = True

    @property
    def rank(self) -> tuple[str, str]:
        """The order of the line: by creation time, in RFC 3339, then by UID."""
        return self.created_at, self.uid

    def meets(self, other: "Contender") -> bool:
        return not self.target.isdisjoint(other.target)


@dataclass(frozen=True)
class Turn:
    """Whether it is a test's turn: without a `reason` it may start. `place` in the line counts from 1.

    Turns are equal that say the same. A step ahead of the whole line changes what a few tests say: those near its head,
    and those whose place enters another range.
    """

    reason: Reason | None = None
    message: str = ""
    place: int = field(default=0, compare=False)


def find_turns(holders: Iterable[Contender], waiting: Iterable[Contender], limits: Limits) -> dict[str, Turn]:
    """Whose turn it is: the turn of every test that waits, by its UID, beside what runs and in the order of the line.

    Everyone who decides from the same lists comes to the same order. A test that waits for its target is passed by
    tests of other targets; one for which a limit leaves no room holds up all after it, so that a large one gets its
    turn.
    """
    running, line = list(holders), sorted(waiting, key=lambda one: one.rank)
    same_targets = _same_targets({one.target for one in (*running, *line)})
    running_of, line_of = _by_target(running), _by_target(())
    pods, short = sum(one.pods for one in running), 0
    turns: dict[str, Turn] = {}
    for contender in line:
        same = same_targets[contender.target] if contender.is_exclusive else ()
        busy = [one for target in same for one in running_of[target]]
        reason = None
        if busy or any(line_of[target] for target in same):
            turn = _turn_behind(contender, busy, [line_of[target] for target in same])
        else:
            reason = _reached_limit(len(running), pods + contender.pods, limits, is_held_up=short > 0)
            turn = Turn() if reason is None else _turn_at_limit(reason, len(running), pods, limits, short + 1)
        turns[contender.uid] = turn
        if not contender.holds_place:
            continue
        if turn.reason is None:
            running.append(contender)
            running_of[contender.target].append(contender)
            pods += contender.pods
        else:
            line_of[contender.target].append(contender)
            short += reason is not None
    return turns


def size_refusal(pods: int, limits: Limits) -> str:
    """Why a test of so many pods can never run here, and the one setting to change; empty if it can."""
    for limit, name in ((limits.pods_per_test, "limits.podsPerTest"), (limits.pods, "limits.pods")):
        if limit != NO_LIMIT and pods > limit:
            return (
                f"spec.parallelism is {pods}, and this installation allows {limit} pods ({name} in its values);"
                f" lower spec.parallelism, or have {name} raised"
            )
    return ""


def _same_targets(targets: set[Target]) -> Mapping[Target, tuple[Target, ...]]:
    """For each target all that share a name or an address with it; a target known by nothing is nobody's."""
    by_identity: dict[str, list[Target]] = defaultdict(list)
    for target in targets:
        for identity in target:
            by_identity[identity].append(target)
    return {
        target: tuple(dict.fromkeys(other for identity in target for other in by_identity[identity]))
        for target in targets
    }


def _by_target(contenders: Iterable[Contender]) -> dict[Target, list[Contender]]:
    members: dict[Target, list[Contender]] = defaultdict(list)
    for contender in contenders:
        members[contender.target].append(contender)
    return members


def _reached_limit(tests: int, pods: int, limits: Limits, *, is_held_up: bool) -> Reason | None:
    if limits.tests != NO_LIMIT and (tests >= limits.tests or is_held_up):
        return Reason.TestLimitReached
    if limits.pods != NO_LIMIT and (pods > limits.pods or is_held_up):
        return Reason.PodLimitReached
    return None


def _turn_behind(contender: Contender, busy: list[Contender], lines: list[list[Contender]]) -> Turn:
    place = sum(map(len, lines)) + 1
    if place > EXACT_PLACES:
        who = "other tests of the same target come first"
    elif busy:
        who = f"{list_tests(_names(busy), contender.namespace)} {_verb(busy, 'loads', 'load')} the same target"
    else:
        before = [one for line in lines for one in line]
        who = f"{list_tests(_names(before), contender.namespace)} {_verb(before, 'is', 'are')} to load the target first"
    return Turn(Reason.TargetBusy, f"{place_text(place)}: {who}; {STARTS_BY_ITSELF}", place)


def _names(contenders: list[Contender]) -> list[tuple[str, str]]:
    return [(one.namespace, one.name) for one in contenders]


def _verb(contenders: list[Contender], of_one: str, of_many: str) -> str:
    return of_one if len(contenders) == 1 else of_many


def _turn_at_limit(reason: Reason, tests: int, pods: int, limits: Limits, place: int) -> Turn:
    is_near = place <= EXACT_PLACES
    if reason is Reason.TestLimitReached:
        numbers = f"{tests} tests run, of {limits.tests} that" if is_near else f"{limits.tests} tests"
        room = f"{numbers} may run at once (limits.tests in the operator's values)"
    else:
        numbers = f"{pods} pods are taken, of {limits.pods} that" if is_near else f"{limits.pods} pods"
        room = f"{numbers} may be at once (limits.pods in the operator's values)"
    return Turn(reason, f"{place_text(place)}: {room}; {STARTS_BY_ITSELF}", place)
