"""The target's clock is read from its answers, and a difference from this machine's is named."""

from dataclasses import dataclass
from email.utils import formatdate

import pytest

from loadgen.http.target_clock import OBSERVE_EVERY_SECONDS, TargetClock

BEGIN = 1_800_000_000


@dataclass
class Machine:
    """A machine whose wall clock is `ahead_seconds` before the target's."""

    ahead_seconds: float = 0.0
    passed: float = 0.0

    def clock(self) -> TargetClock:
        return TargetClock(lambda: BEGIN + self.passed + self.ahead_seconds, lambda: 77.0 + self.passed)

    def answer(self, late_seconds: float = 0.0) -> dict[str, str]:
        return {"Date": formatdate(BEGIN + self.passed - late_seconds, usegmt=True)}


def test_before_any_answer_it_is_this_machines_own() -> None:
    clock = Machine(ahead_seconds=3_600).clock()

    assert not clock.is_known
    assert clock.now() == BEGIN + 3_600
    assert clock.note == ""


@pytest.mark.parametrize(("ahead", "words"), [(3_600.0, "3,600 s ahead of"), (-90.0, "90 s behind"), (2.0, "")])
def test_an_answer_tells_the_targets_time_and_a_difference_is_named(ahead: float, words: str) -> None:
    machine = Machine(ahead_seconds=ahead)
    clock = machine.clock()

    clock.observe(machine.answer())
    machine.passed = 100

    assert clock.now() == pytest.approx(BEGIN + 100, abs=1)
    assert words in clock.note
    assert bool(clock.note) == bool(words)


def test_a_step_of_the_wall_clock_changes_nothing() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.observe(machine.answer())

    machine.ahead_seconds = -86_400

    assert clock.now() == pytest.approx(BEGIN, abs=1)


def test_an_answer_that_came_late_does_not_put_the_clock_back() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.observe(machine.answer())
    machine.passed = OBSERVE_EVERY_SECONDS

    clock.observe(machine.answer(late_seconds=30))

    assert clock.now() == pytest.approx(BEGIN + OBSERVE_EVERY_SECONDS, abs=1)


def test_a_first_answer_that_came_late_is_put_right_by_the_next_second() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.observe(machine.answer(late_seconds=3))

    for _ in range(12):
        machine.passed += 0.1
        clock.observe(machine.answer())

    assert clock.now() == pytest.approx(BEGIN + machine.passed, abs=0.2)


def test_the_target_outweighs_the_host_of_the_login() -> None:
    machine = Machine()
    clock = machine.clock()

    clock.observe({"Date": formatdate(BEGIN + 500, usegmt=True)}, of_target=False)
    assert clock.now() == pytest.approx(BEGIN + 500, abs=1)
    clock.observe(machine.answer())
    clock.observe({"Date": formatdate(BEGIN + 500, usegmt=True)}, of_target=False)

    assert clock.now() == pytest.approx(BEGIN, abs=1)


@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}, {"Date": formatdate(0, usegmt=True), "Age": "40"}])
def test_an_answer_without_its_time_tells_nothing(headers: dict[str, str]) -> None:
    clock = Machine().clock()

    clock.observe(headers)

    assert not clock.is_known
