"""A threshold as a bar: the bound, the measured value, and the interval in which the true value lies."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from loadtest_model.judgement.judged_thresholds import threshold_value_text
from loadtest_model.pages.elements import Element, element, percent
from loadtest_model.pages.icons import Tone
from loadtest_model.pages.scales import Scale
from loadtest_model.thresholds.bounds import Threshold, ThresholdResult, parse_threshold
from loadtest_model.thresholds.metrics import METRICS

HEIGHT: Final = 24
_BAR_HEIGHT: Final = 8
_BAR_TOP: Final = 8
_BAR_TOP_OVER_INTERVAL: Final = 4
_INTERVAL_MIDDLE: Final = 18
_CAP: Final = 3
"""Half the height of the ends of an interval."""
_BOUND_PLACE: Final = 0.75
"""Where the bound stands if there is room for the value, so that the bounds of a list stand under each other."""
_ROOM: Final = 1.08
"""What is left beside the greatest value."""
_HIGH_SHARE: Final = 0.5
"""A share that must be above this is shown near 100 %: from 0 on, its failures would be too small to see."""
_LEAST_INTERVAL: Final = 0.012
"""An interval that is narrower, as a share of the bar, would be hidden by the mark of the value."""


@dataclass(frozen=True)
class BarScale:
    """The axis of a bar. Only from 0 on may the length of a bar stand for its value."""

    scale: Scale
    is_from_zero: bool


def bar_scale(threshold: Threshold, result: ThresholdResult) -> BarScale:
    """An axis on which bound, value and interval have room."""
    values = [value for value in (result.value, result.low, result.high) if value is not None]
    if (comparison := result.baseline) is not None:
        values += [each for each in (comparison.value, comparison.low, comparison.high) if each is not None]
    bound = bound_of(threshold, result)
    if bound is None:
        return BarScale(Scale(0.0, _ROOM * max(values, default=0.0) or 1.0), is_from_zero=True)
    if METRICS[threshold.metric].unit == "ratio" and not threshold.is_upper and bound > _HIGH_SHARE:
        failures = max([1.0 - bound, *(_ROOM * (1.0 - value) for value in values)])
        return BarScale(Scale(max(0.0, 1.0 - max(failures, 0.001) / _BOUND_PLACE), 1.0), is_from_zero=False)
    greatest = max([bound / _BOUND_PLACE, *(_ROOM * value for value in values)])
    return BarScale(Scale(0.0, greatest or 1.0), is_from_zero=True)


def bound_of(threshold: Threshold, result: ThresholdResult) -> float | None:
    """The bound of a threshold; None of one on a baseline that there is not."""
    return threshold.bound if result.baseline is None else result.baseline.bound


def threshold_bar(result: ThresholdResult, tone: Tone) -> Element:
    """The drawing of one threshold, as wide as its place."""
    threshold = parse_threshold(result.expression)
    axis = bar_scale(threshold, result)
    interval = list(_interval(result, axis.scale))
    top = _BAR_TOP_OVER_INTERVAL if interval else _BAR_TOP
    bound, end = bound_of(threshold, result), 1 if interval else 3
    return element(
        "svg",
        element("title", bar_text(result)),
        _track(threshold, bound, axis.scale, top),
        _value(result, axis, top),
        interval,
        _baseline(result, axis.scale, top),
        None if bound is None else _upright(axis.scale.share(bound), "bound", end, HEIGHT - end),
        class_=f"bar tone-{tone}",
        role="img",
        width="100%",
        height=HEIGHT,
        overflow="visible",
    )


def bar_text(result: ThresholdResult) -> str:
    """What a bar shows, in words."""
    if result.value is None:
        return f"{result.expression}: nothing was measured"
    interval = interval_text(result)
    measured = f"{result.expression}: measured {threshold_value_text(result.expression, result.value)}"
    if result.baseline is not None and result.baseline.value is not None:
        measured += f", the baseline is {threshold_value_text(result.expression, result.baseline.value)}"
    return f"{measured}; the true value lies {interval}" if interval else measured


def interval_text(result: ThresholdResult) -> str:
    """Between which values the true one lies; empty if it is the measured one."""
    if result.value is None or result.low is None:
        return ""
    low = threshold_value_text(result.expression, result.low)
    if result.high is None:
        return f"at or above {low}"
    high = threshold_value_text(result.expression, result.high)
    return "" if low == high else f"between {low} and {high}"


def _track(threshold: Threshold, bound: float | None, scale: Scale, top: int) -> list[Element]:
    """The whole bar, and the part of it that the bound allows."""
    if bound is None:
        return [_rectangle("track", 0.0, 1.0, top)]
    place = scale.share(bound)
    begin, width = (0.0, place) if threshold.is_upper else (place, 1.0 - place)
    return [_rectangle("track", 0.0, 1.0, top), _rectangle("allowed", begin, width, top)]


def _value(result: ThresholdResult, axis: BarScale, top: int) -> Iterator[Element]:
    if result.value is None:
        return
    place = axis.scale.share(result.value)
    if axis.is_from_zero:
        yield _rectangle("value", 0.0, place, top)
    yield _upright(place, "value-mark", top - 2, top + _BAR_HEIGHT + 2)


def _baseline(result: ThresholdResult, scale: Scale, top: int) -> list[Element]:
    """Where the earlier runs lie: a band over the bar."""
    comparison = result.baseline
    if comparison is None or comparison.low is None or comparison.high is None:
        return []
    low, high = scale.share(comparison.low), scale.share(comparison.high)
    middle, width = (low + high) / 2, max(high - low, _LEAST_INTERVAL)
    return [_rectangle("baseline", max(0.0, middle - width / 2), width, top)]


def _interval(result: ThresholdResult, scale: Scale) -> Iterator[Element]:
    if result.value is None or result.low is None:
        return
    low, high = scale.share(result.low), 1.0 if result.high is None else scale.share(result.high)
    if high - low < _LEAST_INTERVAL:
        return
    top, bottom = _INTERVAL_MIDDLE - _CAP, _INTERVAL_MIDDLE + _CAP
    yield element(
        "line", class_="interval", x1=percent(low), x2=percent(high), y1=_INTERVAL_MIDDLE, y2=_INTERVAL_MIDDLE
    )
    yield _upright(low, "interval", top, bottom)
    if result.high is not None:
        yield _upright(high, "interval", top, bottom)
        return
    # An arrow at the end of the bar says that there is no bound.
    tip = element("path", class_="interval", d=f"M-5 {top - 1}L0 {_INTERVAL_MIDDLE}L-5 {bottom + 1}", fill="none")
    yield element("svg", tip, x="100%", overflow="visible")


def _rectangle(style: str, begin: float, width: float, top: int) -> Element:
    return element("rect", class_=style, x=percent(begin), width=percent(width), y=top, height=_BAR_HEIGHT, rx=2)


def _upright(place: float, style: str, top: float, bottom: float) -> Element:
    return element("line", class_=style, x1=percent(place), x2=percent(place), y1=top, y2=bottom)
