"""The load profile of a step: virtual users that loop, or arrivals and the limit of users that serve them."""

import math
from typing import Final

from loadtest_model.load.arrivals import ArrivalProcess, Arrivals, RateSegment, peak_rate, rate_plateaus, rate_profile
from loadtest_model.load.pacing import Segment, user_plateaus, user_profile
from loadtest_model.load.scenarios import PRESETS
from loadtest_model.plan.climb import climb_levels, climb_of, rate_climb, user_climb
from loadtest_model.spec import Scenario
from loadtest_model.spec.capacity import ClimbBy
from loadtest_model.spec.load import Load
from loadtest_model.values import seconds_of

DEFAULT_CUSTOM_USERS: Final = 1
LONGEST_LOAD_SECONDS: Final = 86_400.0
"""A load that is a number of records ends after this time at the latest."""

USERS_FOR_SECONDS: Final = 30.0
MOST_DEFAULT_USERS: Final = 1_000
"""Without `virtualUsers`, an arrival rate gets users for so many seconds of it, and never more than these."""


def profile_of(scenario: str, load: Load, timeout_seconds: float) -> tuple[tuple[Segment, ...], Arrivals | None]:
    """A step's segments, and in the open model its arrivals."""
    if scenario == Scenario.CAPACITY:
        return _climb_profile(load, timeout_seconds)
    if load.stages is not None:
        stages = [(seconds_of(stage.duration), stage.virtual_users, stage.arrival_rate) for stage in load.stages]
        if load.stages[0].arrival_rate is None:
            return user_profile([(seconds, users or 0) for seconds, users, _ in stages]), None
        return _open_profile(
            rate_profile([(seconds, rate or 0.0) for seconds, _, rate in stages]), load, timeout_seconds
        )
    preset = PRESETS.get(scenario)
    length_seconds, shares = _length_and_plateaus(scenario, load)
    if load.arrival_rate is not None:
        return _open_profile(rate_plateaus(length_seconds, load.arrival_rate, shares), load, timeout_seconds)
    users = load.virtual_users or (preset.virtual_users if preset else DEFAULT_CUSTOM_USERS)
    return user_plateaus(length_seconds, users, shares), None


def _climb_profile(load: Load, timeout_seconds: float) -> tuple[tuple[Segment, ...], Arrivals | None]:
    levels, plateau_seconds = climb_levels(load)
    if climb_of(load).by is ClimbBy.VIRTUAL_USERS:
        return user_climb(levels, plateau_seconds), None
    return _open_profile(rate_climb(levels, plateau_seconds), load, timeout_seconds)


def _length_and_plateaus(scenario: str, load: Load) -> tuple[float, tuple[float, ...]]:
    """How long a load without stages lasts at most, and the plateaus it climbs in."""
    if load.records is not None:
        # When it will end is not known, so there is nothing to divide into plateaus.
        return LONGEST_LOAD_SECONDS, (1.0,)
    preset = PRESETS.get(scenario)
    length_seconds = PRESETS[scenario].duration_seconds if load.duration is None else seconds_of(load.duration)
    return length_seconds, preset.plateaus if preset else (1.0,)


def _open_profile(
    rates: tuple[RateSegment, ...], load: Load, timeout_seconds: float
) -> tuple[tuple[Segment, ...], Arrivals]:
    """The limit of users over the whole of an arrival profile, and the arrivals."""
    users = load.virtual_users or min(MOST_DEFAULT_USERS, math.ceil(peak_rate(rates) * USERS_FOR_SECONDS))
    segments = tuple(
        Segment(duration_seconds=rate.duration_seconds, first_users=users, last_users=users) for rate in rates
    )
    lateness_seconds = seconds_of(load.max_lateness) if load.max_lateness else timeout_seconds
    return segments, Arrivals(
        process=load.arrivals or ArrivalProcess.CONSTANT, rates=rates, max_lateness_seconds=lateness_seconds
    )
