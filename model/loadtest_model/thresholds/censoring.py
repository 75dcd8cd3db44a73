"""How great a time may be that contains uploads of which only the age is known, because the test cut them."""

import math

from loadtest_model.measurement.censored import CensoredTimes
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.upload_parts import UploadPart
from loadtest_model.values import NANOSECONDS


def greatest_quantile_seconds(times: Sketch, censored: Sketch, quantile: float) -> float:
    """The quantile if every upload that was cut had taken longer than all others; infinite if it falls among them.

    `censored` is the part of the times that were cut.
    """
    if not censored.count:
        return times.quantile_seconds(quantile) or 0.0
    ended = times.without(censored)
    has_few_samples = times.count < 1 / (1 - quantile)
    if has_few_samples or math.ceil(quantile * times.count - 1e-9) > ended.count:
        return math.inf
    return ended.quantile_seconds(quantile * times.count / ended.count) or 0.0


def greatest_mean_seconds(times: Sketch | UploadPart, censored: CensoredTimes) -> float:
    """The mean if every upload that was cut had lasted until its time-out."""
    if not times.count:
        return 0.0
    return (times.sum_nanoseconds + censored.remaining_nanoseconds) / times.count / NANOSECONDS
