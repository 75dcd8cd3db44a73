"""What is remembered of pods between two looks."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec import structs

from loadtest_model.measurement import timeline
from loadtest_model.measurement.counts import Counts, Second
from loadtest_model.measurement.snapshot import PodState, Snapshot
from loadtest_model.protocol.last_word import encode_last_word
from loadtest_operator.observe.memory import Memory
from support.operator_builders import POLICY, a_measured_step, a_snapshot


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_pods_silence_counts_from_its_last_answer() -> None:
    clock = Clock()
    memory = Memory(clock)
    pod = memory.remember_pod("u", "1", "pod-0", 0, "heavy-0")
    clock.now += 7

    assert memory.record_silence(pod) == 7
    clock.now += 2
    assert memory.record_silence(pod) == 9
    memory.record_answer("u", "1", pod, a_snapshot(0, PodState.RUNNING))
    clock.now += 3
    assert memory.record_silence(pod) == 3


def test_a_pod_that_was_not_asked_for_minutes_has_not_been_silent_for_minutes() -> None:
    clock = Clock()
    memory = Memory(clock)
    pod = memory.remember_pod("u", "1", "pod-0", 0, "heavy-0")
    memory.record_answer("u", "1", pod, a_snapshot(0, PodState.RUNNING))

    clock.now += 300

    assert memory.record_silence(pod) < POLICY.lost_seconds


def test_a_last_word_replaces_an_earlier_snapshot_and_not_a_later_one() -> None:
    memory = Memory(Clock())
    pod = memory.remember_pod("u", "1", "pod-0", 0, "heavy-0")
    memory.record_answer("u", "1", pod, a_snapshot(0, PodState.RUNNING, sequence=7))
    word = a_snapshot(0, PodState.HALTED, sequence=9)

    assert memory.take_last_word("u", "1", "pod-0", 0, "heavy-0", encode_last_word(word))
    assert held(memory).sequence == 9

    memory.record_answer("u", "1", pod, a_snapshot(0, PodState.RUNNING, sequence=8))
    assert held(memory).sequence == 9


def held(memory: Memory) -> Snapshot:
    snapshot = memory.pods("u", "1")["pod-0"].snapshot
    assert snapshot is not None
    return snapshot


def test_a_torn_last_word_is_none() -> None:
    memory = Memory(Clock())
    word = encode_last_word(a_snapshot(0, PodState.DONE))

    assert not memory.take_last_word("u", "1", "pod-0", 0, "heavy-0", word[:-5])
    assert memory.pods("u", "1")["pod-0"].snapshot is None


def test_a_last_word_that_names_another_pod_is_not_believed() -> None:
    memory = Memory(Clock())
    word = encode_last_word(structs.replace(a_snapshot(0, PodState.DONE), pod_uid="pod-9"))

    assert not memory.take_last_word("u", "1", "pod-0", 0, "heavy-0", word)


def test_a_last_word_once_heard_is_still_known_when_the_pod_is_gone() -> None:
    memory = Memory(Clock())
    memory.take_last_word("u", "1", "pod-0", 0, "heavy-0", encode_last_word(a_snapshot(0, PodState.HALTED)))

    assert memory.take_last_word("u", "1", "pod-0", 0, "heavy-0", "")


def test_a_new_run_forgets_the_one_before_and_a_deleted_test_all() -> None:
    memory = Memory(Clock())
    for run_id in ("1", "2"):
        memory.remember_pod("u", run_id, "pod-0", 0, "heavy-0")

    memory.forget_other_runs("u", "2")
    assert memory.pods("u", "1") == {}
    assert list(memory.pods("u", "2")) == ["pod-0"]

    memory.forget_runs("u")
    assert memory.pods("u", "2") == {}


def test_a_test_made_anew_under_its_name_leaves_nothing_of_the_one_before() -> None:
    memory = Memory(Clock())
    memory.remember(("shop", "heavy"), "before")
    memory.remember_pod("before", "1", "pod-0", 0, "heavy-0")

    assert memory.remember(("shop", "heavy"), "anew") == "before"
    assert memory.remember(("shop", "heavy"), "anew") is None

    assert memory.pods("before", "1") == {}


def test_a_test_is_known_to_have_been_met_until_it_is_noticed_that_it_is_gone() -> None:
    memory = Memory(Clock())
    memory.remember(("shop", "heavy"), "u")
    memory.remember_pod("u", "1", "pod-0", 0, "heavy-0")
    assert memory.keys == {("shop", "heavy")}

    memory.forget(("shop", "heavy"))

    assert memory.keys == frozenset()
    assert memory.pods("u", "1") == {}


def test_a_look_is_due_at_once_and_then_after_its_time() -> None:
    clock = Clock()
    memory = Memory(clock)

    due = []
    for _ in range(5):
        due.append(memory.claim_look("u", "1", "endpoints", 3))
        clock.now += 1

    assert due == [True, False, False, True, False]


def test_the_seconds_of_a_pod_that_is_new_are_summed_as_they_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = 0
    add_to_second = timeline._StepSums.add_to_second

    def count(self: timeline._StepSums, second: int, difference: Sequence[int]) -> None:
        nonlocal sums
        sums += 1
        add_to_second(self, second, difference)

    monkeypatch.setattr(timeline._StepSums, "add_to_second", count)
    memory = Memory(Clock())
    seconds = tuple(
        Second(second=number, counts=Counts(due=1, sent=1, accepted=1), virtual_users=1) for number in range(100)
    )
    step = structs.replace(a_measured_step(), seconds=seconds)
    for index in range(2):
        pod = memory.remember_pod("u", "1", f"pod-{index}", index, f"heavy-{index}")
        memory.record_answer("u", "1", pod, a_snapshot(index, PodState.RUNNING, steps=(step,)))
    summed_before = sums

    (series,) = memory.series("u", "1", ["pod-0", "pod-1"])

    assert (summed_before, sums) == (200, 200)
    assert [second.counts.due for second in series] == [2] * 100


async def test_a_day_of_seconds_is_taken_in_with_breaks_for_others() -> None:
    memory, breaks = Memory(Clock()), 0
    seconds = tuple(Second(second=number, counts=Counts(due=1), virtual_users=1) for number in range(10_000))
    answer = a_snapshot(0, PodState.RUNNING, steps=(structs.replace(a_measured_step(), seconds=seconds),))
    pod = memory.remember_pod("u", "1", "pod-0", 0, "heavy-0")
    taking = asyncio.create_task(memory.take_answer("u", "1", pod, answer))

    while not taking.done():
        breaks += 1
        await asyncio.sleep(0)

    assert breaks >= 10
    assert held(memory).sequence == answer.sequence
    assert len(memory.series("u", "1", ["pod-0"])[0]) == 10_000


async def test_a_last_word_that_comes_while_an_answer_is_taken_in_stays_the_newest() -> None:
    memory = Memory(Clock())
    seconds = tuple(Second(second=number, counts=Counts(due=1), virtual_users=1) for number in range(10_000))
    answer = a_snapshot(0, PodState.RUNNING, sequence=7, steps=(structs.replace(a_measured_step(), seconds=seconds),))
    pod = memory.remember_pod("u", "1", "pod-0", 0, "heavy-0")
    taking = asyncio.create_task(memory.take_answer("u", "1", pod, answer))
    await asyncio.sleep(0)
    word = encode_last_word(a_snapshot(0, PodState.HALTED, sequence=9))

    assert memory.take_last_word("u", "1", "pod-0", 0, "heavy-0", word)
    await taking

    assert held(memory).sequence == 9
    assert len(memory.series("u", "1", ["pod-0"])[0]) == 10_000
