"""Whose turn it is, from lists of what runs and what waits."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.reasons import Reason
from loadtest_operator.policy.line import Contender, Limits, Turn, find_turns, size_refusal
from loadtest_operator.policy.places import place_text

SHOP = frozenset({"service:shop/clients", "10.96.0.7", "10.0.0.5"})
OTHER = frozenset({"service:shop/orders", "10.96.0.8"})
NO_LIMITS = Limits()


def a_contender(uid: str, **fields: object) -> Contender:
    made = Contender(
        uid=uid, namespace="shop", name=f"test-{uid}", created_at="2026-03-01T12:00:00Z", pods=2, target=SHOP
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def turn_of(uid: str, holders: list[Contender], waiting: list[Contender], limits: Limits) -> Turn:
    return find_turns(holders, waiting, limits)[uid]


def test_alone_a_test_may_start() -> None:
    assert turn_of("a", [], [a_contender("a")], NO_LIMITS) == Turn()


def test_a_test_waits_for_one_that_loads_its_target_by_another_address() -> None:
    holder = a_contender("a", target=frozenset({"10.0.0.5"}))

    turn = turn_of("b", [holder], [a_contender("b")], NO_LIMITS)

    assert (turn.reason, turn.place) == ("TargetBusy", 1)
    assert "test test-a loads the same target" in turn.message


def test_tests_of_other_targets_do_not_wait() -> None:
    assert turn_of("b", [a_contender("a")], [a_contender("b", target=OTHER)], NO_LIMITS) == Turn()


def test_the_line_is_by_creation_and_then_by_uid() -> None:
    waiting = [
        a_contender("c", created_at="2026-03-01T12:00:05Z"),
        a_contender("b"),
        a_contender("a"),
    ]

    turns = {uid: turn_of(uid, [], waiting, NO_LIMITS) for uid in "abc"}

    assert {uid: (turn.reason, turn.place) for uid, turn in turns.items()} == {
        "a": (None, 0),
        "b": ("TargetBusy", 1),
        "c": ("TargetBusy", 2),
    }


def test_a_message_names_no_test_of_another_namespace() -> None:
    holder = a_contender("a", namespace="secret-project", name="secret-name")

    turn = turn_of("b", [holder], [a_contender("b")], NO_LIMITS)

    assert "secret" not in turn.message
    assert "a test of another namespace loads the same target" in turn.message


def test_a_test_that_allows_others_does_not_wait_but_is_waited_for() -> None:
    beside = a_contender("b", is_exclusive=False)

    assert turn_of("b", [a_contender("a")], [beside], NO_LIMITS) == Turn()
    assert turn_of("c", [beside], [a_contender("c")], NO_LIMITS).reason == "TargetBusy"


def test_a_test_over_the_limit_of_tests_waits_and_says_which_limit() -> None:
    turn = turn_of("b", [a_contender("a")], [a_contender("b", target=OTHER)], Limits(tests=1))

    assert (turn.reason, turn.place) == ("TestLimitReached", 1)
    assert "limits.tests" in turn.message


def test_a_large_test_is_not_passed_by_small_ones_for_ever() -> None:
    running = [a_contender("a", pods=6)]
    large = a_contender("b", pods=8, target=OTHER)
    small = a_contender("c", pods=1, target=frozenset({"host:c"}))

    turns = [turn_of(uid, running, [large, small], Limits(pods=10)) for uid in "bc"]

    assert [(turn.reason, turn.place) for turn in turns] == [("PodLimitReached", 1), ("PodLimitReached", 2)]


def test_a_test_that_waits_for_its_target_is_passed_by_those_of_others() -> None:
    waiting = [a_contender("b"), a_contender("c", target=OTHER)]

    assert turn_of("c", [a_contender("a")], waiting, Limits(tests=2)) == Turn()


def test_a_test_that_can_never_fit_is_told_the_one_setting_to_change() -> None:
    assert "limits.podsPerTest" in size_refusal(51, Limits(pods=100, pods_per_test=50))
    assert "limits.pods " in size_refusal(101, Limits(pods=100))
    assert size_refusal(1_000, NO_LIMITS) == ""


CONTENDERS = st.lists(
    st.builds(
        lambda number, pods, target: (number, pods, frozenset(target)),
        st.integers(0, 3),
        st.integers(1, 4),
        st.sets(st.sampled_from("xyz"), min_size=1),
    ),
    min_size=1,
    max_size=7,
)


@given(CONTENDERS, st.randoms(use_true_random=False), st.integers(4, 9), st.integers(1, 4))
def test_in_whatever_order_tests_look_nothing_overlaps_and_all_have_their_turn(
    made: list[tuple[int, int, frozenset[str]]], chance: object, pods: int, tests: int
) -> None:
    waiting = [
        a_contender(str(uid), created_at=f"2026-03-01T12:00:0{second}Z", pods=size, target=target)
        for uid, (second, size, target) in enumerate(made)
    ]
    limits, running, begun = Limits(tests=tests, pods=pods), list[Contender](), list[Contender]()
    while waiting or running:
        looked = sorted(waiting, key=lambda _: chance.random())  # type: ignore[attr-defined]
        for contender in looked:
            if not turn_of(contender.uid, running, waiting, limits).reason:
                waiting.remove(contender)
                running.append(contender)
                begun.append(contender)
        assert running, "nobody may start, though nothing runs"
        assert sum(one.pods for one in running) <= pods
        assert len(running) <= tests
        assert all(not a.meets(b) for a in running for b in running if a is not b)
        running.pop(0)
    for position, contender in enumerate(begun):
        assert not any(later.meets(contender) and later.rank < contender.rank for later in begun[position:])


def slow_turn(
    uid: str, holders: list[Contender], waiting: list[Contender], limits: Limits
) -> tuple[Reason | None, int]:
    """The rule as it is told: one after the other by rank, each beside what runs and behind those in line before it."""
    running, line, short = list(holders), list[Contender](), 0
    for one in sorted(waiting, key=lambda contender: contender.rank):
        busy = any(one.is_exclusive and one.meets(other) for other in running)
        before = sum(one.is_exclusive and one.meets(other) for other in line)
        is_full = limits.tests != 0 and (len(running) >= limits.tests or short > 0)
        has_no_room = limits.pods != 0 and (sum(other.pods for other in running) + one.pods > limits.pods or short > 0)
        waits_for_room = not (busy or before) and (is_full or has_no_room)
        if one.uid == uid:
            if busy or before:
                return Reason.TargetBusy, before + 1
            limit = Reason.TestLimitReached if is_full else Reason.PodLimitReached
            return (limit, short + 1) if waits_for_room else (None, 0)
        if not one.holds_place:
            continue
        short += waits_for_room
        (line if busy or before or waits_for_room else running).append(one)
    raise AssertionError(uid)


@st.composite
def lines(draw: st.DrawFn) -> tuple[list[Contender], list[Contender], Limits]:
    """Holders, a line in any order, and limits."""

    def contenders(prefix: str) -> list[Contender]:
        return [
            a_contender(
                f"{prefix}{number}",
                created_at=f"2026-03-01T12:00:0{draw(st.integers(0, 2))}Z",
                pods=draw(st.integers(1, 4)),
                target=frozenset(draw(st.sets(st.sampled_from("wxyz")))),
                is_exclusive=draw(st.booleans()) or draw(st.booleans()),
                holds_place=draw(st.booleans()) or draw(st.booleans()),
            )
            for number in range(draw(st.integers(0, 8)))
        ]

    limits = Limits(tests=draw(st.integers(0, 4)), pods=draw(st.integers(0, 9)))
    return contenders("holder-"), contenders("waits-"), limits


@given(lines())
def test_one_reading_of_the_line_gives_each_test_the_turn_that_the_rule_gives_it_alone(
    situation: tuple[list[Contender], list[Contender], Limits],
) -> None:
    holders, waiting, limits = situation

    turns = find_turns(holders, waiting, limits)

    assert {uid: (turn.reason, turn.place) for uid, turn in turns.items()} == {
        one.uid: slow_turn(one.uid, holders, waiting, limits) for one in waiting
    }


@given(lines(), st.randoms(use_true_random=False))
def test_the_line_is_the_same_in_whatever_order_it_is_read(
    situation: tuple[list[Contender], list[Contender], Limits], chance: Random
) -> None:
    holders, waiting, limits = situation
    mixed = sorted(waiting, key=lambda _: chance.random())

    assert find_turns(holders, mixed, limits) == find_turns(holders, waiting, limits)


@given(lines())
def test_a_test_that_waits_for_something_else_changes_nothing_for_the_others(
    situation: tuple[list[Contender], list[Contender], Limits],
) -> None:
    holders, waiting, limits = situation
    in_line = [one for one in waiting if one.holds_place]

    turns = find_turns(holders, waiting, limits)

    assert find_turns(holders, in_line, limits) == {one.uid: turns[one.uid] for one in in_line}


def a_long_line(tests: int) -> list[Contender]:
    return [a_contender(f"{number:04}") for number in range(tests)]


@pytest.mark.parametrize("limits", [NO_LIMITS, Limits(tests=1), Limits(pods=2)], ids=["target", "tests", "pods"])
def test_a_step_of_a_long_line_changes_what_a_few_tests_say(limits: Limits) -> None:
    target = OTHER if limits != NO_LIMITS else SHOP
    (first, *rest), holder = a_long_line(1_000), a_contender("holder", target=target)

    before = find_turns([holder], [first, *rest], limits)
    after = find_turns([first], rest, limits)

    changed = [uid for uid, turn in after.items() if turn.message != before[uid].message]
    assert rest[0].uid in changed
    assert len(changed) <= 13


def test_near_places_are_exact_and_far_ones_are_ranges_that_double() -> None:
    places = [place_text(place) for place in (1, 5, 6, 10, 11, 20, 21, 500)]

    assert [text.removeprefix("place ").removesuffix(" in line") for text in places] == [
        "1", "5", "6 to 10", "6 to 10", "11 to 20", "11 to 20", "21 to 40", "321 to 640",
    ]  # fmt: skip


@given(st.integers(1, 100_000))
def test_a_place_lies_in_its_range(place: int) -> None:
    first, _, last = place_text(place).removeprefix("place ").removesuffix(" in line").partition(" to ")

    assert int(first) <= place <= int(last or first)
