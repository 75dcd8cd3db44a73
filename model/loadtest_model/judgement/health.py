"""The signs of a target's health in one step, each with the figures that show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.judgement.plateaus import Plateau, plateaus_of
from loadtest_model.judgement.steadiness import rising_times
from loadtest_model.judgement.throughput import deviation_on, uneven_throughput
from loadtest_model.judgement.trend import memory_sign
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.silence import UNRESPONSIVE_SECONDS
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Step
from loadtest_model.quantities import clip, count_text, seconds_text
from loadtest_model.thresholds.doubt import true_value_interval, without_own_failures
from loadtest_model.values import WireValue

EVIDENCE_LENGTH: Final = 256
_NO_ANSWER: Final = "no answer for"


@dataclass(frozen=True)
class Evictions:
    """Planned evictions of the target's pods under load: so many, of which `pods` names the first, with the reasons."""

    pods: tuple[str, ...] = ()
    count: int = 0


NO_EVICTIONS: Final = Evictions()


class HealthLevel(StrEnum):
    GOOD = "Good"
    WARNING = "Warning"
    CRITICAL = "Critical"


_RANK: Final = {HealthLevel.GOOD: 0, HealthLevel.WARNING: 1, HealthLevel.CRITICAL: 2}


class Health(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """How the target fared, with a sentence of evidence for each sign, the gravest first."""

    level: HealthLevel = HealthLevel.GOOD
    evidence: Annotated[tuple[Annotated[str, Meta(max_length=EVIDENCE_LENGTH)], ...], Meta(max_length=32)] = ()


Sign = tuple[HealthLevel, str]


def assess_step(step: Step, aggregate: StepAggregate) -> Health:
    """The health of a target in one step, from what was measured after the warm-up."""
    if step.climb is not None:
        # A climb goes to where errors and times rise, so only what no load excuses is a sign.
        signs = [*_complete_failure(without_own_failures(aggregate)), *_availability_signs(aggregate)]
    else:
        signs = [
            *_error_signs(aggregate),
            *_time_signs(aggregate),
            *_cut_signs(aggregate),
            *_availability_signs(aggregate),
            *((HealthLevel.WARNING, text) for text in uneven_throughput(step, aggregate)),
            *_load_signs(step, aggregate),
        ]
    signs.sort(key=lambda sign: -_RANK[sign[0]])
    level = signs[0][0] if signs else HealthLevel.GOOD
    return Health(level=level, evidence=tuple(f"{step.name}: {text}" for _, text in signs))


def memory_health(points: Sequence[tuple[float, float]]) -> Health:
    """The health that the target's memory tells of, as (seconds, bytes) after the warm-up."""
    sign = memory_sign(points)
    return Health() if sign is None else Health(level=HealthLevel.WARNING, evidence=(sign,))


def eviction_health(evictions: Evictions) -> Health:
    """The health that planned evictions of the target's pods tell of: somebody else's doing, but not one target."""
    if not evictions.count:
        return Health()
    pods = "1 pod of the target was" if evictions.count == 1 else f"{evictions.count} pods of the target were"
    text = f"{pods} evicted while the load ran: {', '.join(evictions.pods)}"
    others_count = evictions.count - len(evictions.pods)
    if others_count > 0:
        text = f"{text} and {others_count} more"
    return Health(level=HealthLevel.WARNING, evidence=(clip(text, EVIDENCE_LENGTH),))


def worst_health(healths: Sequence[Health]) -> Health:
    """The health of a run of several steps: the worst of them, with the evidence of all."""
    level = max((health.level for health in healths), key=_RANK.__getitem__, default=HealthLevel.GOOD)
    ranked_healths = sorted(healths, key=lambda health: -_RANK[health.level])
    return Health(level=level, evidence=tuple(text for health in ranked_healths for text in health.evidence)[:32])


def _error_signs(aggregate: StepAggregate) -> list[Sign]:
    """What failed, but for what our own side may have caused: a target is not accused of that."""
    measured_rate = aggregate.judged.error_rate
    aggregate = without_own_failures(aggregate)
    rate = aggregate.judged.error_rate
    signs = _complete_failure(aggregate)
    if not signs and rate is not None and rate > 0.01:
        level, bound = (HealthLevel.CRITICAL, "5%") if rate > 0.05 else (HealthLevel.WARNING, "1%")
        rest = "" if rate == measured_rate else ", without what the generator itself may have caused"
        signs.append((level, f"error rate {rate:.2%} is above {bound}{rest}"))
    timeouts = aggregate.errors.get(ErrorKind.TIMEOUT, 0)
    if timeouts:
        signs.append((HealthLevel.WARNING, f"{count_text(timeouts, 'upload')} timed out"))
    return signs


def _complete_failure(aggregate: StepAggregate) -> list[Sign]:
    counts = aggregate.judged
    if counts.sent > counts.cancelled and counts.accepted == 0:
        return [(HealthLevel.CRITICAL, f"complete failure: none of {counts.sent} uploads was accepted")]
    return []


def _time_signs(aggregate: StepAggregate) -> list[Sign]:
    average, p95 = aggregate.response.mean_seconds, aggregate.response.quantile_seconds(0.95)
    if average is None or p95 is None:
        return []
    # A target is accused only of what is left once our own time is taken off.
    average = true_value_interval("avg", aggregate, average, 0.0).low
    p95 = true_value_interval("p95", aggregate, p95, 0.0).low
    if average > 30:
        return [(HealthLevel.CRITICAL, f"average response time {average:.1f} s is above 30 s")]
    if average >= 10:
        return [(HealthLevel.WARNING, f"average response time {average:.1f} s is between 10 s and 30 s")]
    if p95 >= 20:
        return [(HealthLevel.WARNING, f"p95 response time {p95:.1f} s is not below 20 s")]
    return []


def _cut_signs(aggregate: StepAggregate) -> list[Sign]:
    """Uploads that the end of the load cut, and that had lasted longer than any that ended.

    A step that did not run to its end says nothing if none ended in it: it may have been cut after a moment.
    """
    censored = aggregate.censored.response
    ended = aggregate.response.without(censored)
    if not ended.count and not aggregate.finished_pods:
        return []
    overdue = censored.count_above(ended.max_seconds or 0.0)
    if overdue <= 0.01 * aggregate.judged.due:
        return []
    longest = f"none that ended took longer than {seconds_text(ended.max_seconds)}" if ended.count else "none ended"
    cut_clause = "it was" if overdue == 1 else "they were"
    text = (
        f"{overdue} of {aggregate.judged.due} uploads had no answer when {cut_clause} cut at the end, after up to"
        f" {seconds_text(censored.max_seconds)}; {longest}"
    )
    return [(HealthLevel.WARNING, text)]


def _availability_signs(aggregate: StepAggregate) -> list[Sign]:
    signs: list[Sign] = []
    departed_counts = aggregate.gone
    refused_connections = aggregate.errors.get(ErrorKind.REFUSED, 0) - departed_counts.refused
    failures_by_kind = {
        "refused": departed_counts.refused,
        "not answered": departed_counts.unanswered,
        "cut": departed_counts.cut + departed_counts.stale,
    }
    if any(failures_by_kind.values()):
        kinds_text = ", ".join(f"{count} {kind}" for kind, count in failures_by_kind.items() if count)
        text = (
            f"uploads failed at addresses that left the target meanwhile ({kinds_text}): its pods stop before everybody"
            " knows that they leave; give them a preStop hook"
        )
        signs.append((HealthLevel.WARNING, text))
    if refused_connections and aggregate.total.accepted:
        connections = "1 connection was" if refused_connections == 1 else f"{refused_connections} connections were"
        text = f"{connections} refused although the target had answered before: it went down"
        signs.append((HealthLevel.CRITICAL, text))
    silence = target_silence_seconds(aggregate)
    longest_wait = max(aggregate.in_flight_ages_seconds, default=0.0)
    if silence >= UNRESPONSIVE_SECONDS or (
        longest_wait >= UNRESPONSIVE_SECONDS and _is_silent(aggregate, longest_wait)
    ):
        silent_seconds = max(silence, int(longest_wait))
        signs.append((HealthLevel.CRITICAL, f"{_NO_ANSWER} {silent_seconds} s with uploads in flight"))
    return signs


def tells_of_silence(evidence: str) -> bool:
    """Whether a sentence of evidence says that the target did not answer for a while, which nothing later undoes."""
    return _NO_ANSWER in evidence


def target_silence_seconds(aggregate: StepAggregate) -> int:
    """For how long the target did not answer, at most; what the generator itself may have kept is taken off.

    An arrival counts as in flight from when it is due, also while it waits for its file or for a token.
    The pods' own accounts count once all of them are in: the seconds of some may be lost by then.
    """
    is_told = 0 < aggregate.total.due <= aggregate.silence.due
    silence = aggregate.silence.longest_seconds if is_told else longest_silence_seconds(aggregate.seconds)
    own_seconds = max(aggregate.own.longest_stall_seconds, aggregate.own.response.max_seconds or 0.0)
    return int(max(0.0, silence - own_seconds))


def longest_silence_seconds(seconds: Sequence[Second]) -> int:
    """The longest run of whole seconds without an answer while an upload was in flight."""
    by_number = {second.second: second for second in seconds}
    longest = current = in_flight = 0
    for number in range(max(by_number, default=-1) + 1):
        second = by_number.get(number)
        in_flight += second.counts.sent - second.ended if second else 0
        current = current + 1 if in_flight > 0 and not (second and second.answers) else 0
        longest = max(longest, current)
    return longest


def _is_silent(aggregate: StepAggregate, waiting_seconds: float) -> bool:
    """Whether nothing was answered during the last `UNRESPONSIVE_SECONDS` of a run that goes on."""
    last_answer = max((second.second for second in aggregate.seconds if second.answers), default=-1)
    newest = max((second.second for second in aggregate.seconds), default=0)
    return last_answer < 0 or newest - last_answer >= UNRESPONSIVE_SECONDS or waiting_seconds > newest


def _load_signs(step: Step, aggregate: StepAggregate) -> list[Sign]:
    signs: list[Sign] = []
    waits = aggregate.vu_limit_reached - aggregate.own.held_up
    if waits > 0:
        text = (
            f"{waits} of {aggregate.total.due + aggregate.in_flight} arrivals found none of"
            f" {step.virtual_users} virtual users free: the target does not keep up with the arrival rate"
        )
        signs.append((HealthLevel.WARNING, text))
    plateaus = plateaus_of(step, aggregate)
    for before, after in pairwise(plateaus):
        if after.level < before.level * 1.5:
            continue
        slower = _slower_without_gain(aggregate, before, after)
        if slower:
            signs.append((HealthLevel.WARNING, slower))
    for plateau in plateaus:
        deviation = deviation_on(plateau, aggregate)
        rising = rising_times(plateau, aggregate.seconds, deviation, aggregate.own.response)
        if rising:
            signs.append((HealthLevel.WARNING, rising))
    return signs


def _slower_without_gain(aggregate: StepAggregate, before: Plateau, after: Plateau) -> str | None:
    sketches = aggregate.segment_response
    if max(before.segment, after.segment) >= len(sketches):
        return None
    medians = [sketches[plateau.segment].quantile_seconds(0.5) for plateau in (before, after)]
    rates = [
        sum(s.records_answered for s in aggregate.seconds if plateau.first <= s.second < plateau.end)
        / (plateau.end - plateau.first)
        for plateau in (before, after)
    ]
    if medians[0] is None or medians[1] is None or not rates[0]:
        return None
    # At most one of twenty uploads had more time of our own than this.
    own_seconds = aggregate.own.response.quantile_seconds(0.95) or 0.0
    least_median = (sketches[after.segment].quantile_seconds(0.45) or 0.0) - own_seconds if own_seconds else medians[1]
    if min(medians[1], least_median) >= 1.3 * medians[0] and rates[1] < 1.1 * rates[0]:
        return (
            f"response time rises with load: from {before.level:g} to {after} the median goes from"
            f" {seconds_text(medians[0])} to {seconds_text(medians[1])},"
            f" records/s from {rates[0]:,.0f} to {rates[1]:,.0f}"
        )
    return None
