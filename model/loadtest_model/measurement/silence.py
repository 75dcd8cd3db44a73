"""When a target did not answer: what one pod knows of it, in so few words that they fit into its last word.

A fleet met silence where no pod got an answer and some pod waited for one. So each pod tells where it got answers,
without the gaps that are too short to matter, and where it waited in the longer ones.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from loadtest_model.measurement.counts import Second
from loadtest_model.values import WireValue

UNRESPONSIVE_SECONDS: Final = 30
"""A silence of so many seconds is a sign of a critical state, and a shorter one is not told."""
MOST_SPANS: Final = 16

Span = tuple[int, int]
"""Whole seconds since the common start: the first one, and the one after the last."""


class Silence(WireValue, frozen=True, kw_only=True):
    """Where answers came and where uploads waited for them, in one step, by one pod or by many.

    `answered` are spans that begin and end with an answer, with fewer than 30 s between two answers. `waiting` are the
    spans between them in which an upload was in flight. `due` counts the uploads that this is told of: fewer than the
    step's where a pod told nothing.
    """

    answered: tuple[Span, ...] = ()
    waiting: tuple[Span, ...] = ()
    due: int = 0

    @property
    def longest_seconds(self) -> int:
        """The longest silence with an upload in flight; exact from 30 s on."""
        quiet = _between(self.answered)
        waiting = _united(self.waiting)
        overlaps = (min(end, until) - max(begin, since) for begin, end in waiting for since, until in quiet)
        return max((length for length in overlaps if length > 0), default=0)


def silence_of(seconds: Sequence[Second]) -> Silence:
    """What one pod's seconds of a step show, all of them."""
    by_number = {second.second: second for second in seconds}
    answered, waiting, in_flight = [], [], 0
    for number in range(max(by_number, default=-1) + 1):
        second = by_number.get(number)
        in_flight += second.counts.sent - second.ended if second else 0
        if second and second.answers:
            answered.append((number, number + 1))
        elif in_flight > 0:
            waiting.append((number, number + 1))
    spans = _fewest(_joined(answered, UNRESPONSIVE_SECONDS))
    gaps = [(begin, end) for begin, end in _between(spans) if end - begin >= UNRESPONSIVE_SECONDS]
    waits = [
        (begin, end) for begin, end in _united(waiting) if any(since <= begin and end <= until for since, until in gaps)
    ]
    longest = sorted(waits, key=lambda wait: wait[0] - wait[1])[:MOST_SPANS]
    due = sum(second.counts.due for second in seconds)
    return Silence(answered=tuple(spans), waiting=tuple(sorted(longest)), due=due)


def merged_silence(parts: Sequence[Silence]) -> Silence:
    """What several pods know as one: a second is quiet where it is for all of them."""
    answered = _joined([span for part in parts for span in part.answered], UNRESPONSIVE_SECONDS)
    waiting = _united(span for part in parts for span in part.waiting)
    return Silence(answered=tuple(answered), waiting=tuple(waiting), due=sum(part.due for part in parts))


def _united(spans: Iterable[Span]) -> list[Span]:
    return _joined(spans, 1)


def _joined(spans: Iterable[Span], gap: int) -> list[Span]:
    """The spans in their order, those with fewer than so many seconds between them as one."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin - joined[-1][1] < gap:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def _between(spans: Sequence[Span]) -> list[Span]:
    """What lies before, between and after the spans, up to the end of time."""
    edges = [0, *(edge for span in spans for edge in span), 2**31]
    return [(edges[index], edges[index + 1]) for index in range(0, len(edges), 2)]


def _fewest(spans: list[Span]) -> list[Span]:
    """So many spans at most: the shortest gaps are closed, which only ever denies a silence."""
    while len(spans) > MOST_SPANS:
        shortest = min(range(1, len(spans)), key=lambda index: spans[index][0] - spans[index - 1][1])
        spans = [*spans[: shortest - 1], (spans[shortest - 1][0], spans[shortest][1]), *spans[shortest + 1 :]]
    return spans
