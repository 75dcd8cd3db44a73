"""Memory that grows is told from memory that only moves."""

import math
import random

import pytest

from loadtest_model.judgement.trend import memory_sign, theil_sen

MEBIBYTE = 1 << 20


def memory(count: int, step_seconds: float, *, grows_by: float, noise: float = 0.0) -> list[tuple[float, float]]:
    """Points from 200 MiB on, growing linearly by a share of it, with seeded noise as a share."""
    draw = random.Random(7)
    last = (count - 1) * step_seconds
    return [
        (at, 200 * MEBIBYTE * (1 + grows_by * at / last + noise * draw.uniform(-1, 1)))
        for at in (number * step_seconds for number in range(count))
    ]


def test_memory_that_grows_by_a_tenth_is_told_with_its_figures() -> None:
    assert memory_sign(memory(61, 2.0, grows_by=0.5)) == "target memory grows: from 200 MiB by 100 MiB (50%) in 120 s"


@pytest.mark.parametrize(
    "points",
    [
        memory(61, 2.0, grows_by=0.0, noise=0.1),
        memory(61, 2.0, grows_by=0.08),
        memory(61, 2.0, grows_by=-0.5),
        memory(19, 10.0, grows_by=0.5),
        memory(50, 1.0, grows_by=0.5),
        [],
    ],
    ids=["only noise", "less than a tenth", "falling", "too few points", "too short", "nothing"],
)
def test_other_memory_is_no_sign(points: list[tuple[float, float]]) -> None:
    assert memory_sign(points) is None


def test_a_few_outliers_decide_nothing() -> None:
    points = memory(60, 2.0, grows_by=0.0, noise=0.01)
    points[-3:] = [(at, value * 5) for at, value in points[-3:]]

    assert memory_sign(points) is None


def test_growth_shows_through_noise_of_its_own_size() -> None:
    assert memory_sign(memory(200, 2.0, grows_by=0.3, noise=0.15)) is not None


def test_the_lower_bound_lies_below_the_slope_and_at_it_where_there_is_no_doubt() -> None:
    exact, least = theil_sen([(float(n), 3.0 * n) for n in range(30)])
    noisy, lower = theil_sen(memory(60, 2.0, grows_by=0.3, noise=0.1))

    assert math.isclose(exact, 3.0)
    assert math.isclose(least, 3.0)
    assert lower < noisy
