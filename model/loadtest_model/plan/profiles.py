"""The load profile of a step: virtual users that loop, or arrivals and the limit of users that serve them."""

import math
from typing import Final

from loadtest_model.load.arrivals import Arrivals, RateSegment, peak_rate, rate_plateaus, rate_profile
from loadtest_model.load.pacing import Segment, peak_users, plateaus, profile
from loadtest_model.load.scenarios import PRESETS
from loadtest_model.plan.errors import PlanError
from loadtest_model.reasons import Reason
from loadtest_model.spec import Spec
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
    if load.stages is not None:
        stages = [(seconds_of(stage.duration), stage.virtual_users, stage.arrival_rate) for stage in load.stages]
        if load.stages[0].arrival_rate is None:
            return _reaching_users(profile([(seconds, users or 0) for seconds, users, _ in stages])), None
        return _open(rate_profile([(seconds, rate or 0.0) for seconds, _, rate in stages]), load, timeout_seconds)
    preset = PRESETS.get(scenario)
    length_seconds, shares = _length(scenario, load)
    if load.arrival_rate is not None:
        return _open(rate_plateaus(length_seconds, load.arrival_rate, shares), load, timeout_seconds)
    users = load.virtual_users or (preset.virtual_users if preset else DEFAULT_CUSTOM_USERS)
    return plateaus(length_seconds, users, shares), None


def _length(scenario: str, load: Load) -> tuple[float, tuple[float, ...]]:
    """How long a load without stages lasts at most, and the plateaus it climbs in."""
    if load.records is not None:
        # When it will end is not known, so there is nothing to divide into plateaus.
        return LONGEST_LOAD_SECONDS, (1.0,)
    preset = PRESETS.get(scenario)
    if load.duration is None and preset is None:
        raise PlanError(
            Reason.DurationMissing,
            "spec.load.duration is missing; a custom test needs it, or spec.load.records or spec.load.stages",
        )
    length_seconds = seconds_of(load.duration) if load.duration else preset.duration_seconds if preset else 0.0
    if length_seconds <= 0:
        raise PlanError(Reason.DurationMissing, f"spec.load.duration is {load.duration}; a load takes time")
    return length_seconds, preset.plateaus if preset else (1.0,)


def _reaching_users(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    if not peak_users(segments):
        raise PlanError(Reason.StagesEmpty, "spec.load.stages reach no virtual user for any length of time")
    return segments


def _open(rates: tuple[RateSegment, ...], load: Load, timeout_seconds: float) -> tuple[tuple[Segment, ...], Arrivals]:
    """The limit of users over the whole of an arrival profile, and the arrivals."""
    peak = peak_rate(rates)
    if peak <= 0:
        raise PlanError(Reason.StagesEmpty, "spec.load.stages reach no arrival rate for any length of time")
    users = load.virtual_users or min(MOST_DEFAULT_USERS, math.ceil(peak * USERS_FOR_SECONDS))
    segments = tuple(
        Segment(duration_seconds=rate.duration_seconds, first_users=users, last_users=users) for rate in rates
    )
    lateness_seconds = seconds_of(load.max_lateness) if load.max_lateness else timeout_seconds
    return segments, Arrivals(process=load.arrivals or "constant", rates=rates, max_lateness_seconds=lateness_seconds)


def refuse_contradictions(spec: Spec) -> None:
    """Raise PlanError for fields of the load that cannot stand together."""
    load = spec.load
    stages = load.stages or []
    by_rate = [stage.arrival_rate is not None for stage in stages]
    if any(rated == (stage.virtual_users is not None) for rated, stage in zip(by_rate, stages, strict=True)) or (
        len(set(by_rate)) > 1
    ):
        raise PlanError(
            Reason.StagesMixed, "spec.load.stages must all say virtualUsers or all say arrivalRate, and each just one"
        )
    beside = [
        name
        for name, value in (
            ("duration", load.duration),
            ("records", load.records),
            ("arrivalRate", load.arrival_rate),
            ("virtualUsers", None if any(by_rate) else load.virtual_users),
        )
        if value is not None
    ]
    if stages and beside:
        raise PlanError(Reason.LoadContradicts, f"spec.load.stages cannot stand beside spec.load.{beside[0]}")
    if load.records is not None and load.duration is not None:
        raise PlanError(
            Reason.LoadContradicts, "spec.load.records stands instead of spec.load.duration; give one of them"
        )
    if load.records is not None and spec.scenario == "all":
        raise PlanError(Reason.LoadContradicts, "spec.load.records cannot stand in scenario all; give a duration")
    is_open = load.arrival_rate is not None or any(by_rate)
    for name, value in (("arrivals", load.arrivals), ("maxLateness", load.max_lateness)):
        if value is not None and not is_open:
            raise PlanError(Reason.LoadContradicts, f"spec.load.{name} needs spec.load.arrivalRate, or stages with one")
    if is_open and seconds_of(load.think_time) > 0:
        raise PlanError(
            Reason.LoadContradicts, "spec.load.thinkTime cannot stand beside an arrival rate, which alone sets the pace"
        )
    if load.arrival_rate is not None and load.arrival_rate <= 0:
        raise PlanError(Reason.LoadContradicts, f"spec.load.arrivalRate is {load.arrival_rate:g}; it must be above 0")
    if load.graceful_stop is not None and seconds_of(load.graceful_stop) > seconds_of(spec.target.timeout):
        raise PlanError(
            Reason.GracefulStopTooLong,
            f"spec.load.gracefulStop is {load.graceful_stop}; it must not be longer than spec.target.timeout,"
            f" which is {spec.target.timeout}",
        )
