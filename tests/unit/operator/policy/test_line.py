"""Whose turn it is, from lists of what runs and what waits."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from loadtest_operator.policy.line import Contender, Limits, Turn, size_refusal, turn_of

SHOP = frozenset({"service:shop/clients", "10.96.0.7", "10.0.0.5"})
OTHER = frozenset({"service:shop/orders", "10.96.0.8"})
NO_LIMITS = Limits()


def a_contender(uid: str, **fields: object) -> Contender:
    made = Contender(
        uid=uid, namespace="shop", name=f"test-{uid}", created_at="2026-03-01T12:00:00Z", pods=2, target=SHOP
    )
    return replace(made, **fields)  # type: ignore[arg-type]


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
